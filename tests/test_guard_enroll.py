"""`guard enroll` on real file systems: what it keeps, what it passes over, and what it survives."""

import json
import os
import pathlib
import pty
import random
import shlex
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from exchange import binary, run

KINDS = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "xfs": ["mkfs.xfs", "-q", "-f", "-m", "reflink=1"],
    "btrfs": ["mkfs.btrfs", "-q", "-f"],
}


class Place:
    """A loop file system with one share, and a data folder of its own."""

    def __init__(self, folder, kind, size):
        self.image, self.mount, self.data = folder / "image", folder / "mnt", folder / "data"
        self.mount.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(size)
        subprocess.run([*KINDS[kind], self.image], check=True, capture_output=True)
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mount], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount {kind} on a loop device: {done.stderr.strip()}")
        self.share = self.mount / "share"
        self.share.mkdir()

    def enroll(self, *more, check=True):
        done = run("guard", "enroll", self.share, "--data", self.data, "--format", "json", "--quiet", *more, check=check)
        return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done

    def verify(self):
        return run("guard", "verify", "--data", self.data).returncode

    def versions(self):
        with sqlite3.connect(f"file:{self.mount}/.breakwater-guard/catalogue.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM version").fetchone()[0]


@pytest.fixture
def place(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root: it mounts loop file systems")
    made = []

    def make(kind, size=400 << 20):
        if shutil.which(KINDS[kind][0]) is None:
            pytest.skip(f"{KINDS[kind][0]} is not installed")
        folder = tmp_path / f"{kind}{len(made)}"
        folder.mkdir()
        made.append(folder / "mnt")
        return Place(folder, kind, size)

    yield make
    for mount in made:
        subprocess.run(["umount", "-l", mount], capture_output=True)


def fill(share, count, seed=1):
    chance = random.Random(seed)
    for number in range(count):
        folder = share / f"d{number // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}").write_bytes(chance.randbytes(chance.randrange(1, 9000)))


@pytest.mark.parametrize("kind", KINDS)
def test_enrolling_again_takes_only_what_changed(place, kind):
    p = place(kind)
    fill(p.share, 500)
    (p.share / "large").write_bytes(os.urandom(700_000))
    (p.share / "link").symlink_to("d0/f1")
    time.sleep(0.1)  # what was written within a tick of its copy is copied once more
    first = p.enroll()
    assert (first["taken"], first["unchanged"], first["refused"]) == (502, 0, 0)
    (p.share / "d0/f3").write_bytes(b"other")
    (p.share / "d1/f100").unlink()
    time.sleep(0.1)
    again = p.enroll()
    assert (again["taken"], again["unchanged"], again["gone"]) == (1, 500, 1)
    assert p.verify() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_deep_folders_holes_and_hard_links_are_kept(place, kind):
    p = place(kind)
    hostile = os.fsencode(p.share) + b"/\xff\xfe\x01\n name"
    with open(hostile, "wb") as f:
        f.write(b"not UTF-8")
    deep = os.open(p.share, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("x" * 40, dir_fd=deep)
        inner = os.open("x" * 40, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inner
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=deep))
    os.close(deep)
    with open(p.share / "sparse", "wb") as f:
        f.truncate(200 << 30)
        f.seek(100 << 30)
        f.write(b"in the middle")
    (p.share / "one").write_bytes(b"two names")
    os.link(p.share / "one", p.share / "two")
    time.sleep(0.1)
    done = p.enroll()
    assert (done["files"], done["taken"], done["refused"]) == (5, 5, 0)
    time.sleep(0.1)
    assert p.enroll()["taken"] == 0
    assert p.verify() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_enrolment_that_was_killed_goes_on_where_it_was(place, kind):
    p = place(kind, 800 << 20)
    fill(p.share, 4000)
    chance = random.Random(7)
    for _ in range(3):
        words = [binary(), "guard", "enroll", p.share, "--data", p.data, "--quiet"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
            time.sleep(chance.uniform(0.2, 1.0))
            running.send_signal(signal.SIGKILL)
    p.enroll()
    assert p.verify() == 0
    assert p.versions() >= 4000


def test_what_does_not_fit_is_refused_before_anything_is_written(place):
    p = place("ext4", 64 << 20)
    (p.share / "big").write_bytes(os.urandom(30 << 20))
    done = p.enroll(check=False)
    assert done.returncode == 3 and "quota" in done.stderr
    assert not pathlib.Path(p.mount / ".breakwater-guard").exists()


def test_copies_may_take_only_so_many_inodes(place):
    p = place("ext4", 64 << 20)
    (p.share / "one").write_bytes(b"of a few")
    done = p.enroll("--inodes", "100", check=False)
    assert done.returncode == 3 and "inodes, and the quota is 100" in done.stderr
    assert not pathlib.Path(p.mount / ".breakwater-guard").exists()
    assert "and 1000 inodes; free" in run("guard", "enroll", p.share, "--data", p.data, "--inodes", "1000").stdout
    status = run("guard", "status", "--format", "json", "--data", p.data, check=False)
    assert json.loads(status.stdout)["volumes"][0]["quota_inodes"] == 1000


def test_what_cannot_be_guarded_is_refused_by_name(place, tmp_path):
    place("ext4")  # skips where there is no root
    subprocess.run(["mount", "-t", "tmpfs", "none", tmp_path], check=True)
    try:
        (tmp_path / "tree").mkdir()
        done = run("guard", "enroll", tmp_path / "tree", "--data", tmp_path / "data", check=False)
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
    assert done.returncode == 3 and "tmpfs" in done.stderr


def test_unenrolling_the_last_tree_removes_the_copies_and_nothing_else(place):
    p = place("ext4")
    fill(p.share, 50)
    p.enroll()
    assert run("guard", "unenroll", p.share, "--data", p.data, check=False).returncode == 2
    run("guard", "unenroll", "--yes", p.share, "--data", p.data)
    assert not (p.mount / ".breakwater-guard").exists()
    assert sum(1 for _ in p.share.rglob("f*")) == 50


def test_a_file_system_that_shares_blocks_can_be_told_to_copy(place):
    p = place("xfs")
    (p.share / "large").write_bytes(os.urandom(1 << 20))
    assert p.enroll("--strategy", "copy")["taken"] == 1
    assert f"copies {p.share.parent}" in (p.data / "guard" / "settings").read_text()
    assert p.verify() == 0
    (p.share / "large").write_bytes(os.urandom(1 << 20))
    assert p.enroll("--strategy", "reflink")["taken"] == 1
    assert "copies" not in (p.data / "guard" / "settings").read_text()
    assert (p.verify(), p.versions()) == (0, 2)


def test_a_file_system_that_cannot_share_blocks_is_not_told_to(place):
    p = place("ext4")
    done = subprocess.run([binary(), "guard", "enroll", p.share, "--data", p.data, "--strategy", "reflink"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "cannot share blocks" in done.stderr, done.stderr
    assert not (p.data / "guard" / "settings").exists()


def test_what_the_guard_writes_itself_is_no_tree_of_its_own(place):
    p = place("ext4")
    inside = p.share / "state" / "guard"
    refused = {
        (p.share, inside): "own data folder",
        (p.mount, inside): "own data folder",
        (p.data, p.data): "own data folder",
        (p.data / "guard", p.data): "own data folder",
    }
    p.enroll()
    refused[p.mount / ".breakwater-guard", p.data] = "own store"
    refused[p.mount / ".breakwater-guard" / "packs", p.data] = "own store"
    for (tree, data), words in refused.items():
        done = subprocess.run([binary(), "guard", "enroll", tree, "--data", data], capture_output=True, text=True,
                              check=False)
        assert done.returncode == 3 and words in done.stderr, (tree, data, done)
    assert not inside.exists()
    run("guard", "enroll", p.mount, "--data", p.data, "--quiet")  # a whole file system, its store left out
    assert p.verify() == 0


def test_a_quota_larger_than_the_file_system_is_said_with_what_is_taken_instead(place):
    p = place("ext4", 64 << 20)
    (p.share / "one").write_bytes(b"of a few")
    said = run("guard", "enroll", "--dry-run", "--quota", "10G", "--data", p.data, p.share).stdout
    assert "the quota of 10240 MiB is more than this file system holds" in said and "all of it" in said, said
    p.enroll("--quota", "10G")
    status = json.loads(run("guard", "status", "--format", "json", "--data", p.data, check=False).stdout)
    assert status["volumes"][0]["quota_bytes"] <= 64 << 20, status


def answer(p, words):
    """Enrols as a person at a terminal does, who says the words; what the terminal shows."""
    ours, theirs = pty.openpty()
    os.write(ours, words.encode())  # it waits there until it is asked for
    with subprocess.Popen([binary(), "guard", "enroll", "--data", p.data, p.share], stdin=theirs, stdout=subprocess.PIPE,
                          text=True) as running:
        said = running.communicate()[0]
    os.close(theirs)
    os.close(ours)
    assert running.returncode == 0, said
    return said


def test_a_wrong_word_for_the_mode_is_asked_for_again(place):
    p = place("ext4", 64 << 20)
    (p.share / "one").write_bytes(b"of a few")
    said = answer(p, "report\n hold \n\n")
    assert "'report' is none of them.\nmode: " in said and said.count("mode: ") == 2, said
    assert "\nmode hold\n" in (p.data / "guard/settings").read_text()


def test_after_three_wrong_words_the_advice_is_a_command_that_works(place):
    p = place("ext4", 64 << 20)
    (p.share / "one").write_bytes(b"of a few")
    said = answer(p, "a\nb\nc\n\n")
    assert said.count("is none of them") == 3 and "as for Enter" in said, said
    assert "\nmode " not in (p.data / "guard/settings").read_text()
    advice = next(line.strip() for line in said.splitlines() if line.startswith("    breakwater guard enroll --mode"))
    words = shlex.split(advice)
    subprocess.run([binary(), *words[1:]], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert "\nmode hold\n" in (p.data / "guard/settings").read_text()
