"""Runs that are killed: at random moments, and at each system call that writes."""
import pathlib
import random
import shutil

import runs
from tracing import Tracer, varied
from tools import complaint


# Contents of checkpoints from which these tools drew samples; the same bytes are as good anywhere.
READABLE = set()


class Whole:
    """An undisturbed run, and how long it took."""

    def __init__(self, tools, run, folder):
        self.run, self.path = run, pathlib.Path(folder) / f"whole-{run.name}"
        result = tools.run("score-train", run.arguments(self.path), folder, timeout=120)
        if result.status != 0 or complaint(result):
            raise SystemExit(f"error: the undisturbed run does not even end: {result.command}\n{result.describe()}")
        self.seconds = result.seconds


def judge_end(tools, whole, folder, path, allowed=frozenset({0})):
    """Goes on with a disturbed run to its end: what is lost, or None."""
    result = tools.run("score-train", whole.run.arguments(path), folder, timeout=120)
    problem = complaint(result, allowed)
    return (f"--resume: {problem}" if problem else None) or runs.difference(whole.run, whole.path, path)


def judge_checkpoints(tools, folder, path, expected=()):
    """Whether every checkpoint with a final name can be sampled from, and those that must be there are."""
    found = runs.step_folders(path)
    if (missing := set(expected) - {step.name for step in found}):
        return f"the checkpoints {sorted(missing)} are gone"
    for step in found:
        files = sorted(file for file in step.iterdir() if file.is_file())
        content = (tools.folder, *((file.name, file.read_bytes()) for file in files))
        if content in READABLE:
            continue
        out = pathlib.Path(folder) / "probe.npy"
        result = tools.run("score-sample", [step, "--out", out, "--count", 1, "--steps", 1, *runs.COMMON], folder)
        out.unlink(missing_ok=True)
        if result.status != 0:
            return f"{step.name} cannot be sampled from: {result.describe()}"
        READABLE.add(content)
    return None


def at_random_moments(tools, ledger, folder, clock, seed):
    """kill -9 at random moments, again and again until the run is through."""
    kind = "kill -9 at random moments, six runs"
    ledger.open(kind)
    generator, kills, wholes = random.Random(seed), 0, {}
    configurations = runs.configurations(folder)
    number = 0
    # Each of the six is tried once at least.
    while clock.is_patient and number < len(configurations) or not clock.is_over():
        run = configurations[number % len(configurations)]
        if run.name not in wholes:
            wholes[run.name] = Whole(tools, run, folder)
        path = pathlib.Path(folder) / f"killed-{number}"
        number += 1
        command, moments, problem = kill_often(tools, wholes[run.name], folder, path, generator)
        kills += len(moments)
        problem = problem or judge_end(tools, wholes[run.name], folder, path)
        ledger.record(kind, f"{command}   # killed after {', '.join(moments)}", problem)
        ledger.note(kind, f"{kills} kills")
        keep_or_remove(path, problem)


def kill_often(tools, whole, folder, path, generator):
    """Starts a run up to ten times and kills it: the command, the moments, and what was wrong if it ended by itself."""
    moments = []
    for _ in range(10):
        process = tools.start("score-train", whole.run.arguments(path), folder)
        seconds = generator.uniform(0.05, 1.1) * whole.seconds
        result = tools.finish(process, seconds)
        if result.status is not None:
            return process.shown, moments, complaint(result, {0})
        step = next((folder.name for folder in reversed(runs.step_folders(path))), "no checkpoint")
        moments.append(f"{seconds:.3f} s with {step}")
    return process.shown, moments, None


def at_each_call(tools, ledger, folder, clock, seed):
    """SIGKILL at each system call that writes, over a run of four saves."""
    kind = "kill -9 at each system call that writes"
    ledger.open(kind)
    tracer = Tracer(tools)
    if not tracer.is_available:
        return ledger.note(kind, tracer.advice)
    whole = Whole(tools, runs.save_run(folder), folder)
    calls = tracer.calls(whole.run, folder, Tracer.WRITING)
    tries, kinds = varied([(call, "signal=KILL") for call in calls], random.Random(seed))
    path = pathlib.Path(folder) / "stopped"
    for done, (call, fault) in enumerate(tries, 1):
        if clock.is_over():
            break
        result = tracer.run(whole.run, path, folder, call, fault)
        # Where a call was not reached this time, the run is through.
        problem = None if result.status in (-9, 0) else result.describe()
        problem = problem or judge_checkpoints(tools, folder, path) or judge_end(tools, whole, folder, path)
        ledger.record(kind, f"{result.command}   # {call.text}", problem)
        ledger.note(kind, f"{done} of the run's {len(tries)} calls, {min(done, kinds)} of {kinds} kinds of call")
        keep_or_remove(path, problem)


def keep_or_remove(path, problem):
    """A run that lost something is kept under another name, for whoever looks into it; no more than five are."""
    if problem and path.exists():
        kept = list(path.parent.glob("lost-*"))
        if len(kept) < 5:
            path.rename(path.parent / f"lost-{len(kept) + 1}-{path.name}")
            return
    shutil.rmtree(path, ignore_errors=True)
