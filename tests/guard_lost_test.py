"""The data folder goes under a running guard: it guards on, says so, and makes no half of it anew."""

import os
import pathlib
import shutil
import tempfile

import pytest
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def told():
    """What the hook got. Its folder must be root's alone, so it is not below the test's own."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bw-lost-", dir="/usr/local/sbin"))
    hook = folder / "hook"
    hook.write_text(f"#!/bin/sh\ncat >> {folder}/told\n")
    hook.chmod(0o755)
    yield folder / "told"
    shutil.rmtree(folder)


def test_a_guard_whose_data_folder_goes_guards_on_says_so_and_makes_none_anew(place, told):
    p = place("ext4")
    (p.share / "a").write_bytes(b"a" * 5000)
    p.enroll()
    with open(p.data / "guard" / "settings", "a") as settings:
        settings.write(f"hook {told.parent / 'hook'}\n")
    p.start("--mode", "observe")
    kept = p.data.with_name("kept")
    p.data.rename(kept)  # as when what holds it is unmounted
    p.until(lambda: "the data folder is gone" in p.words)
    status, said = p.run("status")
    assert status == 3 and "has lost its data folder" in said and "systemctl restart" in said, said
    assert f"process {p.process.pid})" in said
    (p.share / "b").write_bytes(b"b" * 6000)
    p.until(lambda: p.versions_of("b"))
    p.process.send_signal(1)  # a reload finds no settings, and ends nothing
    p.until(lambda: "the guard goes on with those it has" in p.words)
    assert p.run("enroll", p.share)[0] == 3, "a second data folder is not begun beside a guard that runs"
    p.until(lambda: told.exists() and "goes on copying files" in told.read_text())
    assert not p.data.exists(), sorted(p.data.rglob("*"))
    kept.rename(p.data)
    p.until(lambda: "the data folder is there again" in p.words)
    assert p.status()["running"]
    shutil.rmtree(p.data)
    p.until(lambda: p.words.count("the data folder is gone") == 2)
    assert "has lost its data folder" in p.run("status")[1]
    (p.share / "c").write_bytes(b"c" * 7000)
    p.until(lambda: p.versions_of("c"))
    assert not p.data.exists()
    p.stop()
    p.enroll()  # a new one over the copies of before
    p.start("--mode", "observe")
    assert p.status()["running"] and p.versions_of("a") and p.versions_of("c")
    os.unlink(p.share / "c")
    p.settle()
    p.guard("restore", "--file", p.share / "c", "--yes")
    assert (p.share / "c").read_bytes() == b"c" * 7000
    p.stop()
    p.verify()


def test_what_commands_of_the_guards_own_changed_while_it_did_not_run_is_no_finding_and_what_others_did_is(place):
    p = place("ext4")
    (p.share / "a").write_bytes(b"a" * 5000)
    p.enroll()
    p.start("--mode", "observe")
    p.stop()
    (p.share / "b").write_bytes(b"b" * 5000)
    p.enroll()
    p.start("--mode", "observe")
    assert p.status()["at_start"] == [] and p.versions_of("b")
    p.stop()
    os.utime(p.store / "catalogue.db")
    p.enroll()
    p.start("--mode", "observe")
    assert ["was changed while the guard did not run" in found for found in p.status()["at_start"]] == [True]
    p.stop()


def test_people_are_told_once_that_a_folder_is_away_and_once_that_it_is_back(place, told):
    p, other = place("ext4"), place("ext4")
    p.enroll()
    p.guard("enroll", other.share, "--quiet")
    with open(p.data / "guard" / "settings", "a") as settings:
        settings.write(f"hook {told.parent / 'hook'}\n")
    p.start("--mode", "observe")
    p.stop()
    other.detach()
    try:
        p.start("--mode", "observe")
        p.until(lambda: told.exists() and f"{other.share}: " in told.read_text())
        p.stop()
        p.start("--mode", "observe")
    finally:
        other.attach()
    p.process.send_signal(1)
    p.until(lambda: "These folders were away and are guarded again" in told.read_text())
    assert told.read_text().count("so nothing in them is copied") == 1, told.read_text()
    p.until(lambda: p.run("status", "--format", "json")[0] == 0)
    assert p.status()["trees_away"] == []
    p.stop()
