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


def campaign(tools, ledger, folder, clock, seed):
    """Damages one file of a copy of a run at a time, then samples from it and goes on with it."""
    kind = "damaged checkpoints and options"
    ledger.open(kind)
    run = runs.Run("damaged", 6, 2, [*runs.POINTS, "--checkpoint-every", 2])
    whole = Whole(tools, run, folder)
    # As if the run had been killed before its last save.
    start = pathlib.Path(folder) / "start"
    shutil.copytree(whole.path, start, symlinks=True)
    shutil.rmtree(start / "checkpoints/step-000006")
    sample = ["--out", "samples.npy", "--count", 4, "--steps", 2, *runs.COMMON]
    expected = tools.run("score-sample", [start, *sample], folder)
    reference = (pathlib.Path(folder) / "samples.npy").read_bytes()
    assert expected.status == 0, expected.describe()
    generator, path = random.Random(seed), pathlib.Path(folder) / "copy"
    names = files(start)
    while not clock.is_over():
        shutil.copytree(start, path, symlinks=True)
        name = generator.choice(names)
        original = (path / name).read_bytes()
        how = damage(path / name, generator)
        result, problem = None, None
        if name != "config.json":
            (pathlib.Path(folder) / "samples.npy").unlink(missing_ok=True)
            result = tools.run("score-sample", [path, *sample], folder, timeout=SECONDS, memory=MEMORY)
            problem = complaint(result, {0} | REFUSED, SECONDS)
            if not problem and result.status == 0 and (pathlib.Path(folder) / "samples.npy").read_bytes() != reference:
                problem = "score-sample drew other samples without a word"
        if not problem:
            is_wished = name == "config.json" and (path / name).stat().st_size < 1 << 20 and is_wish(
                original, (path / name).read_bytes())
            # What was there before the damage, and may be written again.
            arguments = ["--out", path, "--resume", "--progress", "none"]
            result = tools.run("score-train", arguments, folder, timeout=SECONDS, memory=MEMORY, interrupt=is_wished)
            if is_wished:
                problem = complaint(result)
            else:
                problem = complaint(result, {0} | REFUSED, SECONDS)
                if not problem and result.status == 0 and (reason := runs.difference(run, whole.path, path)):
                    problem = f"score-train went on without a word, and {reason}"
        ledger.record(kind, f"{how} of {name}, then {result.command}", problem)
        keep_or_remove(path, problem)
