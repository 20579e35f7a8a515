"""The guard's hand and a real Samba: one client is kept out while the others work on, and one word undoes it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from exchange import binary, patience
from guard_hold_test import ROOT, cgroup_of, stands_frozen
from samba_rig import Rig, run, wait_for, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=f"no Samba rig: {why_not()}")

SECONDS = 30 * patience()


def hand_program():
    """The hand with a stand-in for the judge, wherever the program under test was built."""
    for folder in (pathlib.Path(binary()).parent, *pathlib.Path(binary()).parents[1].glob("test-gcc")):
        if (folder / "guard_hand").exists():
            return folder / "guard_hand"
    pytest.skip("guard_hand is not built: ninja guard_hand")


class Hand:
    """The real hand, told what to do by lines."""

    def __init__(self, rig, data, settings=""):
        self.data = data
        (data / "guard").mkdir(parents=True)
        (data / "guard" / "settings").write_text(f"tree {rig.share}\nsamba {rig.config}\n{settings}")
        self.rig = rig
        self.log = data / "log"
        self.start()

    def start(self):
        judge_out, judge = os.pipe()
        scribe_out, scribe = os.pipe()
        with open(self.log, "ab") as log, open(self.data / "said", "wb") as said:
            self.process = subprocess.Popen(
                self.rig.inside(hand_program(), self.data, judge_out, scribe_out), pass_fds=(judge_out, scribe_out),
                stdin=subprocess.DEVNULL, stdout=said, stderr=log)
        os.close(judge_out)
        os.close(scribe_out)
        self.judge, self.scribe = judge, scribe
        assert wait_for(lambda: "ready" in self.said()), self.words()

    def said(self):
        return (self.data / "said").read_text(errors="surrogateescape").splitlines()

    def words(self):
        return self.log.read_text(errors="replace")

    def as_judge(self, line):
        os.write(self.judge, line.encode() + b"\n")

    def as_scribe(self, line):
        os.write(self.scribe, line.encode() + b"\n")

    def acted(self, incident, what):
        """The first deed of that kind for the incident: 1 kept out, 4 let in, 6 released, 7 failed …"""
        start = f"acted {incident} {what} "
        return wait_for(lambda: next((line for line in self.said() if line.startswith(start)), None), SECONDS)

    def book(self):
        """What it will undo, as it stands on disk."""
        return (self.data / "guard" / "hand").read_text()

    def sessions(self):
        return [json.loads(line.removeprefix("sessions ")) for line in self.said() if line.startswith("sessions {")]

    def worker(self):
        """The process that is the hand, now."""
        for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                if pathlib.Path(f"/proc/{pid}/comm").read_text() == "bw-hand\n":
                    return int(pid)
            except FileNotFoundError:  # it ended since the list was read
                pass
        return None

    def kill_worker(self):
        """The parent starts another."""
        before = self.worker()
        os.kill(before, signal.SIGKILL)
        assert wait_for(lambda: self.worker() not in (None, before))
        assert wait_for(lambda: "earlier deeds wait to be undone" in self.words()), self.words()

    def stop(self):
        os.close(self.judge)
        os.close(self.scribe)
        self.process.terminate()
        assert self.process.wait(SECONDS) == 0, self.words()


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samba")
    share = folder / "share"
    share.mkdir()
    share.chmod(0o777)
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o011)  # the users of the share pass through
    (share / "file").write_text("content")
    with Rig(folder / "rig", share, users=["bwanna", "bwben"]) as rig:
        yield rig


@pytest.fixture
def hand(rig, tmp_path):
    hand = Hand(rig, tmp_path / "data")
    yield hand
    if hand.process.poll() is None:
        hand.stop()
    subprocess.run(rig.inside("nft", "delete", "table", "inet", "breakwater_guard"), capture_output=True, check=False)


def clients_that_get_in(rig):
    found = []
    for user, client in (("bwanna", 0), ("bwben", 1)):
        with rig.session(user, client) as session:
            if session.works():
                found.append(user)
    return found


def test_sessions_name_process_user_and_address(rig, hand):
    with rig.session("bwanna", 0) as anna, rig.session("bwben", 1) as ben:
        assert anna.works() and ben.works()
        hand.as_judge("who")

        def both():
            last = hand.sessions()[-1]["sessions"].values() if hand.sessions() else ()
            found = {(row["username"], row["remote_machine"]) for row in last}
            return {("bwanna", rig.address(0)), ("bwben", rig.address(1))} <= found

        assert wait_for(both), hand.said()
        for row in hand.sessions()[-1]["sessions"].values():
            pid = int(row["server_id"]["pid"])
            assert pathlib.Path(f"/proc/{pid}/comm").read_text().startswith("smbd")
            assert pid != rig.smbd.pid


def test_a_new_client_is_seen_without_a_question(rig, hand):
    assert wait_for(hand.sessions), hand.words()
    with rig.session("bwben", 1) as ben:
        assert ben.works()
        assert wait_for(lambda: any(row["username"] == "bwben" for row in hand.sessions()[-1]["sessions"].values()))


def test_one_client_is_kept_out_and_only_that_one_until_it_is_lifted(rig, hand):
    with rig.session("bwanna", 0) as anna, rig.session("bwben", 1) as ben:
        assert anna.works() and ben.works()
        hand.as_judge(f"keep-out 7 600 {rig.address(0)} -")
        line = hand.acted(7, 1)
        assert line == f"acted 7 1 {rig.address(0)} | nft delete element inet breakwater_guard out4 " \
                       f"'{{ {rig.address(0)} }}'", hand.words()
        assert not anna.works()
        assert ben.works()
    assert clients_that_get_in(rig) == ["bwben"]
    assert rig.smbd.poll() is None
    hand.as_scribe("lift 7")
    assert hand.acted(7, 4), hand.words()
    assert wait_for(lambda: clients_that_get_in(rig) == ["bwanna", "bwben"])


def test_the_command_in_the_log_lets_the_client_in(rig, hand):
    hand.as_judge(f"keep-out 8 600 {rig.address(0)} -")
    undo = hand.acted(8, 1).split(" | ")[1]
    assert clients_that_get_in(rig) == ["bwben"]
    run(*rig.inside("sh", "-c", undo))
    assert wait_for(lambda: clients_that_get_in(rig) == ["bwanna", "bwben"])


def test_time_lets_the_client_in_even_when_the_guard_is_gone(rig, hand):
    hand.as_judge(f"keep-out 9 2 {rig.address(0)} -")
    assert hand.acted(9, 1), hand.words()
    hand.stop()
    assert wait_for(lambda: clients_that_get_in(rig) == ["bwanna", "bwben"])


def test_a_hand_that_was_killed_still_undoes_what_it_did(rig, hand):
    hand.as_judge(f"keep-out 10 600 {rig.address(0)} -")
    assert hand.acted(10, 1), hand.words()
    hand.kill_worker()
    assert clients_that_get_in(rig) == ["bwben"]
    hand.as_scribe("lift 10")
    assert hand.acted(10, 4), hand.words()
    assert wait_for(lambda: clients_that_get_in(rig) == ["bwanna", "bwben"])


def enabled(rig, user):
    """Whether Samba lets the user in, from anywhere."""
    with rig.session(user, 1) as session:
        return session.works()


def test_the_kernel_names_the_client_of_a_child_at_once(rig, hand):
    with rig.session("bwanna", 0) as anna:
        assert anna.works()
        pid = next(row["server_id"]["pid"] for row in json.loads(rig.status())["sessions"].values())
        hand.as_judge(f"who {pid}")
        line = wait_for(lambda: next((line for line in hand.said() if line.startswith(f"peer {pid} ")), None))
        assert line and line.split()[2] == rig.address(0), hand.words()
        hand.as_judge(f"who {rig.smbd.pid}")  # the one that listens serves nobody
        hand.as_judge(f"who {os.getpid()}")   # and we are no smbd
        hand.as_judge(f"who {pid}")
        assert wait_for(lambda: len([line for line in hand.said() if line.startswith("peer ")]) == 2)
        assert {line.split()[1] for line in hand.said() if line.startswith("peer ")} == {pid}


def test_the_hand_holds_no_more_than_it_needs_and_its_programs_cannot_look_into_others(hand):
    status = dict(line.split(":\t", 1) for line in
                  pathlib.Path(f"/proc/{hand.worker()}/status").read_text().splitlines() if line.startswith("Cap"))
    sys_ptrace = 1 << 19
    own = 1 << 1 | 1 << 2 | 1 << 5 | sys_ptrace  # DAC_OVERRIDE, DAC_READ_SEARCH, KILL
    assert int(status["CapEff"], 16) == own
    assert int(status["CapBnd"], 16) & sys_ptrace == 0
    assert int(status["CapBnd"], 16) | sys_ptrace == int(status["CapPrm"], 16)


def test_a_user_is_kept_out_by_samba_itself_until_the_incident_is_lifted(rig, hand):
    hand.as_judge("keep-out 20 600 - bwanna")
    line = hand.acted(20, 1)
    assert line == f"acted 20 1 user bwanna | smbpasswd -c '{rig.config}' -e 'bwanna'", hand.words()
    assert not enabled(rig, "bwanna")
    assert wait_for(lambda: enabled(rig, "bwben"))
    hand.as_judge("keep-out 21 600 - bwanna")  # another incident wants the same
    assert wait_for(lambda: "user 21 " in hand.book()), hand.words()
    hand.as_scribe("lift 20")
    assert wait_for(lambda: "user 20 " not in hand.book()), hand.words()
    hand.kill_worker()
    assert not enabled(rig, "bwanna")
    hand.as_scribe("lift 21")
    assert hand.acted(21, 4), hand.words()
    assert wait_for(lambda: enabled(rig, "bwanna"))


def test_time_lets_a_user_in_again(rig, hand):
    hand.as_judge("keep-out 22 2 - bwanna")
    assert hand.acted(22, 1), hand.words()
    assert hand.acted(22, 4), hand.words()
    assert wait_for(lambda: enabled(rig, "bwanna"))


def test_an_account_the_administrator_disabled_stays_disabled(rig, hand):
    run(*rig.inside("smbpasswd", "-c", rig.config, "-d", "bwanna"))
    try:
        hand.as_judge("keep-out 23 600 - bwanna")
        hand.as_judge("keep-out 24 600 - bwben")  # and when this is done, the other has been looked at
        assert hand.acted(24, 1), hand.words()
        hand.as_scribe("lift 0")
        assert hand.acted(24, 4), hand.words()
        assert not enabled(rig, "bwanna")
        assert wait_for(lambda: enabled(rig, "bwben"))
    finally:
        run(*rig.inside("smbpasswd", "-c", rig.config, "-e", "bwanna"))


@pytest.mark.parametrize("user", ["root", "-h", "nobody", "a'b", "stranger"])
def test_no_other_account_than_a_persons_is_touched(rig, hand, user):
    hand.as_judge(f"keep-out 25 600 - {user}")
    assert hand.acted(25, 7), hand.words()
    assert wait_for(lambda: enabled(rig, "bwanna"))


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "10.77.0.1;flush", "::1", "$(id)"])
def test_no_other_word_than_a_clients_address_gets_to_nft(rig, hand, address):
    hand.as_judge(f"keep-out 11 600 {address} -")
    assert hand.acted(11, 7), hand.words()
    assert subprocess.run(rig.inside("nft", "list", "table", "inet", "breakwater_guard"),
                          capture_output=True, check=False).returncode != 0
    assert wait_for(lambda: clients_that_get_in(rig) == ["bwanna", "bwben"])


def test_a_held_process_goes_on_when_its_incident_is_lifted(hand):
    with subprocess.Popen(["sleep", "60"]) as held:
        try:
            held.send_signal(signal.SIGSTOP)
            hand.as_judge(f"held 12 600 {held.pid}")
            told = hand.acted(12, 3)
            assert told.startswith(f"acted 12 3 process {held.pid} | ") and told.endswith(f"kill -CONT {held.pid}")
            hand.as_scribe("lift 12")
            assert hand.acted(12, 6), hand.words()
            assert wait_for(lambda: pathlib.Path(f"/proc/{held.pid}/stat").read_text().split()[2] == "S")
        finally:
            held.kill()


@pytest.mark.skipif(ROOT is None, reason="no cgroup v2 that may be written here")
def test_sambas_own_process_is_never_frozen_and_who_takes_its_name_is(hand, tmp_path):
    program = tmp_path / "smbd"
    shutil.copy("/bin/sleep", program)
    somebody = ["setpriv", "--reuid=12347", "--regid=12347", "--clear-groups"]
    with subprocess.Popen([program, "60"]) as true, subprocess.Popen([*somebody, program, "60"]) as false:
        try:
            assert wait_for(lambda: all(pathlib.Path(f"/proc/{one.pid}/comm").read_text() == "smbd\n"
                                        for one in (true, false)))
            hand.as_judge(f"held 15 600 {true.pid}")
            hand.as_judge(f"held 16 600 {false.pid}")
            assert hand.acted(16, 3), hand.words()  # and then the first has been looked at
            assert not cgroup_of(true.pid).name.startswith("bw-held-")
            assert wait_for(lambda: stands_frozen(false.pid))
            hand.as_scribe("lift 0")
            assert hand.acted(16, 6), hand.words()
            assert wait_for(lambda: not cgroup_of(false.pid).name.startswith("bw-held-"))
        finally:
            true.kill()
            false.kill()


def test_who_may_not_ask_is_not_heard(rig, hand):
    hand.as_scribe(f"keep-out 13 600 {rig.address(0)} -")  # the judge's word
    assert wait_for(lambda: "a worker made no sense" in hand.words())
    assert wait_for(lambda: clients_that_get_in(rig) == ["bwanna", "bwben"])


def test_a_hook_is_told_and_no_name_forges_a_line(rig, tmp_path):
    hook = pathlib.Path("/usr/local/sbin/bw-story-hook")  # where root alone may write
    got = tmp_path / "got"
    hook.write_text(f"#!/bin/sh\ncat > {got}.part && mv {got}.part {got}\n")
    hook.chmod(0o755)
    hand = Hand(rig, tmp_path / "data", f"hook {hook}\n")
    try:
        hand.as_scribe("notice 14 files of \x1b[2Jeve\x07 are under attack")
        assert wait_for(got.exists), hand.words()
        assert got.read_text() == "files of \\x1b[2Jeve\\x07 are under attack\n"
    finally:
        hook.unlink()
        hand.stop()
