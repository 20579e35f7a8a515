"""The demo's last part: two countries. A school is attacked; what its guard learned crosses under an accord, by both
exchanges, their policy, log and witness; a hospital in the other country refuses the next strain before its first file, and
the school hears that it helped. Every program is a daemon of its own with keys, data and a network of its own
(tests/nations_rig.py); the attacker is the harmless simulator over a real SMB client."""

import contextlib
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from demo_guard import Skipped  # noqa: E402
from nations_rig import ACCORD, NOTES, Nations, Wrong, digests, touched, wait_for, why_not  # noqa: E402

FIRST = "Your files are gone. Send three coins to get them back."
SECOND = "All your documents were taken by us! Write to the address below within two days."


def since(zero, when):
    return f"{when - zero:+7.3f} s"


def attack_school(nations, say):
    """(when the last file was harmed, what the attack was)."""
    school = nations.school
    before = digests(school.home)
    notes = school.note(FIRST)
    attack = school.attack(strain=1)
    cut, found = school.guard.wait(r"actor stopped.* after_us=(\d+)")
    school.guard.wait("a client is kept out")
    harmed, last = school.harmed(before)
    if not 1 <= len(harmed) <= 10:
        raise Wrong(f"{len(harmed)} files were harmed at the school")
    say("Attacked", f"the school over SMB at full speed: {notes} notes, then {len(harmed)} of {len(before)} files, the last at"
                    f" 0.000 s; {since(last, cut).strip()} its connection is cut ({int(found[1]) / 1000:.1f} ms after the evidence)")
    return before, last, attack


def follow_it(nations, zero, say):
    """What was learned crosses; ends when the hospital looks for it."""
    school, hospital, uk, us = nations.school, nations.hospital, nations.uk, nations.us
    told, found = school.guard.wait(r'the first words of the incident are reported.* what="(\d+) objects', zero)
    say("Learned", f"{since(zero, told)}  the guard has told its own country's exchange {found[1]} objects: how it was done and what"
                   " the notes are called; no path, no user, no private address")
    crossed, _ = uk.accords.wait(r'delivered.* entries=\d+', zero)
    say("Logged", f"{since(zero, crossed)}  decided, sealed, signed, and cosigned by the ally and the independent operator")
    taken, found = us.accords.wait(r'why="entries (\d+)-(\d+): (\d+) taken, 0 refused', zero)
    say("Crossed", f"{since(zero, taken)}  entries {found[1]} to {int(found[2]) - 1} of the log are verified and taken in the other country")
    ready, words = wait_for(lambda: hospital.ready(NOTES), "the hospital was not warned", *nations.daemons())
    say("Immune", f"{since(zero, ready)}  the hospital's guard looks for {words} of the school's words")
    return ready - zero


def tell_clause(nations, say):
    """Why it crossed, as an administrator asks it."""
    value = next(value for value in nations.hospital.values().values() if value["what"] == "harm")
    told = nations.uk.run("accord", "explain", value["indicator"], "--to", "us")
    verdict = re.search(r"^.*\b(sent|derived)\b.*$", told, re.MULTILINE)
    entry = re.search(r"entr(?:y|ies) \S+", told)
    if not verdict:
        raise Wrong(f"nobody can explain why {value['indicator']} crossed:\n{told}")
    say("Explained", f"“{value['value']}”: {verdict.group(0).strip()}" + (f" ({entry.group(0)} of the log)" if entry else "") +
        f" (breakwater accord explain … --to us, accord {ACCORD})")


def restore(nations, before, say):
    school = nations.school
    began = time.monotonic()
    school.restore()
    now = digests(school.home)
    if any(now.get(name) != digest for name, digest in before.items()):
        raise Wrong("not all files of the school came back as they were")
    say("Restored", f"the school's files with one command in {time.monotonic() - began:.1f} s: all {len(before)} are as they were")


def attack_hospital(nations, say):
    hospital = nations.hospital
    theirs = digests(hospital.home)
    began = time.time()
    notes = hospital.note(SECOND)
    refused, _ = hospital.guard.wait('rule="warned"', began)
    hospital.guard.wait("a client is kept out", began)
    second = hospital.attack(strain=2)
    reached = touched(second)
    now = digests(hospital.home)
    lost = [name for name, digest in theirs.items() if now.get(name) != digest]
    if lost or reached not in (None, 0):
        raise Wrong(f"the second strain harmed {len(lost)} files at the hospital:\n{hospital.guard.said()[-2000:]}")
    say("Refused", f"at the hospital: another strain, with other notes, another ending and other bytes, leaves {notes} notes and is"
                   f" held {since(began, refused).strip()} after it came: 0 of {len(theirs)} files harmed")
    return began


def hear_back(nations, began, say):
    heard, found = nations.school.guard.wait(r'what this server told helped elsewhere.* peer="([^"]+)"', began)
    helped = nations.school.json("report", "last")["report"]["helped"]
    if helped < 1:
        raise Wrong("the school's report does not say that it helped")
    say("Thanked", f"{since(began, heard)}  a sighting has come back under the same accord: the school's guard writes down that what it"
                   f" told helped ({found[1]})")


def play(program, folder, say):
    if os.geteuid() != 0:
        raise Skipped("it needs root (sudo make demo)")
    missing = why_not(program)
    if missing:
        raise Skipped(missing)
    place = folder / "nations"
    place.mkdir()
    folder.chmod(0o711)
    with contextlib.ExitStack() as closing:
        nations = closing.enter_context(Nations(program, place, say=lambda what, text: say(f"{what:<10}{text}")))
        line = lambda what, text: say(f"{what:<10}{text}")  # noqa: E731
        before, zero, first = attack_school(nations, line)
        took = follow_it(nations, zero, line)
        tell_clause(nations, line)
        began = attack_hospital(nations, line)
        hear_back(nations, began, line)
        touched(first)
        restore(nations, before, line)
        line("So", f"a school's attack became a hospital's immunity in {took:.2f} s, through two exchanges, an accord, its log, two"
                   " witnesses and every signature; nobody's name, file or private address left the country")
    return took
