"""Single system calls of a run, which strace disturbs."""
import collections
import os
import re
import shutil
import subprocess

Call = collections.namedtuple("Call", "name number text")


def varied(tries, generator):
    """Pairs of a call and what is done to it, in random order, but each kind once before any twice; and how many kinds.

    A run has many calls that differ in numbers and in what is written alone.
    """
    generator.shuffle(tries)
    rounds, seen = [], collections.Counter()
    for call, fault in tries:
        kind = re.sub(r"\d+", "", re.sub(r", \"[^/].*|\) = .*", "", call.text)), fault
        rounds.append((seen[kind], call, fault))
        seen[kind] += 1
    return [(call, fault) for _, call, fault in sorted(rounds, key=lambda entry: entry[0])], len(seen)


class Tracer:
    """strace, where it is there and may trace."""

    WRITING = ["openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat",
               "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "symlink", "symlinkat", "ftruncate"]
    READING = ["openat", "read", "pread64"]
    advice = "skipped: install strace (apt-get install strace) for this"

    def __init__(self, tools):
        self.tools, self.strace = tools, shutil.which("strace")
        self.is_available = False
        if self.strace:
            trial = subprocess.run([self.strace, "-f", "-o", os.devnull, "true"], capture_output=True)
            self.is_available = trial.returncode == 0
            if not self.is_available:
                self.advice = "skipped: strace is there and may not trace"

    def calls(self, run, folder, names, start=None):
        """The calls of an undisturbed run, or of one that goes on from a copy of `start`, that concern `folder`.

        strace counts by thread and by the name of the call, and disturbs the call of that number in each thread.
        """
        path, log = os.path.join(folder, "traced"), os.path.join(folder, "trace.log")
        if start:
            shutil.copytree(start, path, symlinks=True)
        # A question mark forgives a name that this processor lacks: ARM has no rename.
        known = ",".join(f"?{name}" for name in names)
        prefix = [self.strace, "-f", "-y", "-qq", "-s", "48", "-o", log, "-e", f"trace={known}"]
        result = self.tools.run("score-train", run.arguments(path), folder, timeout=180, prefix=prefix)
        if result.status != 0:
            raise SystemExit(f"error: the traced run does not end: {result.describe()}")
        counts, found = collections.Counter(), {}
        with open(log, errors="replace") as lines:
            for line in lines:
                if (match := re.match(r"(\d+) +(\w+)\((.*)", line)):
                    process, name, rest = match.groups()
                    counts[process, name] += 1
                    number = counts[process, name]
                    # Before a path strace writes the folder that it is relative to.
                    rest = re.sub(r"AT_FDCWD<[^>]*>", "AT_FDCWD", rest)
                    if str(folder) in rest:
                        found.setdefault((name, number), Call(name, number, f"{name}({rest.strip()}"))
        shutil.rmtree(path)
        os.unlink(log)
        return list(found.values())

    def run(self, run, path, folder, call, fault):
        """A run of which one call is disturbed."""
        prefix = [self.strace, "-f", "-qq", "-o", os.devnull, "-e", f"trace={call.name}", "-e",
                  f"inject={call.name}:{fault}:when={call.number}"]
        return self.tools.run("score-train", run.arguments(path), folder, timeout=60, prefix=prefix)
