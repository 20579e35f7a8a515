#!/usr/bin/env python3
"""Time to immunity: from the last file harmed at a school to the moment when a hospital behind another exchange is ready to
refuse, before its first file, whoever does the same.

    bench/immunity.py BREAKWATER [--runs N]

As in the demo: real Samba, real guards, two exchanges under an accord, policy, log, ally and independent witness, all
signatures (tests/nations_rig.py). Each run is a strain of its own, with notes of its own names. The hospital is ready when
its judge looks for two words of that strain: two hold. The figure is the wall clock's, from the last harmed file's time of
change (the kernel's clock of files ticks every few milliseconds) to the line in which the judge says so.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tests"))

from nations_rig import ATTACKER, Nations, Wrong, digests, wait_for, why_not  # noqa: E402 the folders must be known first
from running import add_format, row  # noqa: E402

MEDIAN_S, P99_S = 2.0, 5.0  # wanted

STEPS = {  # what each step ends with, and who says it
    "verdict, client stopped": ("guard", r"\bactor stopped"),
    "first words made": ("guard", r"\bindicators are ready"),
    "own exchange has them": ("guard", r"\bfirst words of the incident are reported"),
    "logged, signed, cosigned twice": ("uk", r"\bdelivered\b"),
    "taken over there": ("us", r"\btaken\b.* 0 refused"),
}


def percentile(values, share):
    """The smallest value that so many of a hundred do not pass."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]


def values_looked_for(guard):
    return max((int(found[1]) for _, line in guard.lines if (found := re.search(r"looked for from now on.* values=(\d+)", line))),
               default=0)


def end(attack):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(attack.pid, signal.SIGKILL)
    attack.communicate()


def until_quiet(nations):
    """Until what was reported of earlier runs is all there."""
    wait_for(lambda: all(time.time() - one.lines[-1][0] > 0.7 for one in (nations.uk.accords, nations.hospital.guard)),
             "reports do not end", *nations.daemons())


def one_run(nations, number, before):
    """Seconds: all of it, and each step's end."""
    school, hospital = nations.school, nations.hospital
    names = (f"HOW TO GET THEM BACK {number}.txt", f"OPEN_ME_{number}.hta")
    until_quiet(nations)
    known = values_looked_for(hospital.guard)
    began = time.time()
    if school.note(f"Your files are gone, and this is letter {number}. Send coins to have them back.", names) < 4:
        raise Wrong("the attacker could not leave its notes")
    attack = school.attack(strain=number)
    ready = wait_for(lambda: next((when for when, line in list(hospital.guard.lines) if when >= began and
                                   (found := re.search(r"looked for from now on.* values=(\d+)", line)) and
                                   int(found[1]) >= known + 2), None), "the hospital was not warned", *nations.daemons())
    harmed, last = school.harmed(before, names)
    if not harmed:
        raise Wrong("no file was harmed")
    daemons = {"guard": school.guard, "uk": nations.uk.accords, "us": nations.us.accords}
    steps = {what: daemons[who].wait(pattern, last)[0] - last for what, (who, pattern) in STEPS.items()}
    wait_for(lambda: {name.lower() for name in names} <= set(hospital.values()), "the hospital looks for something else",
             *nations.daemons())
    school.guard.wait("the incident is reported", began)
    end(attack)
    school.session.close()
    recover(school, before)
    # what was decided makes a second report, which is sent too
    school.guard.wait(r"the incident is reported.* report=([2-9]|\d\d)", began)
    return ready - last, steps


def recover(school, before):
    """The school as it was: files back, notes gone, the client let in."""
    school.restore()
    school.command("approve", "last", "--release", may=(0, 1))
    now = digests(school.home)
    lost = [name for name, digest in before.items() if now.get(name) != digest]
    if lost:
        raise Wrong(f"{len(lost)} of the school's files did not come back, {lost[0]} among them")
    for name in set(now) - set(before):
        (school.home / name).unlink()
    wait_for(lambda: school.may_enter(ATTACKER, 0), "the client was not let in again", school.guard)


def measure(asked, program, folder):
    with Nations(program, folder, files=asked.files) as nations:
        before = digests(nations.school.home)
        totals, steps = [], {what: [] for what in STEPS}
        for number in range(1, asked.runs + 1):
            total, parts = one_run(nations, number, before)
            totals.append(total)
            for what, value in parts.items():
                steps[what].append(value)
            if asked.verbose:
                print(f"{number:4} {total:.3f}  " + "  ".join(f"{value:.3f}" for value in parts.values()), file=sys.stderr)
    limit = P99_S
    p99 = percentile(totals, 99)
    row(asked, "immunity: last harmed file to refusal-ready elsewhere", "s", totals, "wanted at most (median)", MEDIAN_S,
        statistics.median(totals) / MEDIAN_S, 3)
    row(asked, f"immunity: the same, p99 of {len(totals)} runs", "s", [p99], "wanted at most", limit, p99 / limit, 3)
    for what, values in steps.items():
        row(asked, f"immunity: of that, until {what}", "s", values, "of all of it", statistics.median(totals),
            statistics.median(values) / statistics.median(totals), 3)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--runs", type=int, default=100)
    options.add_argument("--files", type=int, default=120)
    options.add_argument("--verbose", action="store_true")
    add_format(options)
    asked = options.parse_args()
    program = asked.program.resolve()
    missing = why_not(program)
    if missing:
        print(f"immunity: skipped: {missing}", file=sys.stderr)
        return 77
    folder = pathlib.Path(tempfile.mkdtemp(prefix="breakwater-immunity-"))
    try:
        measure(asked, program, folder)
    except Wrong as problem:
        print(f"immunity: {problem}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
