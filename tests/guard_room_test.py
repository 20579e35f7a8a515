"""Room: full file systems and packs, on ext4, XFS and Btrfs of their own."""

import errno
import os
import sqlite3
import time

import pytest
from exchange import patience
from guard_rig import KINDS, WITHIN, place, rewrite, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

MIB = 1 << 20
kinds = pytest.mark.parametrize("kind", KINDS)


def fill_up(path, most=1 << 30):
    """A user who writes until the file system is full, and tries again until nothing comes for a while; how much he got."""
    got = 0
    deadline = time.monotonic() + 12 * patience()
    chunk = os.urandom(MIB)
    with open(path, "wb", buffering=0) as file:
        while got < most and time.monotonic() < deadline:
            try:
                got += file.write(chunk)
                if got % (8 * MIB) == 0:
                    os.fsync(file.fileno())
                deadline = time.monotonic() + 12 * patience()
            except OSError as full:
                assert full.errno == errno.ENOSPC
                time.sleep(0.1)
    return got


def grab(path, most=1 << 30):
    """A program that takes the file system to its last block at once, and whatever comes free for some seconds."""
    got, step = 0, 8 * MIB
    deadline = time.monotonic() + 3 * patience()
    with open(path, "wb", buffering=0) as file:
        while got < most and time.monotonic() < deadline:
            try:
                os.posix_fallocate(file.fileno(), got, step)
                got += step
            except OSError as full:
                assert full.errno == errno.ENOSPC
                if step == 4096:
                    time.sleep(0.01)
                step = step // 2 if step > 4096 else 256 * 1024
    return got


def free_bytes(p):
    status = os.statvfs(p.mount)
    return status.f_bavail * status.f_frsize


def pin(p, names, incident):
    """As keep does it for the judge: what stood before an incident belongs to it."""
    db = sqlite3.connect(p.store / "catalogue.db")
    for name in names:
        number = db.execute("SELECT min(number) FROM version WHERE name = ?", (os.fsencode(name),)).fetchone()[0]
        db.execute("INSERT INTO pin VALUES(?, ?)", (incident, number))
        db.execute("UPDATE version SET incident = ? WHERE number = ?", (incident, number))
    db.commit()
    db.close()


@kinds
def test_when_a_volume_fills_old_history_goes_and_users_get_its_room(place, kind):
    p = place(kind, 512 * MIB)
    names = [f"film {n}" for n in range(20)]
    for name in names:
        (p.share / name).write_bytes(os.urandom(MIB))
    p.enroll("--quota", str(300 * MIB))
    p.start("--mode", "observe")
    rewrite(p, names, MIB, 4)
    history = sum(size for name in names for _, _, size in p.versions_of(name)[:-1])
    assert history == 80 * MIB
    before = free_bytes(p)
    got = fill_up(p.mount / "a user's own")
    assert got > before + history // 2, (got >> 20, before >> 20, p.words[-2000:])
    p.settle()
    assert "old versions went for room" in p.words and "nearly full" in p.words
    for name in names:  # what stands there has its copy still
        assert p.versions_of(name), name
    assert p.process.poll() is None, p.words[-2000:]
    assert "keep ends" not in p.words, p.words[-2000:]
    os.unlink(p.mount / "a user's own")
    (p.share / "after").write_bytes(b"kept again")
    p.until(lambda: p.versions_of("after"))
    p.stop()
    p.verify()


@kinds
def test_when_the_last_block_is_taken_at_once_nothing_ends_and_nothing_is_lost(place, kind):
    p = place(kind, 512 * MIB)
    names = [f"film {n}" for n in range(20)]
    for name in names:
        (p.share / name).write_bytes(os.urandom(MIB))
    p.enroll("--quota", str(300 * MIB))
    p.start("--mode", "observe")
    rewrite(p, names, MIB, 2)
    grab(p.mount / "a program's own")
    p.settle()
    assert "keep ends" not in p.words, p.words[-2000:]
    for name in names:
        assert p.versions_of(name), name
    os.unlink(p.mount / "a program's own")
    (p.share / "after").write_bytes(b"kept again")
    p.until(lambda: p.versions_of("after"))
    p.until(lambda: p.words.count("no block left") == p.words.count("what waited for room is written down"))
    p.stop()
    p.verify()
    p.start("--mode", "observe")
    p.stop()
    assert "content is gone" not in p.words, p.words[-2000:]


@kinds
def test_what_an_open_incident_pinned_outlives_a_full_volume(place, kind):
    p = place(kind, 512 * MIB)
    names = [f"film {n}" for n in range(20)]
    first = {}
    for name in names:
        first[name] = os.urandom(MIB)
        (p.share / name).write_bytes(first[name])
    p.enroll("--quota", str(300 * MIB))
    pinned = names[:5]
    pin(p, pinned, 4711)
    p.start("--mode", "observe")
    rewrite(p, names, MIB, 3)
    fill_up(p.mount / "a user's own")
    p.settle()
    assert "old versions went for room" in p.words
    for name in pinned:
        assert p.ask("SELECT count(*) FROM version WHERE name = ? AND incident = 4711", os.fsencode(name))[0][0] == 1
    assert sum(len(p.versions_of(name)) for name in names[5:]) < 15 * 4
    p.stop()
    os.unlink(p.mount / "a user's own")
    p.verify()


@kinds
def test_room_in_packs_comes_back_and_every_version_that_stays_is_whole(place, kind):
    p = place(kind, 512 * MIB)
    stays = [f"stays {n}" for n in range(40)]
    for name in stays:
        (p.share / name).write_bytes(os.urandom(20_000))
    p.enroll("--quota", str(20 * MIB))
    p.start("--mode", "observe")
    goes = [f"goes {n}" for n in range(100)]
    rewrite(p, goes, 60_000, 6)
    p.until(lambda: p.kept() <= 20 * MIB)
    p.until(lambda: p.in_packs() <= 30 * MIB, 2 * WITHIN)
    for name in stays + goes:
        assert p.versions_of(name), name
    p.verify()  # beside the guard that tidies
    p.stop()
    p.verify()
