"""What was tried and what became of it."""
import re
import time


def counts(statuses):
    """How often there was each status, in words."""
    ordered = sorted(statuses.items(), key=lambda item: item[0] or 0)
    return "status " + ", ".join(f"{status}: {count}" for status, count in ordered)


class Ledger:
    """Counts attempts by kind, and keeps what was lost."""

    def __init__(self):
        self.rows = {}
        self.failures = []

    def open(self, kind):
        """Begins a kind of attempt, which then has a row even if nothing is tried."""
        self.rows.setdefault(kind, {"tried": 0, "lost": 0, "note": ""})

    def record(self, kind, command, problem):
        """Notes an attempt; `problem` says what was lost, or is None."""
        self.open(kind)
        self.rows[kind]["tried"] += 1
        if problem:
            self.rows[kind]["lost"] += 1
            self.failures.append((kind, command, problem))

    def note(self, kind, text):
        """Adds a remark to a kind's row."""
        self.open(kind)
        self.rows[kind]["note"] = text

    def lost(self, kind=None):
        """The number of attempts at which something was lost."""
        return sum(row["lost"] for name, row in self.rows.items() if kind in (None, name))

    def report(self):
        """The table, and below it each failure with its command; of those alike two are shown."""
        lines = [("kind", "tried", "survived", "lost", "")]
        for kind, row in self.rows.items():
            lines.append((kind, str(row["tried"]), str(row["tried"] - row["lost"]), str(row["lost"]), row["note"]))
        widths = [max(len(line[i]) for line in lines) for i in range(4)]
        text = []
        for index, line in enumerate(lines):
            cells = [line[0].ljust(widths[0])] + [line[i].rjust(widths[i]) for i in (1, 2, 3)]
            text.append(" | ".join(cells) + (f" | {line[4]}" if line[4] else ""))
            if index == 0:
                text.append("-|-".join("-" * width for width in widths))
        groups = {}
        for kind, command, problem in self.failures:
            # Alike are those that differ in numbers and in the names of files alone.
            shape = re.sub(r"/\S+|\d+|\b[\w.-]+\.\w+\b", "#", problem)
            groups.setdefault((kind, shape), []).append((command, problem))
        for number, ((kind, _), members) in enumerate(groups.items(), 1):
            text.append(f"\nlost {number}: {kind}" + (f" ({len(members)} times alike)" if len(members) > 1 else ""))
            for command, problem in members[:2]:
                text.append(f"  {command}\n    " + problem.strip().replace("\n", "\n    "))
        return "\n".join(text)


class Clock:
    """How long a part of the campaign may last; one that ends early, `until` something is so, need not try everything."""

    def __init__(self, seconds, until=None):
        self.end = time.monotonic() + seconds
        self.until = until
        self.is_patient = until is None

    def is_over(self):
        return time.monotonic() > self.end or bool(self.until and self.until())
