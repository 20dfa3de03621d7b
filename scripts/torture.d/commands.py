"""Random command lines of all four tools, from the options that their --help names."""
import json
import os
import pathlib
import random
import re
import shutil
import struct
import zlib

from hostile import Stage
from ledger import counts
from tools import complaint

MEMORY, SECONDS = 12 << 30, 8
WHOLE = ["0", "1", "2", "3", "7", "64", "-1", "-0", "100000", "1000000000", "9223372036854775807",
         "9223372036854775808", "18446744073709551615", "-9223372036854775808", "1e3", "0x10", "1.5", "", " 1", "１", "nan"]
REAL = ["0", "1", "0.5", "1e-3", "0.1", "2", "10", "-1", "1e-320", "1e308", "1e309", "-inf", "inf", "nan", "0x1p3", "",
        "1,5", "1e-8", "80", "1e300", "-0"]
LISTS = ["8", "8,8", "8,16", "4,4,4", "0", "8,-8", "8,,8", ",", "", "9", "4096,4096,4096,4096,4096,4096,4096,4096", "0.1,1",
         "1e-300,1e300", "nan", "8,9223372036854775807", "1", "0.5"]
SEEDS = ["0", "5", "0-3", "3-0", "1,2,3", "18446744073709551615", "18446744073709551614-18446744073709551615", "-", "0-", "",
         "0-9999999999", "1,,2", "-1"]
INPUTS = ["digits", "moons", "checkerboard", "swiss-roll", "spirals", "eight-gaussians", "data.npy", "labels.npy",
          "noise.npy", "picture.png", "options.json", "run", "pipeline", "run/checkpoints", "run/checkpoints/latest",
          "missing", "missing/", "", "/", ".", "/dev/null", "/dev/full", "run/config.json", "a\nb", "é" * 200, "x" * 300,
          "left", "center", "top"]
OUTPUTS = ["new", "new/deep/er", "new.png", "new.npy", "run", "", "/dev/null", "/dev/full", ".", "missing/new.png",
           "data.npy/x", "x" * 300, "é.png", "-", "pipeline", "/proc/new.png"]
# With these a command mostly works, so that more than the first wrong value is met.
SANE = {"n": ["1", "2", "3", "8"], "x": ["0.1", "0.5", "1", "2"], "list": ["8", "4,8", "0.5,1"],
        "seeds": ["0", "5-6", "1,2"], "name": ["cpu"], "source": ["digits", "moons", "data.npy", "picture.png"],
        "path": ["labels.npy"], "run": ["new", "run"], "file.json": ["options.json"], "file.npy": ["noise.npy"],
        "part|file.png": ["top", "mask.png"], "folder": ["new"], "file.png": ["new.png", "new.npy"]}
DEVICES = ["auto", "cpu", "cuda", "cuda:9", "cuda:-1", "mps", "", "tpu", "cuda:99999999999999999999"]


class Option:
    """An option of a tool: its name, the kind of its value (None for a flag) and the values that --help lists."""

    def __init__(self, name, kind, values):
        self.name, self.kind, self.values = name, kind, values

    def argument(self, generator):
        if self.kind is None:
            return [self.name]
        if self.values:
            pool = self.values if generator.random() < 0.95 else ["", "none-of-them", self.values[0].upper()]
        else:
            pool = {"n": WHOLE, "x": REAL, "list": LISTS, "seeds": SEEDS, "name": DEVICES}.get(self.kind, INPUTS)
            if self.kind in SANE and generator.random() < 0.6:
                pool = SANE[self.kind]
            elif self.name in ("--out", "--npy", "--trajectory", "--animation", "--nearest"):
                pool = OUTPUTS
        value = generator.choice(pool)
        return [f"{self.name}={value}"] if generator.random() < 0.7 else [self.name, value]


def options(tools, tool, folder):
    """What a tool's --help lists."""
    text = tools.run(tool, ["--help"], folder).out
    found, current = [], None
    for line in text.splitlines():
        match = re.match(r"  (?:-\w, )?(--[\w-]+)(?:/(--[\w-]+))?(?: <([^>]+)>)?", line)
        if match:
            names = [name for name in match.group(1, 2) if name]
            current = [names, match.group(3), ""]
            found.append(current)
        if current:
            current[2] += " " + line.strip()
    result = []
    for names, kind, description in found:
        values = re.search(r"\(values: ([^;)]*)", description)
        listed = [value.strip() for value in values.group(1).split(",")] if values else []
        result += [Option(name, kind, listed) for name in names if name != "--help"]
    if len(result) < 2:
        raise SystemExit(f"error: {tool} --help lists no options:\n{text}")
    return result


# A small command that works, of which the random ones are variations.
GOOD = {
    "score-train": [["--out", "new"], ["--data", "digits"], ["--channels", "8"], ["--blocks", "1"], ["--steps", "2"],
                    ["--batch-size", "4"], ["--threads", "1"]],
    "score-sample": [["run"], ["--out", "new.png"], ["--count", "2"], ["--steps", "2"], ["--threads", "1"]],
    "score-evaluate": [["run"], ["--count", "8"], ["--no-likelihood"], ["--threads", "1"]],
    "score-export": [["run"], ["--out", "new"]],
}


def arguments(tool, known, generator):
    """A random command line: some of a good one, and some at random."""
    parts = [part for part in GOOD[tool] if generator.random() < 0.95]
    parts += [generator.choice(known).argument(generator) for _ in range(generator.choice([0, 1, 1, 2, 2, 3, 4, 6]))]
    if generator.random() < 0.05:
        parts.append([generator.choice(["--unknown", "--", "-x", "extra", "--out", "--=", "\\", "-h5"])])
    if generator.random() < 0.3:
        generator.shuffle(parts)
    return [word for part in parts for word in part]


def half_written(folder):
    """A file that is not whole: one of a temporary name, or one whose format shows that the end is missing; or None."""
    for path in folder.rglob("*"):
        if "partial-" in path.name:
            return f"{path.relative_to(folder)} was left"
        if path.is_file() and not path.is_symlink() and (reason := broken(path)):
            return f"{path.relative_to(folder)} is not whole: {reason}"
    return None


def broken(path):
    content = path.read_bytes()
    # A picture may have any name that it was given.
    if path.suffix == ".png" or path.suffix == ".npy" and content[:4] == b"\x89PNG":
        end = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
        if content[:8] != b"\x89PNG\r\n\x1a\n" or content[-12:] != end:
            return f"{len(content)} bytes that do not begin or end as a PNG"
    elif path.suffix == ".npy":
        if content[:6] != b"\x93NUMPY":
            return "it is no array"
        length = struct.unpack_from("<H", content, 8)[0]
        header = content[10:10 + length].decode()
        size = int(re.search(r"[<|>=]\w(\d+)", header)[1])
        for number in re.findall(r"\d+", re.search(r"'shape': *\(([^)]*)\)", header)[1]):
            size *= int(number)
        if len(content) != 10 + length + size:
            return f"{len(content)} bytes instead of {10 + length + size}"
    elif path.suffix == ".json":
        try:
            json.loads(content)
        except ValueError as error:
            return str(error)
    elif path.suffix == ".safetensors":
        length = struct.unpack_from("<Q", content)[0]
        header = json.loads(content[8:8 + length])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        if 8 + length + max(ends, default=0) != len(content):
            return f"{len(content)} bytes"
    return None


def listing(folder):
    """Names and times of all files of a folder."""
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*") if path.name != ".lock" and not path.is_dir()}


def campaign(tools, ledger, folder, clock, seed):
    """Random command lines, each in a fresh copy of the same folder."""
    kind = "random command lines"
    ledger.open(kind)
    stage = Stage(tools, folder)
    known = {tool: options(tools, tool, stage.place) for tool in GOOD}
    generator, statuses = random.Random(seed), {}
    copy = pathlib.Path(folder) / "copy"
    while not clock.is_over():
        tool = generator.choices(list(GOOD), [4, 4, 2, 1])[0]
        words = arguments(tool, known[tool], generator)
        shutil.copytree(stage.place, copy, symlinks=True)
        before = listing(copy)
        result = tools.run(tool, words, copy, timeout=SECONDS, memory=MEMORY, interrupt=True)
        # Ended by this program's Ctrl-C before the tool listened, it has the signal's status.
        if result.status == -2:
            result.status = 130
        problem = complaint(result) or half_written(copy)
        changed = set(listing(copy).items()) - set(before.items())
        if not problem and result.status in (64, 66) and changed:
            names = sorted(str(path.relative_to(copy)) for path, _ in changed)
            problem = f"it failed and wrote {names[:4]}: {result.describe()}"
        statuses[result.status] = statuses.get(result.status, 0) + 1
        ledger.record(kind, f"cd {os.path.basename(copy)}; {result.command}", problem)
        ledger.note(kind, counts(statuses))
        shutil.rmtree(copy)
