"""Tools with a flaw, with which the campaign must find fault: a check that cannot fail is no check."""
import pathlib
import re
import shutil
import sys
import tempfile

from ledger import Clock, Ledger
from tools import Tools

# Runs the true tool, and does one thing wrong before or after it.
WRAPPER = r"""#!/usr/bin/env bash
tool=TOOL out= previous= began=false errors=/dev/stderr
for word in "$@"; do
  [ "$previous" = --out ] && out=$word
  previous=$word
done
[ -e "$out/config.json" ] && began=true
trains() { [[ $tool == */score-train ]]; }
newest() { ls -d "$out"/checkpoints/step-?????? | tail -1; }
ended() { trains && $began && [ $status = 0 ]; }
failed() { [ $status != 0 ] && [ $status != 130 ]; }
BEFORE
if [ $errors = /dev/null ]; then "$tool" "$@" 2>/dev/null; else "$tool" "$@"; fi
status=$?
[ $status -gt 128 ] && [ $status != 130 ] && kill -$((status - 128)) $$
AFTER
exit $status
"""
OFTEN = ["limits", "damage", "forged", "commands", "hostile"]

# The flaw: what is done before and after the true tool, the parts of the campaign that must notice, and what they say then.
FLAWS = {
    "a run that goes on ends with other weights": (
        "", r'ended && f=$(newest)/ema.safetensors && truncate -s -1 "$f" && printf "\377" >>"$f"',
        ["kills", "calls", "faults", "limits", "disk"], r"ema\.safetensors has other bytes"),
    "a run that goes on loses a picture": (
        "", 'ended && rm -f "$out"/samples/step-000002.png', ["limits"], r"step-000002\.png is missing"),
    "a run that goes on tears its metrics": (
        "", 'ended && printf "{" >>"$out/metrics.jsonl"', ["limits"], r"metrics\.jsonl has the steps .*None"),
    "a run that goes on has events twice": (
        "", 'ended && f=$(ls "$out"/tensorboard/* | tail -1) && cp "$f" copy && cat copy copy >>"$f"', ["limits"],
        r"\)\] more than once"),
    "a run that goes on leaves something behind": (
        "", 'ended && mkdir -p "$out/checkpoints/step-000009.partial-1"', ["limits"], r"has left .*step-000009\.partial-1"),
    "a failure loses the newest checkpoint": ("", 'failed && trains && rm -rf "$(newest)"', ["faults"], "are gone"),
    "a failure is a trap": ("", "failed && kill -ILL $$", ["faults", "disk", *OFTEN], "it crashed"),
    "a failure has two sentences": (
        "", 'failed && echo "error: and another" >&2', ["faults", "disk", *OFTEN], "printed 2 sentences"),
    "a failure names no path": (
        "trains && errors=/dev/null", 'trains && failed && echo "error: no" >&2', ["faults", "limits"], "names no path"),
    "a failure is kept secret": (
        "errors=/dev/null", "failed && status=0", ["faults", "limits", "hostile"], "missing|another status"),
    "a failure has another status": ("", "failed && status=1", ["faults", "disk", *OFTEN], "another status"),
    "a failure hangs": ("", 'failed && trap "" INT && sleep 100', ["damage", "forged", "commands", "hostile"], "it hung"),
    "a failure leaves half a file": ("", "failed && touch new.png.partial-1", ["commands", "hostile"], r"new\.png\.partial-1"),
    "a failure writes something": ("", "failed && touch more", ["commands"], "failed and wrote .*more"),
    "a picture ends early": (
        "", '[ -s new.png ] && truncate -s -4 new.png', ["commands"], r"\.png is not whole"),
    "damage is not seen": (
        "trains || errors=/dev/null", "trains || ! failed || { status=0; echo other >samples.npy; }", ["damage"],
        "drew other samples"),
    "samples cannot be drawn": (
        "", 'trains || { echo "error: checkpoint damaged" >&2; status=65; }', ["calls", "faults", "neighbours"],
        "checkpoint damaged"),
    "the lock does not hold": ('trains && rm -f "$out/.lock"', "", ["neighbours"], "^two trainers in one folder"),
}


def check(tools, parts, seed):
    """Runs parts of the campaign with each flaw; whether all that must notice one did."""
    unnoticed, place = 0, pathlib.Path(tempfile.mkdtemp(prefix="scorekit-torture-"))
    for number, (flaw, (before, after, names, sign)) in enumerate(FLAWS.items()):
        fakes = place / f"bin-{number}"
        fakes.mkdir()
        for tool in ("score-train", "score-sample", "score-evaluate", "score-export"):
            text = WRAPPER.replace("TOOL", str(tools.folder / tool)).replace("BEFORE", before).replace("AFTER", after)
            (fakes / tool).write_text(text)
            (fakes / tool).chmod(0o755)
        for name in filter(parts.get, names):
            ledger, folder = Ledger(), place / f"{name}-{number}"
            folder.mkdir()

            def noticed():
                """The first failure that is about this flaw: the true tools may have others."""
                found = (problem for kind, _, problem in ledger.failures if re.search(sign, f"{kind}: {problem}", re.S))
                return next(found, None)

            # Until it was noticed, or for two minutes.
            parts[name](Tools(fakes), ledger, folder, Clock(120, until=noticed), seed)
            shutil.rmtree(folder, ignore_errors=True)
            skipped = any("skipped" in row["note"] for row in ledger.rows.values())
            verdict = "noticed" if noticed() else "skipped" if skipped else "NOT NOTICED"
            unnoticed += verdict == "NOT NOTICED"
            print(f"{verdict:11} | {name:10} | {flaw}: {(noticed() or '').splitlines()[:1]}"[:200], flush=True)
    shutil.rmtree(place, ignore_errors=True)
    print(f"{unnoticed} flaws were not noticed", file=sys.stderr)
    return unnoticed == 0
