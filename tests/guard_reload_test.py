"""What a running guard takes up without a restart: trees, exclusions, settings."""

import os
import signal
import subprocess

import pytest
from guard_rig import KINDS, WITHIN, place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

kinds = pytest.mark.parametrize("kind", KINDS)


def is_kept(p, name):
    return bool(p.versions_of(name))


@kinds
def test_a_tree_that_is_enrolled_beside_a_running_guard_is_guarded_at_once(place, kind):
    p = place(kind)
    (p.share / "old").write_bytes(b"old")
    p.enroll()
    p.start("--mode", "observe")
    other = p.mount / "other"
    other.mkdir()
    (other / "was there").write_bytes(b"before it was enrolled")
    said = p.guard("enroll", other)
    assert "running guard" in said
    p.until(lambda: is_kept(p, "was there"))
    (other / "came later").write_bytes(b"new")
    p.until(lambda: is_kept(p, "came later"))
    (p.share / "came later too").write_bytes(b"new")
    p.until(lambda: is_kept(p, "came later too"))
    assert p.process.poll() is None
    p.stop()
    p.verify()


def test_a_tree_on_another_file_system_is_taken_up_and_given_up_while_the_guard_runs(place):
    p = place("ext4")
    q = place("xfs")
    (p.share / "old").write_bytes(b"old")
    (q.share / "elsewhere").write_bytes(b"on another file system")
    p.enroll()
    p.start("--mode", "observe")
    p.guard("enroll", q.share)
    p.until(lambda: q.store.exists() and is_kept(q, "elsewhere"))
    (q.share / "came later").write_bytes(b"new")
    p.until(lambda: is_kept(q, "came later"))
    assert p.run("unenroll", q.share)[0] == 2, "it did not ask"
    p.guard("unenroll", "--yes", q.share)
    assert not q.store.exists()
    (p.share / "still").write_bytes(b"guarded")
    p.until(lambda: is_kept(p, "still"))
    assert p.process.poll() is None, p.words[-2000:]
    p.guard("unenroll", "--yes", p.share)
    assert p.process.wait(WITHIN) == 0, p.words[-2000:]
    p.process = None
    assert not p.store.exists()
    assert (p.share / "old").read_bytes() == b"old"


def test_what_is_left_out_and_what_is_not_any_more_counts_at_once(place):
    p = place("ext4")
    scratch = p.share / "scratch"
    scratch.mkdir()
    p.enroll()
    p.start("--mode", "observe")
    assert "takes this up now" in p.guard("exclude", scratch)
    p.until(lambda: "the settings are read again" in p.words)
    p.settle()
    (scratch / "left out").write_bytes(b"nobody keeps it")
    (p.share / "kept").write_bytes(b"kept")
    p.until(lambda: is_kept(p, "kept"))
    assert not is_kept(p, "left out")
    p.guard("exclude", "--remove", scratch)
    p.until(lambda: is_kept(p, "left out"))
    p.stop()


def test_a_hangup_reads_the_settings_and_bad_ones_change_nothing(place):
    p = place("ext4")
    p.enroll()
    p.start()
    settings = p.data / "guard/settings"
    good = settings.read_text()
    settings.write_text("no such word\n" + good)
    os.kill(p.process.pid, signal.SIGHUP)
    p.until(lambda: "the settings cannot be used" in p.words)
    settings.write_text("nonsense\n")
    os.kill(p.process.pid, signal.SIGHUP)
    p.until(lambda: p.words.count("the settings cannot be used") == 2)
    (p.share / "kept").write_bytes(b"kept")
    p.until(lambda: is_kept(p, "kept"))
    settings.write_text(good + "mode hold\n")
    os.kill(p.process.pid, signal.SIGHUP)
    p.until(lambda: "the workers begin again" in p.words)
    p.until(lambda: p.run("status", "--format", "json")[0] == 0 and p.status()["mode"] == "hold")
    (p.share / "kept too").write_bytes(b"kept")
    p.until(lambda: is_kept(p, "kept too"))
    p.stop()
    p.verify()


def test_a_file_system_that_cannot_be_guarded_is_refused_beside_a_running_guard(place, tmp_path):
    p = place("ext4")
    p.enroll()
    p.start()
    there = tmp_path / "tmpfs"
    there.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", there], check=True)
    try:
        status, said = p.run("enroll", there)
    finally:
        subprocess.run(["umount", "-l", there], check=True)
    assert status == 3 and "tmpfs" in said
    assert p.process.poll() is None and "tree " + str(there) not in (p.data / "guard/settings").read_text()
    p.stop()


def two_file_systems(place):
    p, q = place("ext4"), place("xfs")
    (p.share / "away").write_bytes(b"on a disk that fails")
    (q.share / "here").write_bytes(b"on another one")
    p.enroll()
    p.guard("enroll", q.share, "--quiet")
    return p, q


def watch_the_other(p, q):
    """The guard guards what is there, names what is not, and writes nothing to the wrong file system."""
    p.start("--mode", "observe")
    assert "an enrolled folder is not guarded" in p.words and str(p.share) in p.words
    (q.share / "came later").write_bytes(b"kept all the same")
    p.until(lambda: is_kept(q, "came later"))
    status, said = p.run("status")
    assert status == 1 and f"{p.share}: NOT GUARDED" in said and "guard unenroll DIR" in said, said
    told = p.status()
    assert [row["tree"] for row in told["trees_away"]] == [str(p.share)] and told["trees"] == [str(q.share)]
    assert "1 are as they should be" in p.guard("restore", "--file", q.share / "here", "--dry-run")
    p.guard("versions", q.share / "here")
    for words in (["versions", p.share / "away"], ["restore", "--file", p.share / "away", "--yes"]):
        status, said = p.run(*words)
        assert status == 3 and "which is not guarded" in said and "mount it" in said, said
    status, said = p.run("verify")
    assert status == 1 and f"'{p.share}' is not guarded" in said, said


def test_a_tree_whose_file_system_is_not_mounted_keeps_nobody_from_guarding_the_others(place):
    p, q = two_file_systems(place)
    p.detach()
    watch_the_other(p, q)
    assert not os.listdir(p.mount), "nothing is written where it should be mounted"
    p.attach()
    p.process.send_signal(signal.SIGHUP)
    (p.share / "mounted again").write_bytes(b"and guarded")
    p.until(lambda: is_kept(p, "mounted again"))
    p.until(lambda: p.run("status")[0] == 0)
    p.stop()
    p.verify()


def test_an_empty_folder_where_the_file_system_was_is_not_taken_for_it(place):
    p, q = two_file_systems(place)
    p.detach()
    p.share.mkdir()
    (p.share / "stray").write_bytes(b"on the wrong file system")
    watch_the_other(p, q)
    assert "is not mounted" in p.run("status")[1]
    status, said = p.run("enroll", p.share)
    assert status == 3 and "is not mounted" in said, said
    assert "its copies were left" in p.guard("unenroll", p.share, status=1)
    p.until(lambda: not p.status()["trees_away"])
    assert os.listdir(p.mount) == ["share"] and not os.path.exists("/.breakwater-guard"), "no store was made there"
    p.stop()


def test_a_tree_that_was_renamed_beside_another_is_named_and_not_guarded(place):
    p = place("ext4")
    other = p.mount / "other"
    other.mkdir()
    p.enroll()
    p.guard("enroll", other, "--quiet")
    p.share.rename(p.mount / "renamed")
    p.start("--mode", "observe")
    (other / "came later").write_bytes(b"kept")
    p.until(lambda: is_kept(p, "came later"))
    status, said = p.run("status")
    assert status == 1 and f"{p.share}: NOT GUARDED, it is not there" in said, said
    assert "its copies were left" in p.guard("unenroll", p.share, status=1)
    p.until(lambda: p.run("status")[0] == 0)
    p.stop()


def test_when_no_tree_is_there_at_all_that_is_said(place):
    p = place("ext4")
    p.enroll()
    p.detach()
    for verb in ("status", "run", "verify"):
        status, said = p.run(verb)
        assert status == 3 and "no enrolled folder can be reached" in said and "mount it" in said, said
        assert "guard enroll DIR" not in said, said
