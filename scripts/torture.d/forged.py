"""Checkpoints and pipelines that somebody wrote to deceive: their checksums fit, and their numbers do not."""
import json
import pathlib
import random
import shutil
import zlib

import runs
from hostile import Stage
from kills import keep_or_remove
from ledger import counts
from tools import complaint

SECONDS, MEMORY = 10, 6 << 30
VALUES = [-1, 0, 1, 2, 3, 5, 1000, 20000, 10**6, 2**31, 2**53, 2**62, 0.5, -0.0, 1e-320, 1e-7, 80, 1e20, 1e308, -1e308, "",
          "text", None, True, [], [0], [1] * 1000, {}]
NUMBERS = [-1, 0, 2, 1000, 20000, 10**6, 2**31, 2**62, 1e-7, 1e20, 1e308]
CHECKPOINTS = [f"{run}/checkpoints/step-000002/state.json" for run in ("run", "points")]
FILES = [*CHECKPOINTS, *CHECKPOINTS, "run/config.json", "pipeline/model_index.json", "pipeline/unet/config.json",
         "pipeline/unet/config.json", "pipeline/scheduler/scheduler_config.json"]


def leaves(value, way=()):
    """The ways to all values inside a JSON value."""
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in items:
        yield from leaves(member, (*way, key))


def value_at(content, way):
    """The value at the end of a way."""
    for key in way:
        content = content[key]
    return content


def forge(path, generator):
    """Changes one to three values of a JSON file, and the checksum that belongs to it; says what was changed."""
    content, changes = json.loads(path.read_text()), []
    for _ in range(generator.choice([1, 1, 1, 2, 3])):
        ways = [way for way in leaves(content) if way and way[:1] != ("files",)]
        # What the model is, is used more than what the run was, and numbers decide how large it becomes.
        model = [way for way in ways if "model" in way[:-1]] or ways
        numbers = [way for way in model if type(value_at(content, way)) in (int, float)] or model
        way = generator.choice(generator.choice([ways, model, numbers, numbers, numbers]))
        parent = value_at(content, way[:-1])
        if generator.random() < 0.1:
            del parent[way[-1]]
            changes.append(f"without {'/'.join(map(str, way))}")
        else:
            parent[way[-1]] = generator.choice(NUMBERS if way in numbers else VALUES)
            changes.append(f"{'/'.join(map(str, way))} = {json.dumps(parent[way[-1]])[:40]}")
    text = json.dumps(content).encode()
    path.write_bytes(text)
    if path.name == "state.json":
        path.with_name("state.crc32").write_text(f"{zlib.crc32(text):08x}")
    return ", ".join(changes)


def campaign(tools, ledger, folder, clock, seed):
    """Forges a file of a run or of a pipeline, and has it read: it is refused, or the tool makes something of it."""
    kind = "forged checkpoints and pipelines"
    ledger.open(kind)
    stage, generator, statuses = Stage(tools, folder), random.Random(seed), {}
    points = [*runs.POINTS, "--steps", 2, "--sample-every", 0, *runs.COMMON, "--out", "points"]
    tools.run("score-train", points, stage.place)
    copy = pathlib.Path(folder) / "copy"
    sample = ["--out", "a.npy", "--count", 2, "--steps", 2, "--sampler", "euler", *runs.COMMON]
    while not clock.is_over():
        shutil.copytree(stage.place, copy, symlinks=True)
        name = generator.choice(FILES)
        how = forge(copy / name, generator)
        command = ["score-sample", name.split("/")[0], *sample]
        if name in CHECKPOINTS:
            command = generator.choice([
                command, ["score-export", command[1], "--out", "exported"],
                ["score-train", "--out", command[1], "--resume", "--steps", 3, "--progress", "none"]])
        if name == "run/config.json":
            command = ["score-train", "--out", "run", "--resume", "--progress", "none"]
        result = tools.run(command[0], command[1:], copy, timeout=SECONDS, memory=MEMORY)
        problem = complaint(result, {0, 65, 66, 74})
        ledger.record(kind, f"{name} with {how}: {result.command}", problem)
        statuses[result.status] = statuses.get(result.status, 0) + 1
        ledger.note(kind, counts(statuses))
        keep_or_remove(copy, problem)
