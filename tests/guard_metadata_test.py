"""What a file is besides its bytes, and its names, are kept while the guard runs: on ext4, XFS and Btrfs of their own."""

import os

import pytest
from guard_rig import KINDS, place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

kinds = pytest.mark.parametrize("kind", KINDS)


def metas(p, name):
    return [bytes(row[0]) for row in p.ask("SELECT meta FROM version WHERE name = ? ORDER BY number", os.fsencode(name))]


@kinds
def test_modes_owners_and_attributes_are_versions_of_their_own(place, kind):
    p = place(kind)
    (p.share / "list").write_bytes(b"who may read this")
    os.chmod(p.share / "list", 0o640)
    p.enroll()
    p.start("--mode", "observe")
    assert len(metas(p, "list")) == 1
    os.chmod(p.share / "list", 0o600)
    p.until(lambda: len(metas(p, "list")) == 2)
    os.chown(p.share / "list", 1234, 4321)
    p.until(lambda: len(metas(p, "list")) == 3)
    os.setxattr(p.share / "list", "user.note", b"of the guard")
    p.until(lambda: any(b"of the guard" in meta for meta in metas(p, "list")))
    os.utime(p.share / "list", (1_600_000_000, 1_600_000_000))
    p.until(lambda: len(metas(p, "list")) == 5)
    before = metas(p, "list")
    assert len(set(before)) == 5, "each differs from the one before"
    p.stop()
    p.verify()


@kinds
def test_new_links_of_both_kinds_are_kept_at_once(place, kind):
    p = place(kind)
    (p.share / "one").write_bytes(b"two names")
    p.enroll()
    p.start("--mode", "observe")
    os.link(p.share / "one", p.share / "two")
    os.symlink("/etc/passwd", p.share / "points away")
    p.until(lambda: p.versions_of("two") and p.versions_of("points away"))
    assert b"/etc/passwd" in metas(p, "points away")[0]
    os.unlink(p.share / "one")
    (p.share / "two").write_bytes(b"still guarded")
    p.until(lambda: len(p.versions_of("two")) >= 2)
    p.stop()
    p.verify()
