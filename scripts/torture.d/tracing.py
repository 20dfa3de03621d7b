"""Single system calls of a run, which strace disturbs."""
import collections
import os
import re
import shutil



Call = collections.namedtuple("Call", "name number text")


class Tracer:
    """strace, where it is there and may trace."""

    WRITING = ["openat", "write", "fsync", "rename", "renameat2", "mkdir", "unlink", "unlinkat", "symlink", "ftruncate", "rmdir"]
    READING = ["openat", "read", "pread64"]
    advice = "skipped: install strace (apt-get install strace) for this"

    def __init__(self, tools):
        self.tools, self.strace = tools, shutil.which("strace")
        self.is_available = False
        if self.strace:
            result = tools.run("score-train", ["--version-of-nothing"], "/", prefix=[self.strace, "-f", "-o", os.devnull])
            self.is_available = result.status == 64
            if not self.is_available:
                self.advice = "skipped: strace is there and may not trace"

    def calls(self, run, folder, names, start=None):
        """The calls of an undisturbed run, or of one that goes on from a copy of `start`, that concern its folder, in order.

        strace counts by thread and by the name of the call; the files of a run are written by its first thread.
        """
        path, log = os.path.join(folder, "traced"), os.path.join(folder, "trace.log")
        if start:
            shutil.copytree(start, path, symlinks=True)
        prefix = [self.strace, "-f", "-y", "-qq", "-s", "48", "-o", log, "-e", "trace=" + self.known(names)]
        result = self.tools.run("score-train", run.arguments(path), folder, timeout=180, prefix=prefix)
        if result.status != 0:
            raise SystemExit(f"error: the traced run does not end: {result.describe()}")
        counts, found, first = collections.Counter(), [], None
        with open(log, errors="replace") as lines:
            for line in lines:
                match = re.match(r"(\d+) +(\w+)\((.*)", line)
                if not match:
                    continue
                process, name, rest = match.groups()
                first = first or process
                if process != first:
                    continue
                counts[name] += 1
                if path in rest:
                    found.append(Call(name, counts[name], f"{name}({rest.strip()}"))
        shutil.rmtree(path)
        os.unlink(log)
        return found

    def run(self, run, path, folder, call, fault):
        """A run of which one call is disturbed."""
        prefix = [self.strace, "-f", "-qq", "-o", os.devnull, "-e", f"trace={call.name}", "-e",
                  f"inject={call.name}:{fault}:when={call.number}"]
        return self.tools.run("score-train", run.arguments(path), folder, timeout=60, prefix=prefix)

    def known(self, names):
        """The names that strace has on this processor: ARM has no rename, for instance."""
        return ",".join(f"?{name}" for name in names)
