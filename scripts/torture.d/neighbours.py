"""Several programs at one folder: two trainers, and samplers beside a trainer."""
import pathlib
import random
import shutil
import time

import runs
from kills import Whole, judge_checkpoints, keep_or_remove
from tools import complaint, kill


def campaign(tools, ledger, folder, clock, seed):
    """The three kinds of meeting in turn."""
    generator = random.Random(seed)
    run = runs.Run("meeting", 60, 20, [*runs.POINTS, "--tensorboard", "--checkpoint-every", 5])
    whole = Whole(tools, run, folder)
    meetings = [two_trainers, lock_removed, two_trainers, samplers_beside]
    for meeting in meetings:
        ledger.open(meeting.__doc__.split(":")[0])
    number = 0
    while clock.is_patient and number < len(meetings) or not clock.is_over():
        path = pathlib.Path(folder) / f"meeting-{number}"
        meetings[number % len(meetings)](tools, ledger, folder, path, whole, generator)
        number += 1


def judge_pair(tools, whole, folder, path, results):
    """Trainers that met: each is through or was refused, and the folder is that of one undisturbed run."""
    for result in results:
        problem = complaint(result, {0, 64})
        if problem:
            return problem
    if all(result.status != 0 for result in results):
        return "both were refused: " + "; ".join(result.describe() for result in results)
    return judge_checkpoints(tools, folder, path) or runs.difference(whole.run, whole.path, path)


def two_trainers(tools, ledger, folder, path, whole, generator):
    """two trainers in one folder: they start at almost the same moment, with and without --resume."""
    resume = generator.random() < 0.7
    arguments = [a for a in whole.run.arguments(path) if resume or a != "--resume"]
    processes = [tools.start("score-train", arguments, folder)]
    pause = generator.choice([0, generator.uniform(0, 0.3), *(generator.uniform(0, whole.seconds) for _ in range(3))])
    time.sleep(pause)
    processes.append(tools.start("score-train", arguments, folder))
    results = [tools.finish(process, 60) for process in processes]
    problem = judge_pair(tools, whole, folder, path, results)
    ledger.record("two trainers in one folder", f"{results[0].command} & sleep {pause:.3f}; the same again", problem)
    keep_or_remove(path, problem)


def lock_removed(tools, ledger, folder, path, whole, generator):
    """two trainers, and the lock's file removed: the second comes when the file of the first's lock is gone."""
    first = tools.start("score-train", whole.run.arguments(path), folder)
    while not (path / ".lock").exists() and first.poll() is None:
        time.sleep(0.005)
    time.sleep(generator.uniform(0, 0.8) * whole.seconds)
    (path / ".lock").unlink(missing_ok=True)
    second = tools.start("score-train", whole.run.arguments(path), folder)
    results = [tools.finish(process, 60) for process in (first, second)]
    problem = judge_pair(tools, whole, folder, path, results)
    command = f"{first.shown} & rm {path}/.lock; the same again"
    ledger.record("two trainers, and the lock's file removed", command, problem)
    keep_or_remove(path, problem)


def samplers_beside(tools, ledger, folder, path, whole, generator):
    """score-sample beside a run that saves each step: it draws, or says that the checkpoint has gone."""
    kind = "score-sample beside a run that saves each step"
    options = [*runs.POINTS, "--steps", 1000000, "--checkpoint-every", 1, "--sample-every", 0, *runs.COMMON]
    trainer = tools.start("score-train", [*options, "--out", path], folder)
    while not (path / "checkpoints/latest").exists() and trainer.poll() is None:
        time.sleep(0.01)
    for _ in range(8):
        source = generator.choice([path / "checkpoints/latest", path / "checkpoints/latest", path])
        arguments = [source, "--out", "beside.npy", "--count", 1, "--steps", 1, *runs.COMMON]
        result = tools.run("score-sample", arguments, folder)
        ledger.record(kind, result.command, complaint(result, {0, 66}))
        if result.status == 66:
            row = ledger.rows[kind]
            row["gone"] = row.get("gone", 0) + 1
            ledger.note(kind, f"{row['gone']} times the checkpoint had gone")
    kill(trainer)
    trainer.communicate()
    shutil.rmtree(path, ignore_errors=True)
