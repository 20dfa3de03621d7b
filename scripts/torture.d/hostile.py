"""Pipes, devices, loops of links and files without end in the place of every file that the tools read."""
import os
import pathlib
import random
import shutil
import struct
import zlib

import runs
from tools import complaint

SECONDS, MEMORY = 5, 8 << 30
REFUSED = {65, 66, 74}


def fifo(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


def loop(path):
    path.symlink_to(path.name)


def empty(path):
    path.write_bytes(b"")


def sparse(path):
    with open(path, "wb") as file:
        file.truncate(1 << 40)


def dangling(path):
    path.symlink_to("nowhere")


HOSTILE = [fifo, device, folder, loop, empty, sparse, dangling]


def mask(path, side=8):
    """A grey PNG whose left half is dark and whose right half is light."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = b"\0" + b"\0" * (side // 2) + b"\xff" * (side // 2)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(row * side)) + chunk(b"IEND", b""))


class Stage:
    """Files to start from: two runs, a pipeline of diffusers, and arrays."""

    def __init__(self, tools, place):
        self.place = pathlib.Path(place) / "stage"
        self.place.mkdir()
        tiny = ["--steps", 2, "--sample-every", 0, *runs.IMAGES, *runs.COMMON]
        for arguments in (
            ["score-train", "--data", "digits", "--process", "ddpm", "--out", "run", *tiny],
            ["score-export", "run", "--out", "pipeline"],
            ["score-sample", "run", "--out", "picture.png", "--count", 1, "--columns", 1, "--steps", 1, *runs.COMMON],
        ):
            result = tools.run(arguments[0], arguments[1:], self.place)
            if result.status != 0:
                raise SystemExit(f"error: {result.command}: {result.describe()}")
        pixels = random.Random(0).randbytes(4096)
        (self.place / "data.npy").write_bytes(runs.array("|u1", (64, 8, 8), pixels))
        (self.place / "labels.npy").write_bytes(runs.array("|u1", (64,), bytes(64)))
        (self.place / "noise.npy").write_bytes(runs.array("<f4", (2, 1, 8, 8), bytes(512)))
        mask(self.place / "mask.png")
        (self.place / "options.json").write_text("{}")


def places(stage):
    """The file in whose place something hostile is put, and the command that reads it."""
    train = ["score-train", "--out", "new", "--steps", 1, "--sample-every", 0, *runs.IMAGES, *runs.COMMON]
    sample = ["score-sample", "run", "--out", "a.png", "--count", 2, "--steps", 1, *runs.COMMON]
    inpaint = [*sample, "--sampler", "euler"]
    evaluate = ["score-evaluate", "run", "--count", 8, "--no-likelihood", *runs.COMMON]
    resume = ["score-train", "--out", "run", "--resume", "--steps", 3, "--progress", "none"]
    pipeline = ["score-sample", "pipeline", "--out", "a.png", "--count", 2, "--steps", 1, *runs.COMMON]
    for extension in ("npy", "npz", "zip", "bin", "idx", "idx.gz", "png"):
        yield f"input.{extension}", [*train, "--data", f"input.{extension}"]
    yield "data.npy", [*evaluate, "--data", "data.npy"]
    yield "labels.npy", [*train, "--data", "data.npy", "--labels", "labels.npy"]
    yield "labels.npy", [*evaluate, "--data", "data.npy", "--labels", "labels.npy"]
    yield "data.npy", [*train, "--data", "data.npy", "--loading", "stream"]
    yield "options.json", [*train, "--data", "digits", "--config", "options.json"]
    yield "noise.npy", [*sample, "--noise", "noise.npy"]
    yield "picture.png", [*inpaint, "--inpaint", "picture.png"]
    yield "mask.png", [*inpaint, "--inpaint", "digits", "--mask", "mask.png"]
    yield "data.npy", [*inpaint, "--inpaint", "data.npy"]
    yield "picture.png", [*inpaint, "--colorize", "picture.png"]
    checkpoint = "run/checkpoints/step-000002"
    for name in ("state.json", "state.crc32", "model.safetensors", "ema.safetensors"):
        for command in (sample, ["score-export", "run", "--out", "exported"], evaluate, resume):
            yield f"{checkpoint}/{name}", command
    yield f"{checkpoint}/optimizer.safetensors", resume
    yield checkpoint, sample
    yield checkpoint, resume
    yield "run/checkpoints", sample
    yield "run/checkpoints", resume
    yield "run", sample
    yield "run", resume
    yield "run/config.json", resume
    yield "run/metrics.jsonl", resume
    for name in ("model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors",
                 "scheduler/scheduler_config.json"):
        yield f"pipeline/{name}", pipeline
    yield "pipeline/unet", pipeline
    yield "pipeline", pipeline


def is_harmless(name, kind, command):
    """What may be there: links that lead nowhere are no files, and some files and folders may be missing or empty."""
    if name == "run/metrics.jsonl":
        return kind in (empty, dangling)
    if command[0] == "score-train" and name in ("run", "run/checkpoints"):
        return kind in (folder, dangling)
    return False


def campaign(tools, ledger, folder_path, clock, seed):
    """Each place with each kind of hostile file, in random order."""
    kind = "hostile files in the place of others"
    ledger.open(kind)
    stage = Stage(tools, folder_path)
    tries = [(name, command, hostile) for name, command in places(stage) for hostile in HOSTILE]
    random.Random(seed).shuffle(tries)
    copy, done = pathlib.Path(folder_path) / "copy", 0
    for name, command, hostile in tries:
        if clock.is_over():
            break
        shutil.copytree(stage.place, copy, symlinks=True)
        target = copy / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
        hostile(target)
        result = tools.run(command[0], command[1:], copy, timeout=SECONDS, memory=MEMORY)
        allowed = REFUSED | {0, 64} if is_harmless(name, hostile, command) else REFUSED
        if "cannot allocate memory" in result.err or "not enough memory" in result.err:
            allowed = {70}  # A file that may be of any size, and is larger than the memory.
        problem = complaint(result, allowed)
        if not problem and any(copy.rglob("*partial*")):
            problem = f"it left {[path.name for path in copy.rglob('*partial*')]}"
        ledger.record(kind, f"{hostile.__name__} as {name}: {result.command}", problem)
        done += 1
        ledger.note(kind, f"{done} of {len(tries)} pairs of place and kind")
        shutil.rmtree(copy)
