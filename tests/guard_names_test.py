"""A file is known by the name people gave it, however it was made, and a culprit by what he runs and who he is."""

import contextlib
import datetime
import json
import os
import shutil
import sqlite3
import subprocess

import pytest
from guard_rig import WITHIN, place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

STRANGER = 48_713  # no user of this machine has this number


def link_open(fd, path):
    os.link(f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)  # without a folder it follows nothing


def save_nameless(folder, name, content, *, close_first=False):
    """As programs save that want nobody to see half a file. close_first: what was written is closed before it has a
    name."""
    fd = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o644)
    os.write(fd, content)
    if close_first:
        other = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
        os.close(fd)
        fd = other
    link_open(fd, folder / name)
    os.close(fd)


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def names_kept(p):
    return {os.fsdecode(name) for (name,) in p.ask("SELECT name FROM version UNION SELECT name FROM file")}


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_a_file_made_without_a_name_is_kept_under_the_one_it_got(place, kind):
    p = place(kind)
    outside = p.mount / "outside"
    outside.mkdir()
    contents = {"Ausflug nach 48.docx": os.urandom(5000), "saved.txt": b"saved\n" * 900, "late.txt": b"late\n" * 700,
                "from elsewhere.txt": b"elsewhere\n" * 500, "two names, one left.txt": b"left\n" * 600}
    (p.share / "Ausflug nach 48.docx").write_bytes(contents["Ausflug nach 48.docx"])
    p.enroll()
    p.start("--mode", "observe")
    save_nameless(p.share, "saved.txt", contents["saved.txt"])
    save_nameless(p.share, "late.txt", contents["late.txt"], close_first=True)
    fd = os.open(outside, os.O_TMPFILE | os.O_RDWR, 0o644)
    os.write(fd, contents["from elsewhere.txt"])
    link_open(fd, p.share / "from elsewhere.txt")
    os.close(fd)
    with open(p.share / "first name.txt", "wb") as file:
        file.write(contents["two names, one left.txt"])
        os.link(p.share / "first name.txt", p.share / "two names, one left.txt")
        (p.share / "first name.txt").unlink()
    nameless = os.open(p.share, os.O_TMPFILE | os.O_RDWR, 0o644)
    os.write(nameless, b"nobody's")
    os.close(nameless)
    (p.share / "linked 1.txt").write_bytes(b"once\n")
    for name in ("linked 2.txt", "linked 3.txt", "linked and gone.txt"):
        os.link(p.share / "linked 1.txt", p.share / name)
        contents[name] = b"written again under its second name\n" * 40
    p.settle()  # a name that is written through at once is noted by the next walk only
    (p.share / "linked 2.txt").write_bytes(contents["linked 2.txt"])
    p.settle()
    (p.share / "linked 3.txt").rename(p.share / "linked and renamed.txt")
    (p.share / "linked and gone.txt").unlink()
    del contents["linked 3.txt"], contents["linked and gone.txt"]
    contents["linked 1.txt"] = contents["linked and renamed.txt"] = contents["linked 2.txt"]
    p.until(lambda: all(p.versions_of(name) for name in contents if "linked" not in name))
    # what a restore brings back was made without a name as well
    (p.share / "Ausflug nach 48.docx").unlink()
    p.settle()
    p.guard("restore", "--file", p.share / "Ausflug nach 48.docx", "--yes")
    p.settle()
    at = now()
    for name in contents:
        (p.share / name).unlink()
    p.settle()
    assert not [name for name in names_kept(p) if name.startswith("#")], names_kept(p)
    p.guard("restore", "--tree", p.share, "--at", at, "--yes")
    assert {path.name: path.read_bytes() for path in p.share.iterdir()} == contents
    assert {(p.share / name).stat().st_ino for name in contents if name.startswith("linked")} == {
        (p.share / "linked 1.txt").stat().st_ino}, "its names are links of one file"
    assert (p.share / "linked 1.txt").stat().st_nlink == 3
    assert " good" in p.guard("versions", p.share / "saved.txt")
    p.stop()
    p.verify()


def test_files_that_get_their_names_by_the_hundred_are_all_kept(place):
    """More of them closed without a name than watch remembers; touched once named, they look like any new file."""
    p = place("ext4")
    p.enroll()
    p.start("--mode", "observe")
    waiting = []
    for _ in range(600):
        fd = os.open(p.share, os.O_TMPFILE | os.O_RDWR, 0o644)
        os.write(fd, b"one of many\n" * 20)
        waiting.append(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY))
        os.close(fd)
    for number, fd in enumerate(waiting):
        link_open(fd, p.share / f"many {number}")
        os.utime(fd)
        os.close(fd)
    named = "SELECT count(DISTINCT name) FROM version WHERE CAST(name AS TEXT) LIKE 'many %'"
    p.until(lambda: p.ask(named) == [(600,)])
    p.stop()
    p.verify()


def test_what_lies_in_a_snapshot_that_comes_is_kept_as_soon_as_it_comes(place):
    if shutil.which("btrfs") is None:
        pytest.skip("btrfs is not installed")
    p = place("btrfs", 400 << 20)

    def btrfs(*words):
        subprocess.run(["btrfs", "subvolume", *words], cwd=p.share, check=True, capture_output=True)

    btrfs("create", "sub")
    (p.share / "sub" / "known.txt").write_bytes(b"known\n" * 500)
    p.enroll()
    p.start("--mode", "observe")
    btrfs("snapshot", "sub", "snap")
    # a file of the snapshot's own that nobody has written to yet
    copies = ("SELECT count(*) FROM version v JOIN file f ON f.number = v.file JOIN folder d ON d.number = f.folder"
              " WHERE d.path = CAST('share/snap' AS BLOB)")
    p.until(lambda: p.ask(copies) == [(1,)])
    p.settle()
    (p.share / "snap" / "known.txt").unlink()
    p.settle()
    p.guard("restore", "--file", p.share / "snap" / "known.txt", "--yes")
    assert (p.share / "snap" / "known.txt").read_bytes() == b"known\n" * 500
    p.stop()
    p.verify()


def test_names_of_before_are_mended_when_the_guard_starts(place):
    p = place("ext4")
    (p.share / "Ausflug nach 48.docx").write_bytes(b"Ausflug\n" * 500)
    p.enroll()
    inode = (p.share / "Ausflug nach 48.docx").stat().st_ino
    with contextlib.closing(sqlite3.connect(p.store / "catalogue.db")) as db, db:
        db.execute("UPDATE version SET name = CAST(? AS BLOB)", (f"#{inode}",))
        db.execute("UPDATE file SET name = CAST(? AS BLOB)", (f"#{inode}",))
        db.execute("DELETE FROM setting WHERE name = 'named'")
    assert not p.versions_of("Ausflug nach 48.docx")
    p.start("--mode", "observe")
    p.until(lambda: p.versions_of("Ausflug nach 48.docx"))
    p.settle()
    at = now()
    (p.share / "Ausflug nach 48.docx").unlink()
    p.settle()
    p.guard("restore", "--tree", p.share, "--at", at, "--yes")
    assert [path.name for path in p.share.iterdir()] == ["Ausflug nach 48.docx"]
    assert (p.share / "Ausflug nach 48.docx").read_bytes() == b"Ausflug\n" * 500
    p.stop()


ATTACK = """
import os, sys
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    with open(path, "r+b") as file:
        file.write(os.urandom(os.stat(path).st_size))
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_who_destroyed_is_named_and_not_who_began_his_shell(place):
    p = place("ext4")
    for n in range(12):
        path = p.share / f"lesson {n}.txt"
        path.write_text(f"This is lesson {n}, and it was read by everybody in the class.\n" * 200)
        os.chown(path, STRANGER, STRANGER)
    p.share.chmod(0o777)
    p.enroll()
    p.start("--mode", "enforce")
    python = shutil.which("python3", path="/usr/bin:/bin")  # one that a stranger may run
    if python is None:
        pytest.skip("this machine has no Python of its own")
    name = os.path.basename(python)
    # a shell of root's stands between, and no session of his own; the folders above are not his to read
    begin = f'setpriv --reuid={STRANGER} --regid={STRANGER} --clear-groups {python} -c "$0" .; :'
    done = subprocess.run(["bash", "-c", begin, ATTACK], cwd=p.share, check=False, timeout=WITHIN, capture_output=True)
    assert b"Error" not in done.stderr and b"denied" not in done.stderr, done
    p.until(lambda: p.run("incidents")[0] == 1)
    p.until(lambda: list((p.data / "guard" / "incidents").rglob("page.txt")))
    told = json.loads(p.guard("explain", "--format", "json"))
    actor = told["records"][0]["actor"]
    assert actor["programs"][0]["program"] == name and actor["programs"][0]["uid"] == STRANGER, actor
    assert all(file["name"] for record in told["records"] for file in record["files"]), told
    said = p.guard("explain")
    assert f"'{name}' (process {actor['programs'][0]['pid']}, user {STRANGER})" in said, said
    assert "Samba" not in said, said
    assert f"'{name}'" in next(line for line in p.words.splitlines() if "files are being destroyed" in line)
    folder = next((p.data / "guard" / "incidents").rglob("page.txt")).parent
    page = " ".join((folder / "page.txt").read_text().split())
    assert f"'{name}'" in page and f"user number {STRANGER}" in page, page
    duties = (folder / "duties.txt").read_text()
    assert f"User, by number: {STRANGER}" in duties and f"Program: {name}" in duties, duties
    for whose in (str(STRANGER), name):
        assert "lesson 0.txt" in p.guard("restore", "--actor", whose, "--dry-run")
    p.guard("restore", "--actor", name, "--yes")
    assert all("was read by everybody" in path.read_text() for path in p.share.iterdir())
    p.stop()
