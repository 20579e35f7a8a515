"""Folders that lie deeper than a path can say are guarded like all others."""

import os

import pytest
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def deeper(folder, names):
    """An open folder below another one, made on the way."""
    for name in names:
        os.mkdir(name, dir_fd=folder)
        below = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    return folder


def write(folder, name, content):
    fd = os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644, dir_fd=folder)
    os.write(fd, content)
    os.close(fd)


def test_files_in_new_folders_too_deep_for_a_path_get_their_copies(place):
    p = place("ext4")
    names = [f"{n:02}" + 190 * "x" for n in range(24)]
    folder = deeper(os.open(p.share, os.O_RDONLY), names)
    write(folder, "old", b"of an earlier day")
    p.enroll()
    assert p.versions_of("old")
    p.start("--mode", "observe")
    write(folder, "old", b"changed since")
    p.until(lambda: len(p.versions_of("old")) == 2)
    folder = deeper(folder, ["new " + 190 * "y"])
    write(folder, "in a new folder", b"known to nobody")
    p.until(lambda: p.versions_of("in a new folder"))
    os.close(folder)
    p.stop()
    p.verify()
