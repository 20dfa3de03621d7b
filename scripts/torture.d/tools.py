"""Runs the tools, and judges how they ended."""
import os
import pathlib
import re
import resource
import shlex
import signal
import subprocess
import time

DOCUMENTED = {0, 64, 65, 66, 70, 74, 130}
# What a program prints when it crashes rather than fails.
CRASH = re.compile(
    r"fatal error|stack dump|backtrace|terminate called|traceback|thread \d+ crashed|assertion|core dumped", re.I)
# Where OpenMP misses the first of these, the tools start over once to set it, which would disturb the counting of system calls.
ENVIRONMENT = dict(os.environ, GOMP_SPINCOUNT="2000", MKL_CBWR="AUTO", OMP_NUM_THREADS="1", LC_ALL="C.UTF-8")


class Result:
    """How a command ended: its status (negative for a signal; None if it had to be killed), output and seconds."""

    def __init__(self, command, status, out, err, seconds):
        self.command, self.status, self.out, self.err, self.seconds = command, status, out, err, seconds

    @property
    def errors(self):
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    def describe(self):
        end = "had to be killed" if self.status is None else f"status {self.status}"
        return f"{end} after {self.seconds:.1f} s; standard error: {self.err.strip()[-600:] or '(empty)'}"


class Tools:
    """The built tools in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()

    def command(self, tool, arguments, prefix=()):
        return [*map(str, prefix), str(self.folder / tool), *map(str, arguments)]

    def start(self, tool, arguments, cwd, prefix=(), memory=None, file_size=None):
        """Starts a tool in a session of its own, so that it can be killed with what it was started under."""
        def limit():
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
            if file_size:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        command = self.command(tool, arguments, prefix)
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT,
            start_new_session=True, preexec_fn=limit)
        process.began, process.shown = time.monotonic(), shlex.join(command)
        return process

    @staticmethod
    def finish(process, timeout, interrupt=False):
        """Waits for a tool; after `timeout` seconds it gets SIGINT if `interrupt`, and ten seconds to obey, else SIGKILL."""
        status = "running"
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            if interrupt:
                os.killpg(process.pid, signal.SIGINT)
                try:
                    out, err = process.communicate(timeout=10)
                except subprocess.TimeoutExpired:
                    status = None
            else:
                status = None
            if status is None:
                kill(process)
                out, err = process.communicate()
        if status == "running":
            status = process.returncode
        seconds = time.monotonic() - process.began
        return Result(process.shown, status, out.decode(errors="replace"), err.decode(errors="replace"), seconds)

    def run(self, tool, arguments, cwd, timeout=60, prefix=(), interrupt=False, **limits):
        """Runs a tool to its end."""
        return self.finish(self.start(tool, arguments, cwd, prefix, **limits), timeout, interrupt)


def kill(process):
    """Kills a tool and what it was started under."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def complaint(result, allowed=None, seconds=None):
    """What is wrong with the way in which a tool ended, or None: the contract of README.md."""
    if result.status is None:
        return f"it hung: {result.describe()}"
    if CRASH.search(result.err) or result.status < 0 or result.status > 128 and result.status != 130:
        return f"it crashed: {result.describe()}"
    allowed = DOCUMENTED if allowed is None else allowed
    if result.status not in allowed:
        return f"it ended with another status than {', '.join(map(str, sorted(allowed)))}: {result.describe()}"
    if seconds and result.seconds > seconds:
        return f"it took more than {seconds} s: {result.describe()}"
    wanted = 0 if result.status in (0, 130) else 1
    if len(result.errors) != wanted:
        return f"it printed {len(result.errors)} sentences that begin with `error: ` instead of {wanted}: {result.describe()}"
    if wanted and not result.err.rstrip("\n").splitlines()[-1].startswith("error: "):
        return f"its error is more than one line: {result.describe()}"
    return None
