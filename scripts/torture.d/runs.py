"""Tiny training runs, and what has to be the same in a run that was disturbed as in one that was not."""
import json
import pathlib
import random
import struct

COMMON = ["--threads", 1, "--device", "cpu", "--progress", "none"]
IMAGES = ["--channels", "8,8", "--blocks", 1, "--batch-size", 8]
POINTS = ["--data", "moons", "--model", "mlp", "--width", 16, "--blocks", 1, "--batch-size", 16]


class Run:
    """The options of a run, its number of steps and the step of its pictures."""

    def __init__(self, name, steps, pictures, options):
        self.name, self.steps, self.pictures = name, steps, pictures
        self.options = [*options, "--steps", steps, "--sample-every", pictures, *COMMON]

    def arguments(self, out):
        """Those that start the run, or go on with it where it has begun: a user's second try."""
        return [*self.options, "--resume", "--out", out]

    @property
    def due_pictures(self):
        """The names of the pictures that an undisturbed run has drawn."""
        if not self.pictures:
            return set()
        steps = {step for step in range(1, self.steps + 1) if step % self.pictures == 0} | {self.steps}
        return {f"step-{step:06d}.png" for step in steps}


def configurations(folder):
    """Six runs that differ in what they keep: data, network, objective, optimizer and what they write on the way."""
    stream = pathlib.Path(folder) / "stream.npy"
    stream.write_bytes(array("|u1", (64, 8, 8), random.Random(0).randbytes(4096)))
    return [
        Run("digits", 40, 20, ["--data", "digits", "--class-conditional", *IMAGES, "--checkpoint-every", 3]),
        Run("sparse", 120, 40, [*POINTS, "--sparsity", 0.5, "--tensorboard", "--checkpoint-every", 7]),
        Run("energy", 80, 40, [*POINTS, "--conservative", "energy", "--process", "vp", "--checkpoint-every", 8]),
        Run("penalty", 80, 25, [*POINTS, "--conservative", "penalty", "--weighting", "uncertainty", "--checkpoint-every", 9]),
        Run("projection", 48, 16, [*POINTS, "--conservative", "projection", "--projection-every", 4, "--tensorboard",
                                   "--checkpoint-every", 6]),
        Run("streamed", 50, 25, ["--data", stream, "--loading", "stream", *IMAGES, "--flip", "horizontal",
                                 "--checkpoint-every", 7]),
    ]


def save_run(folder):
    """A run with several saves, whose data are read from a file as it goes on, for disturbing single system calls."""
    path = pathlib.Path(folder) / "points.npy"
    generator = random.Random(0)
    values = [generator.gauss(0, 1) for _ in range(256)]
    path.write_bytes(array("<f4", (128, 2), struct.pack("<256f", *values)))
    options = [*POINTS, "--tensorboard", "--checkpoint-every", 2, "--loading", "stream"]
    return Run("saves", 8, 2, [path if option == "moons" else option for option in options])


def array(kind, shape, content):
    """The bytes of a NumPy array."""
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def step_folders(run):
    """The checkpoints of a run by their final names, the oldest first."""
    return sorted(path for path in (pathlib.Path(run) / "checkpoints").glob("step-*") if path.name[5:].isdigit())


def difference(run, whole, disturbed):
    """All ways in which a run that has finished differs from an undisturbed one, or None."""
    whole, disturbed = pathlib.Path(whole), pathlib.Path(disturbed)
    last = f"checkpoints/step-{run.steps:06d}"
    names = [f"{last}/{part}.safetensors" for part in ("model", "ema", "optimizer")]
    names += ["evaluation.json", "loss.png", *(f"samples/{name}" for name in sorted(run.due_pictures))]
    problems = [other_bytes(whole / name, disturbed / name) for name in names] + [other_metrics(whole, disturbed)]
    pictures = {path.name for path in (disturbed / "samples").glob("*")}
    if (more := pictures - run.due_pictures):
        problems.append(f"samples/ also holds {sorted(more)}")
    if (left := [str(path.relative_to(disturbed)) for path in disturbed.rglob("*partial*")]):
        problems.append(f"the finished run has left {left}")
    if "--tensorboard" in run.options:
        problems.append(other_events(whole / "tensorboard", disturbed / "tensorboard"))
    return "; ".join(filter(None, problems)) or None


def other_bytes(one, two):
    if not one.is_file():
        return f"the undisturbed run has no {one.name}"
    if not two.is_file():
        return f"{two.parent.name}/{two.name} is missing"
    one_bytes, two_bytes = one.read_bytes(), two.read_bytes()
    if one_bytes == two_bytes:
        return None
    first = next((i for i, (a, b) in enumerate(zip(one_bytes, two_bytes)) if a != b), "its end")
    return f"{two.parent.name}/{two.name} has other bytes from {first} on"


def metrics(run):
    """The lines of metrics without what depends on the clock; None for one that is no JSON."""
    lines = []
    for line in (pathlib.Path(run) / "metrics.jsonl").read_bytes().splitlines():
        try:
            record = json.loads(line)
            record.pop("examples-per-second", None)
            lines.append(record)
        except ValueError:
            lines.append(None)
    return lines


def other_metrics(whole, disturbed):
    if not (disturbed / "metrics.jsonl").is_file():
        return "metrics.jsonl is missing"
    one, two = metrics(whole), metrics(disturbed)
    if one == two:
        return None
    steps = [line and line.get("step") for line in two]
    if [line["step"] for line in one] != steps:
        return f"metrics.jsonl has the steps {steps} and not {[line['step'] for line in one]}"
    pairs = [(a, b) for a, b in zip(one, two) if a != b]
    names = sorted(name for name in pairs[0][0] if pairs[0][0][name] != pairs[0][1].get(name))
    return f"metrics.jsonl differs at the steps {[a['step'] for a, _ in pairs]}, first in {names}"


def other_events(whole, disturbed):
    one, two = events(whole), events(disturbed)
    if one is None or two is None:
        return "a file of events for TensorBoard is torn"
    if one == two:
        return None
    twice = sorted({entry for entry in two if two.count(entry) > 1})[:3]
    missing, more = sorted(set(one) - set(two))[:3], sorted(set(two) - set(one))[:3]
    return f"TensorBoard's events differ: {missing} missing, {more} too many, {twice} more than once"


def events(folder):
    """The (step, tag) pairs that TensorBoard shows of a folder; None where a record is torn in the last file.

    Later files void the steps from that of their session's start on, and a torn record ends a file, as there.
    """
    shown, files = [], sorted(folder.glob("events.out.tfevents.*"))
    for path in files:
        content, position = path.read_bytes(), 0
        while position < len(content):
            if position + 12 > len(content):
                break
            length = struct.unpack_from("<Q", content, position)[0]
            body = content[position + 12:position + 12 + length]
            if len(body) < length or position + 16 + length > len(content):
                if path == files[-1]:
                    return None
                break
            position += 16 + length
            fields = protocol(body)
            step = fields.get(2, [0])[0]
            if 7 in fields:
                shown = [entry for entry in shown if entry[0] < step]
            for summary in fields.get(5, []):
                shown += [(step, protocol(value)[1][0].decode()) for value in protocol(summary).get(1, [])]
    return sorted(shown)


def protocol(data):
    """The fields of a protocol buffer by number."""
    fields, position = {}, 0

    def varint():
        nonlocal position
        value, shift = 0, 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            value = varint()
        else:
            length = {1: 8, 5: 4}.get(kind) or varint()
            value = data[position:position + length]
            position += length
        fields.setdefault(number, []).append(value)
    return fields
