"""Checkpoints and options whose bytes have changed: flipped bits, missing ends, and much more at the end."""
import json
import pathlib
import random
import shutil

import runs
from kills import Whole, keep_or_remove
from tools import complaint

# What a run may change when it goes on, as score-train has it: such a change is a wish and no damage.
CHANGEABLE = {"steps", "device", "threads", "checkpoint-every", "sample-every", "tensorboard"}
REFUSED = {65, 66, 74}
SECONDS, MEMORY = 10, 6 << 30


def files(run):
    """The files whose damage is tried: options, and those of the newest checkpoint."""
    newest = runs.step_folders(run)[-1].relative_to(run)
    names = ["model.safetensors", "ema.safetensors", "optimizer.safetensors", "state.json", "state.crc32"]
    return ["config.json", *(str(newest / name) for name in names)]


def damage(path, generator):
    """Damages a file, and says how."""
    size = path.stat().st_size
    way = generator.choice(["flip", "flip", "flips", "cut", "cut", "grow", "zero"])
    if way == "grow":
        with open(path, "r+b") as file:
            file.truncate(2 << 30)
        return "truncate -s 2G"
    content = bytearray(path.read_bytes())
    if way == "cut":
        length = generator.randrange(size)
        path.write_bytes(content[:length])
        return f"truncate -s {length}"
    if way == "zero":
        start = generator.randrange(size)
        content[start:start + 512] = bytes(len(content[start:start + 512]))
        path.write_bytes(content)
        return f"zeros from byte {start}"
    bits = [generator.randrange(8 * size) for _ in range(1 if way == "flip" else generator.randrange(2, 9))]
    for bit in bits:
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    return f"flipped bits {bits}"


def is_wish(original, damaged):
    """Whether damaged options are another set that a user may have asked for."""
    try:
        one, two = json.loads(original), json.loads(damaged)
        changed = {name for name in {*one, *two} if one.get(name) != two.get(name)}
        return bool(changed) and changed <= CHANGEABLE
    except (ValueError, AttributeError):
        return False


class Patient:
    """A run as if it had been killed before its last save, and what an undamaged one gives."""

    SAMPLE = ["--out", "samples.npy", "--count", 4, "--steps", 2, *runs.COMMON]

    def __init__(self, tools, folder):
        self.tools, self.folder = tools, pathlib.Path(folder)
        self.run = runs.Run("damaged", 6, 2, [*runs.POINTS, "--checkpoint-every", 2])
        self.whole, self.start = Whole(tools, self.run, folder), self.folder / "start"
        shutil.copytree(self.whole.path, self.start, symlinks=True)
        shutil.rmtree(self.start / "checkpoints/step-000006")
        self.samples = self.draw(self.start)[1]

    def draw(self, path):
        """How score-sample ends, and what it wrote."""
        out = self.folder / "samples.npy"
        out.unlink(missing_ok=True)
        result = self.tools.run("score-sample", [path, *self.SAMPLE], self.folder, timeout=SECONDS, memory=MEMORY)
        return result, out.read_bytes() if out.is_file() else None

    def judge_sampling(self, path):
        """What is wrong with sampling from a damaged copy, or None."""
        result, samples = self.draw(path)
        problem = complaint(result, {0} | REFUSED, SECONDS)
        if not problem and result.status == 0 and samples != self.samples:
            problem = "score-sample drew other samples without a word"
        return problem

    def judge_resuming(self, path, is_wish):
        """What is wrong with going on with a damaged copy, or None."""
        arguments = ["--out", path, "--resume", "--progress", "none"]
        result = self.tools.run(
            "score-train", arguments, self.folder, timeout=SECONDS, memory=MEMORY, interrupt=is_wish)
        problem = complaint(result, None if is_wish else {0} | REFUSED, None if is_wish else SECONDS)
        if not problem and not is_wish and result.status == 0:
            if (reason := runs.difference(self.run, self.whole.path, path)):
                problem = f"score-train went on without a word, and {reason}"
        return problem


def campaign(tools, ledger, folder, clock, seed):
    """Damages one file of a copy of a run at a time, then samples from it and goes on with it."""
    kind = "damaged checkpoints and options"
    ledger.open(kind)
    patient, generator = Patient(tools, folder), random.Random(seed)
    path, names = patient.folder / "copy", files(patient.start)
    while not clock.is_over():
        shutil.copytree(patient.start, path, symlinks=True)
        name = generator.choice(names)
        original = (path / name).read_bytes()
        how = damage(path / name, generator)
        is_small = (path / name).stat().st_size < 1 << 20
        wish = name == "config.json" and is_small and is_wish(original, (path / name).read_bytes())
        problem = None if name == "config.json" else patient.judge_sampling(path)
        problem = problem or patient.judge_resuming(path, wish)
        ledger.record(kind, f"{how} of {name}, then score-sample {path} or score-train --out {path} --resume", problem)
        keep_or_remove(path, problem)
