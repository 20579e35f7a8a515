"""Quotas of bytes and inodes, on ext4, XFS and Btrfs of their own."""

import os

import pytest
from guard_rig import KINDS, WITHIN, place, rewrite, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

MIB = 1 << 20
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_a_quota_holds_and_what_found_no_room_is_taken_when_there_is_some(place, kind):
    p = place(kind, 512 * MIB)
    (p.share / "first").write_bytes(b"of an earlier day")
    p.enroll("--quota", str(24 * MIB))
    p.start("--mode", "observe")
    for n in range(400):  # packed on every file system
        (p.share / f"list {n:03}").write_bytes(os.urandom(100_000))
    p.settle()
    walks = p.status()["rescans"]
    p.settle()
    assert p.status()["rescans"] <= walks + 1  # a little is left: that is no reason to look for more again and again
    assert p.kept() <= 25 * MIB
    assert "a file gets no copy" in p.words and "no old version is left" in p.words
    assert p.status()["refused"] > 0
    without = [n for n in range(400) if not p.versions_of(f"list {n:03}")]
    assert without
    for n in range(400):
        if n not in without:
            os.unlink(p.share / f"list {n:03}")
    p.until(lambda: all(p.versions_of(f"list {n:03}") for n in without), 3 * WITHIN)
    assert "there is room again" in p.words
    assert p.kept() <= 25 * MIB
    p.stop()
    p.verify()


@kinds
def test_inodes_have_a_quota_of_their_own(place, kind):
    p = place(kind, 512 * MIB)
    (p.share / "first").write_bytes(b"of an earlier day")
    p.enroll("--quota", str(400 * MIB))
    with open(p.data / "guard/settings", "a") as settings:
        settings.write("inodes 30\n")
    p.start("--mode", "observe")
    names = [f"film {n}" for n in range(10)]
    rewrite(p, names, 200_000, 5)
    p.until(lambda: sum(1 for path in (p.store / "objects").rglob("*") if path.is_file()) <= 30)
    for name in names:
        assert p.versions_of(name), name
    assert "inodes are nearly used up" in p.words
    p.stop()
    p.verify()
