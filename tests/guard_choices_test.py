"""What a person decides holds, whatever came first, and what waits for a decision is not out of sight."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from exchange import binary
from guard_approve_test import OWNER, is_over, state
from guard_restore_test import WITHIN, Server, attack, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path, "xfs")
    made.guard("enroll", str(made.share))
    yield made
    made.close()


@pytest.fixture
def held(server):
    """A script that seals its owner's files: an interpreter, whose name says nothing of what it does."""
    server.start("--mode", "enforce")
    work = subprocess.Popen([sys.executable, "-c", OWNER, server.share, "list 1"], start_new_session=True)
    server.until(lambda: server.status()["open"])
    server.until(lambda: is_over(work) or state(work) == "T")
    assert not is_over(work), "ordered work was ended, not held"
    yield work
    with contextlib.suppress(ProcessLookupError):
        os.kill(work.pid, signal.SIGKILL)
    work.wait(WITHIN)


def raw(server, *words):
    done = subprocess.run([binary(), "guard", *words, "--data", server.data], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def held_by(server):
    return {one["pid"]: one for one in server.status()["held"] if one["what"] == "process"}


def test_an_approval_after_the_restore_counts_for_whoever_was_held(server, held):
    incident = server.status()["open"][0]
    told = server.guard("restore", "--incident", "last", "--yes")
    assert f"process {held.pid} (" in told and f"guard approve {incident}" in told, told
    assert server.status()["open"] == []
    server.guard("approve", str(incident), "--for", "30m")
    server.until(lambda: is_over(held))
    assert held.returncode == 0
    assert server.status()["open"] == [], "who was approved was judged again"


def test_whoever_is_held_is_shown_until_he_goes_on_or_ends(server, held):
    incident = server.status()["open"][0]
    told = server.guard("approve", "last", "--close")
    assert f"process {held.pid} (" in told and f"kill -KILL {held.pid}" in told, told
    one = held_by(server)[held.pid]
    assert one["incident"] == incident and one["uid"] == 0
    assert one["let_go"] == f"breakwater guard approve {incident}" and one["end"] == f"kill -KILL {held.pid}"
    status, said = raw(server, "status", "--once")
    assert status == 1 and "none open" in said and f"process {held.pid} (" in said, said
    os.kill(held.pid, signal.SIGKILL)
    held.wait(WITHIN)
    assert held_by(server) == {}
    server.guard("status", "--once")


def test_only_an_approval_that_lasts_can_be_withdrawn(server, held):
    status, said = raw(server, "approve", "last", "--withdraw")
    assert status == 3 and "is not approved: there is nothing to withdraw" in said, said
    incident = server.status()["open"][0]
    assert "The files come back with" in server.guard("explain", "last")
    server.guard("approve", "last")
    server.until(lambda: is_over(held))
    for words in (["explain", str(incident)], ["restore", "--incident", str(incident), "--dry-run"]):
        told = server.guard(*words)
        assert "no part of this incident" in told and "restore --tree DIR --at '2" in told, told
    server.guard("approve", "last", "--withdraw")
    status, said = raw(server, "approve", str(incident), "--withdraw")
    assert status == 3 and "is approved no more" in said, said


def test_a_guard_that_does_not_run_is_not_well(server):
    status, said = raw(server, "status", "--once")
    assert status == 1 and "NOT RUNNING" in said, said
    server.start("--mode", "observe")
    status, said = raw(server, "status", "--once")
    assert status == 0 and "running since" in said, said
    assert json.loads(server.guard("status", "--format", "json"))["held"] == []


def test_a_restore_that_was_undone_leaves_its_incident_open_and_nothing_more_to_undo(server):
    before = server.all()
    server.start("--mode", "enforce")
    assert attack(server, 0.01).wait(WITHIN) != 0, "the attacker was not stopped"
    server.until(lambda: server.status()["open"])
    incident = server.status()["open"][0]
    server.guard("restore", "--incident", "last", "--yes")
    assert server.status()["open"] == [] and server.all() == before
    told = server.guard("restore", "--undo", "last", "--yes")
    assert f"incident {incident} is open again" in told, told
    assert server.all() != before
    status, said = raw(server, "incidents")
    assert status == 1 and "open" in said and "brought back" not in said, said
    status, said = raw(server, "restore", "--undo", "last", "--yes")
    assert status == 3 and "was undone already" in said and "nothing is left to undo" in said, said
    done = server.json("restore", "--incident", "last", "--yes")
    assert server.all() == before and server.status()["open"] == []
    one = server.json("incidents")[-1]
    assert one["files_restored"] == done["restored"], one


def test_undoing_the_last_restore_twice_undoes_no_older_one(server):
    done = []
    for name in ("list 1.txt", "list 2.txt"):
        (server.share / name).unlink()
        done.append(server.json("restore", "--file", str(server.share / name), "--yes")["undo"])
    status, said = raw(server, "restore", "--undo", "last")
    assert status == 2 and "would be" in said and "nothing was undone" in said, said
    assert (server.share / "list 2.txt").exists()
    server.guard("restore", "--undo", "last", "--yes")
    status, said = raw(server, "restore", "--undo", "last", "--yes")
    assert status == 3 and f"{done[1]}, was undone already" in said and f"--undo {done[0]}" in said, said
    assert (server.share / "list 1.txt").exists() and not (server.share / "list 2.txt").exists()
    server.guard("restore", "--undo", done[0], "--yes")
    assert not (server.share / "list 1.txt").exists()


def test_nothing_of_a_folder_is_left_out_by_a_slip(server):
    for everything in ("/", server.share, f"{server.share}/*"):
        status, said = raw(server, "exclude", str(everything))
        assert status == 2 and "--whole-tree" in said and str(server.share) in said, said
    assert raw(server, "exclude") == (0, "")
    server.start("--mode", "observe")
    server.guard("exclude", "--whole-tree", str(server.share))
    status, said = raw(server, "status", "--once")
    assert status == 1 and "NOT GUARDED" in said, said
    assert server.status()["trees_left_out"] == [str(server.share)]
    beside = {"capture_output": True, "text": True, "cwd": server.share.parent}
    done = subprocess.run([binary(), "guard", "exclude", "--remove", "share", "--data", server.data], **beside)
    assert done.returncode == 0, done
    assert server.status()["trees_left_out"] == [] and raw(server, "status", "--once")[0] == 0


def test_a_dry_run_says_what_would_be_and_nothing_is_aside_when_nothing_was(server):
    (server.share / "list 1.txt").unlink()
    told = server.guard("restore", "--file", str(server.share / "list 1.txt"), "--dry-run")
    assert "list 1.txt: is gone, would come back" in told and "is back" not in told, told
    told = server.guard("restore", "--file", str(server.share / "list 1.txt"), "--yes")
    assert "--undo" in told and "aside" not in told, told
    taken = server.guard("versions", str(server.share / "list 2.txt")).splitlines()[1].split("  ")
    (server.share / "list 2.txt").write_text("spoilt")
    (server.share / "list 3.txt").unlink()
    time.sleep(1.1)  # times are typed in whole seconds
    when = next(part for part in taken[1:] if part.strip()).strip()  # as it is printed, with its offset
    told = server.guard("restore", "--tree", str(server.share), "--at", time.strftime("%Y-%m-%d %H:%M:%S"), "--yes")
    assert "Brought back 2 files" in told and "aside" in told, (when, told)
    assert raw(server, "restore", "--tree", str(server.share), "--at", when, "--dry-run")[0] != 2, when


def test_what_changes_nothing_is_said(server):
    status, said = raw(server, "exclude", "/etc")
    assert status == 2 and "/etc' is in no enrolled folder" in said, said
    status, said = raw(server, "exclude", "/etc/*.conf")
    assert status == 2 and "in no enrolled folder" in said, said
    assert "no guard runs" in server.guard("exclude", f"{server.mount}/*.tmp")
    assert raw(server, "exclude") == (0, f"{server.mount}/*.tmp\n")
    ahead = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + 86400))
    status, said = raw(server, "restore", "--tree", str(server.share), "--at", ahead, "--dry-run")
    assert status == 2 and "lies ahead" in said, said
    server.share.rename(server.mount / "elsewhere")
    status, said = raw(server, "unenroll", "--yes", str(server.share))
    assert status == 1 and "cannot be reached" in said and "unenroll --yes DIR" in said, said
    assert (server.mount / ".breakwater-guard").exists()
    assert "its copies are removed" in server.guard("unenroll", "--yes", str(server.mount))
    assert not (server.mount / ".breakwater-guard").exists()


def test_commands_name_what_is_missing_and_the_next_step(server, tmp_path):
    status, said = raw(server, "versions", str(server.share))
    assert status == 3 and "is a folder" in said and "--tree" in said, said
    status, said = raw(server, "versions")
    assert status == 2 and "FILE is missing after 'guard versions'" in said, said
    status, said = raw(server, "drill")
    assert status == 3 and "the guard does not run" in said and "guard run" in said, said
    done = subprocess.run([binary(), "guard", "drill", "--data", tmp_path / "other"], capture_output=True, text=True)
    assert done.returncode == 3 and "guard enroll" in done.stderr and "guard run" not in done.stderr, done
    for words, status in ((["job", "sign"], 0), (["job", "forge"], 2)):
        assert subprocess.run([binary(), "help", "guard", *words], capture_output=True).returncode == status
    assert "next: breakwater guard run" in server.guard("enroll", str(server.share))
    server.start("--mode", "observe")
    server.guard("unenroll", "--yes", str(server.share))
    assert server.process.wait(WITHIN) == 0
    words = (server.folder / "words").read_text()
    assert "nothing is to be guarded any more" in words and "the guard has stopped" in words, words
    assert "cannot be read again" not in words, words
