"""A disk that is full or fails: by system call, by a limit on files, and by a small file system."""
import pathlib
import random
import shutil
import subprocess
import time

import runs
from kills import Whole, judge_checkpoints, judge_end, keep_or_remove
from tools import complaint, kill
from tracing import Tracer, varied

FAULTS = [
    (["write", "pwrite64"], "ENOSPC"), (["write", "pwrite64", "fsync", "fdatasync", "read", "pread64"], "EIO"),
    (["rename", "renameat", "renameat2", "mkdir", "mkdirat", "link", "linkat", "openat"], "ENOSPC"),
    (["rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "symlink", "symlinkat", "ftruncate"], "EIO"),
    (["openat"], "EMFILE"), (["openat"], "EACCES"),
]


def judge(tools, whole, folder, path, result, before):
    """What was lost when the disk failed, or None: status 74 with the path, and all checkpoints; or nothing was amiss."""
    problem = complaint(result, {0, 74})
    if not problem and result.status == 74 and str(folder) not in result.errors[0]:
        problem = f"the sentence names no path: {result.errors[0]}"
    if not problem and result.status == 0:
        # A failure that cost nothing, such as that of a link for people.
        problem = runs.difference(whole.run, whole.path, path)
    return (problem or judge_checkpoints(tools, folder, path, before)
            or judge_end(tools, whole, folder, path))


def half_run(tools, whole, folder):
    """A run that was killed between two saves, with the names of its checkpoints: whatever follows, these must stay."""
    path = pathlib.Path(folder) / "half"
    for _ in range(50):
        shutil.rmtree(path, ignore_errors=True)
        process = tools.start("score-train", whole.run.arguments(path), folder)
        while process.poll() is None and not (path / "checkpoints/step-000004").exists():
            time.sleep(0.001)
        kill(process)
        process.communicate()
        names = [step.name for step in runs.step_folders(path)]
        if process.returncode == -9 and names[:2] == ["step-000002", "step-000004"]:
            return path, names
    raise SystemExit("error: the run could not be killed between two saves in 50 tries")


def by_call(tools, ledger, folder, clock, seed):
    """ENOSPC, EIO and others from each system call of a run that goes on from its second save."""
    kind = "a call of the system fails (ENOSPC, EIO, …)"
    ledger.open(kind)
    tracer = Tracer(tools)
    if not tracer.is_available:
        return ledger.note(kind, tracer.advice)
    whole = Whole(tools, runs.save_run(folder), folder)
    half, names = half_run(tools, whole, folder)
    path = pathlib.Path(folder) / "failed"
    calls = tracer.calls(whole.run, folder, Tracer.WRITING + Tracer.READING, start=half)
    tries, kinds = varied([
        (call, f"error={error}") for functions, error in FAULTS for call in calls if call.name in functions
    ], random.Random(seed))
    for done, (call, fault) in enumerate(tries, 1):
        if clock.is_over():
            break
        shutil.copytree(half, path, symlinks=True)
        result = tracer.run(whole.run, path, folder, call, fault)
        # The three newest are kept, so of those that were there before the ones that are still among these.
        kept = sorted({*names, *(step.name for step in runs.step_folders(path))})[-3:]
        expected = [name for name in kept if name in names]
        problem = judge(tools, whole, folder, path, result, expected)
        ledger.record(kind, f"cp -a half failed; {result.command}   # {call.text}", problem)
        ledger.note(kind, f"{done} of {len(tries)} pairs of call and error, {min(done, kinds)} of {kinds} kinds")
        keep_or_remove(path, problem)


def by_limit(tools, ledger, folder, clock, seed):
    """No file may grow beyond a limit: what `ulimit -f` does."""
    kind = "files may not grow beyond a limit"
    whole = Whole(tools, runs.save_run(folder), folder)
    path = pathlib.Path(folder) / "limited"
    largest = max(file.stat().st_size for file in whole.path.rglob("*") if file.is_file())
    generator = random.Random(seed)
    while not clock.is_over():
        limit = generator.randrange(1, largest + 1024)
        result = tools.run("score-train", whole.run.arguments(path), folder, prefix=[], file_size=limit)
        problem = judge(tools, whole, folder, path, result, ())
        ledger.record(kind, f"{result.command}   # with RLIMIT_FSIZE {limit}", problem)
        keep_or_remove(path, problem)


def by_small_disk(tools, ledger, folder, clock, seed):
    """A small file system in memory fills up, and is enlarged before the run goes on."""
    kind = "a small file system fills up"
    ledger.open(kind)
    whole = Whole(tools, runs.save_run(folder), folder)
    disk = pathlib.Path(folder) / "disk"
    disk.mkdir()
    size = sum(file.stat().st_size for file in whole.path.rglob("*") if file.is_file()) // 1024 + 200
    generator = random.Random(seed)

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(disk)]
        return subprocess.run(command, capture_output=True).returncode == 0

    while not clock.is_over():
        kilobytes = generator.randrange(8, size, 4)
        if not mount(f"size={kilobytes}k"):
            return ledger.note(kind, "skipped: no file system may be mounted here; run it as root")
        try:
            path = disk / "run"
            result = tools.run("score-train", whole.run.arguments(path), folder)
            mount("remount", "size=64m")
            problem = judge(tools, whole, folder, path, result, ())
            ledger.record(kind, f"{result.command}   # on a tmpfs of {kilobytes} KiB", problem)
        finally:
            subprocess.run(["umount", str(disk)], capture_output=True)
