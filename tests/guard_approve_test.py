"""Work that looks like an attack is held, not ended; one command lets it go on, and nobody beside it."""

import pathlib
import subprocess
import sys
import time

import pytest
from exchange import patience
from guard_restore_test import WITHIN, Server, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

# the owner seals his own files and deletes the originals
OWNER = """
import os, sys, time
for name in sorted(n for n in os.listdir(sys.argv[1]) if n.endswith(".txt") and n.startswith(sys.argv[2])):
    path = os.path.join(sys.argv[1], name)
    with open(path, "rb") as file:
        size = len(file.read())
    with open(path + ".enc", "wb") as file:
        file.write(b"Salted__" + os.urandom(8) + os.urandom(size - size % 16 + 16))
    os.unlink(path)
    time.sleep(0.05)
"""

# old records are destroyed by order
SHRED = """
import os, subprocess, sys
for name in sorted(n for n in os.listdir(sys.argv[1]) if n.endswith(".txt") and n.startswith(sys.argv[2])):
    subprocess.run(["shred", "-u", os.path.join(sys.argv[1], name)])
"""


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path, "xfs")
    made.guard("enroll", str(made.share))
    yield made
    made.close()


def program(server, name, script):
    """A program of its own name, as the guard knows it; its own session, as a job of cron has."""
    path = server.folder / name
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return path


def begin(path, *words):
    return subprocess.Popen([path, *map(str, words)], start_new_session=True)


def state(process):
    """"T" is stopped by a signal."""
    text = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
    return text.rpartition(")")[2].split()[0]


def is_over(process):
    return process.poll() is not None


@pytest.mark.parametrize("name,script,tool", [("sealer", OWNER, "sealer"), ("shredder", SHRED, "shred")])
def test_ordered_work_is_held_goes_on_once_approved_and_is_not_held_again(server, name, script, tool):
    server.start("--mode", "enforce")
    path = program(server, name, script)
    work = begin(path, server.share, "list 1")
    server.until(lambda: server.status()["open"])
    server.until(lambda: is_over(work) or state(work) == "T")
    assert not is_over(work), "ordered work was ended, not held"
    told = server.guard("approve", "last")
    assert tool in told and "until" in told, told
    server.until(lambda: is_over(work))
    assert work.returncode == 0
    assert not [path for path in server.share.iterdir() if path.name.startswith("list 1") and path.suffix == ".txt"]
    again = begin(path, server.share, "list 2")  # the same program, of the same user, begun anew
    server.until(lambda: is_over(again))
    assert again.returncode == 0
    time.sleep(2 * patience())
    assert server.status()["open"] == []


def test_others_stay_judged_and_an_approval_ends_when_it_is_withdrawn(server):
    server.start("--mode", "enforce")
    tool = program(server, "sealer", OWNER)
    work = begin(tool, server.share, "list 1")
    server.until(lambda: is_over(work) or state(work) == "T")
    approved = server.json("approve", "last", "--for", "30m")
    assert approved["state"] == "approved" and approved["approvals"] == 1, approved
    server.until(lambda: is_over(work))
    other = begin(program(server, "stranger", OWNER), server.share, "list 2")
    server.until(lambda: is_over(other) or state(other) == "T")
    assert not is_over(other) or other.returncode != 0, "an approval let somebody else work"
    incident = server.status()["open"][0]
    assert incident != approved["incident"]
    server.json("approve", str(incident), "--close")
    other.kill()
    other.wait()
    assert server.json("approve", str(approved["incident"]), "--withdraw")["state"] == "withdrawn"
    time.sleep(0.5 * patience())
    third = begin(tool, server.share, "list 3")
    server.until(lambda: is_over(third) or state(third) == "T")
    assert not is_over(third), "a withdrawn approval still counted"
    server.guard("approve", "last")
    server.until(lambda: is_over(third))


def test_an_approval_survives_a_restart_of_the_guard(server):
    server.start("--mode", "enforce")
    tool = program(server, "sealer", OWNER)
    work = begin(tool, server.share, "list 1")
    server.until(lambda: is_over(work) or state(work) == "T")
    server.guard("approve", "last")
    server.until(lambda: is_over(work))
    server.process.terminate()
    server.process.wait(WITHIN)
    server.start("--mode", "enforce")
    again = begin(tool, server.share, "list 2")
    server.until(lambda: is_over(again))
    assert again.returncode == 0
    time.sleep(2 * patience())
    assert server.status()["open"] == []


def test_who_is_released_goes_on_and_is_judged_as_before(server):
    server.start("--mode", "enforce")
    work = begin(program(server, "sealer", OWNER), server.share, "list 1")
    server.until(lambda: is_over(work) or state(work) == "T")
    told = server.json("approve", "last", "--release")
    assert told["state"] == "released" and told["approvals"] == 0, told
    server.until(lambda: is_over(work) or server.status()["open"])
    assert server.status()["open"] and server.status()["open"] != [told["incident"]], "who was released was judged no more"
    server.guard("approve", "last")
    server.until(lambda: is_over(work))


def test_a_span_that_is_none_is_refused(server):
    server.start("--mode", "observe")
    for words in (["--for", "soon"], ["--for", "99d"], ["--close", "--withdraw"], ["--release", "--for", "8h"]):
        server.guard("approve", "last", *words, status=2)
    server.guard("approve", "last", status=3)
