"""Kills, starves and deceives the tools of ScoreKit, and says what was lost; see scripts/torture."""
import argparse
import pathlib
import shutil
import sys
import tempfile

import commands
import damage
import fakes
import faults
import forged
import hostile
import kills
import neighbours
from ledger import Clock, Ledger
from tools import Tools

# Each part of the campaign, and its share of the time.
PARTS = {
    "kills": (kills.at_random_moments, 25),
    "calls": (kills.at_each_call, 15),
    "faults": (faults.by_call, 15),
    "limits": (faults.by_limit, 4),
    "disk": (faults.by_small_disk, 4),
    "damage": (damage.campaign, 9),
    "forged": (forged.campaign, 7),
    "commands": (commands.campaign, 12),
    "hostile": (hostile.campaign, 10),
    "neighbours": (neighbours.campaign, 5),
}


def main():
    arguments = parse()
    tools = Tools(arguments.bin)
    for tool in ("score-train", "score-sample", "score-evaluate", "score-export"):
        if not (tools.folder / tool).is_file():
            sys.exit(f"error: {tools.folder} holds no {tool}; build it with swift build -c release --product {tool}")
    if arguments.self_test:
        campaigns = {name: PARTS[name][0] for name in arguments.only}
        sys.exit(0 if fakes.check(tools, campaigns, arguments.seed) else 1)
    ledger = Ledger()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scorekit-torture-"))
    parts = {name: PARTS[name] for name in arguments.only}
    try:
        for name, (part, share) in parts.items():
            seconds = arguments.minutes * 60 * share / sum(other for _, other in parts.values())
            place = folder / name
            place.mkdir()
            print(f"torture: {name} for {seconds:.0f} s", file=sys.stderr, flush=True)
            part(tools, ledger, place, Clock(seconds), arguments.seed)
    except KeyboardInterrupt:
        print("torture: interrupted; the table is of what was tried", file=sys.stderr)
    print(ledger.report())
    if ledger.lost():
        print(f"\nwhat was lost lies in {folder} under the names lost-*; delete it when you have seen it")
        sys.exit(1)
    shutil.rmtree(folder, ignore_errors=True)


def parse():
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="about how long it lasts (default: 10)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of what is random (default: 1)")
    parser.add_argument("--bin", default=".build/release", help="the folder of the tools (default: .build/release)")
    parser.add_argument("--only", default=",".join(PARTS), type=lambda text: text.split(","),
                        help=f"parts of the campaign, of {', '.join(PARTS)}")
    parser.add_argument("--self-test", action="store_true",
                        help="run the parts with tools that have flaws, each of which must be noticed")
    arguments = parser.parse_args()
    if (unknown := set(arguments.only) - set(PARTS)):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    main()
