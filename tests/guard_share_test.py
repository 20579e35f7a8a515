"""Shares of the room for copies: what one user writes stops nobody else's copies, on ext4 and XFS of their own."""

import os

import pytest
from guard_rig import KINDS, place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

MIB = 1 << 20
GREEDY, MODEST = 3001, 3002  # users of no name
kinds = pytest.mark.parametrize("kind", KINDS)


def as_user(user, folder, work):
    """In a process of that user's own, as it counts who wrote; in a folder he could not find the way to."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.chdir(folder)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def holes(count, size):
    """Files that cost their user nothing."""
    for n in range(count):
        with open(f"hole {n}", "wb") as file:
            file.truncate(size)


def two_users(p):
    folders = {}
    for user in (GREEDY, MODEST):
        folders[user] = p.share / str(user)
        folders[user].mkdir()
        os.chown(folders[user], user, user)
        as_user(user, folders[user], lambda name=f"old of {user}": write(name, b"as it was enrolled"))
    return folders[GREEDY], folders[MODEST]


def newest_of(p, name):
    return p.ask("SELECT max(number) FROM version WHERE name = ? AND state = 0", os.fsencode(name))[0][0]


def comes_back(p, path, content):
    """Gone, and restored as it was."""
    number = newest_of(p, path.name)
    os.unlink(path)
    p.settle()
    p.guard("restore", "--file", path, "--version", str(number), "--yes")
    assert path.read_bytes() == content


def check_others_are_kept(p, modest, words):
    """A next version of an old file and a new file: kept, and restored."""
    second, new = os.urandom(90_000), os.urandom(70_000)
    old = modest / f"old of {MODEST}"
    before = newest_of(p, old.name)
    as_user(MODEST, modest, lambda: write(old.name, second))
    as_user(MODEST, modest, lambda: write("new", new))
    p.until(lambda: newest_of(p, old.name) > before)
    p.until(lambda: p.versions_of("new"))
    assert f"user={GREEDY}" in p.words and words in p.words
    status = p.status()
    assert status["room_is_short"] and status["room_taken_by"] == str(GREEDY)
    said = p.guard("status", status=1)
    assert "NO ROOM" in said and f"of user {GREEDY}" in said, said
    assert newest_of(p, f"old of {GREEDY}")  # what he had when all was enrolled is nobody's to take, his neither
    p.stop()
    p.verify()
    p.start("--mode", "observe")
    comes_back(p, old, second)
    comes_back(p, modest / "new", new)


@kinds
def test_who_fills_the_quota_stops_nobody_elses_copies(place, kind):
    p = place(kind, 512 * MIB)
    greedy, modest = two_users(p)
    p.enroll("--quota", str(24 * MIB))
    p.start("--mode", "observe")
    as_user(GREEDY, greedy, lambda: [write(f"junk {n}", os.urandom(100_000)) for n in range(300)])
    p.until(lambda: p.status()["share_refused"] > 0)
    check_others_are_kept(p, modest, "newest copies of one user went")
    assert p.kept() <= 25 * MIB


@kinds
def test_who_fills_the_inodes_stops_nobody_elses_copies(place, kind):
    p = place(kind, 512 * MIB)
    greedy, modest = two_users(p)
    p.enroll("--quota", str(400 * MIB))
    with open(p.data / "guard/settings", "a") as settings:
        settings.write("inodes 60\n")
    p.start("--mode", "observe")
    as_user(GREEDY, greedy, lambda: holes(100, 200_000))
    p.until(lambda: p.status()["share_refused"] > 0)
    large = os.urandom(300_000)
    as_user(MODEST, modest, lambda: write("large", large))
    p.until(lambda: p.versions_of("large"))
    assert "newest copies of one user went" in p.words and f"user={GREEDY}" in p.words
    assert sum(1 for path in (p.store / "objects").rglob("*") if path.is_file()) <= 60
    comes_back(p, modest / "large", large)
    p.stop()
    p.verify()


def test_who_keeps_within_his_share_keeps_his_old_versions_too(place):
    p = place("ext4", 512 * MIB)
    greedy, modest = two_users(p)
    p.enroll("--quota", str(24 * MIB))
    p.start("--mode", "observe")
    states = [os.urandom(50_000) for _ in range(4)]
    for state in states:
        as_user(MODEST, modest, lambda content=state: write("work", content))
        p.settle()
    as_user(GREEDY, greedy, lambda: write(f"old of {GREEDY}", os.urandom(12 * MIB)))  # a file that was there before
    p.settle()
    as_user(GREEDY, greedy, lambda: [write(f"junk {n}", os.urandom(100_000)) for n in range(200)])
    p.until(lambda: p.status()["share_refused"] > 0)
    for n in range(8):
        as_user(MODEST, modest, lambda name=f"new {n}": write(name, os.urandom(1_000_000)))
        p.until(lambda name=f"new {n}": p.versions_of(name))
    assert len(p.versions_of("work")) == len(states)
    for n in range(8):
        assert p.versions_of(f"new {n}"), n
    as_user(GREEDY, greedy, lambda: write("one more", os.urandom(100_000)))
    p.settle()
    assert len(p.versions_of("work")) == len(states)
    p.stop()
    p.verify()
