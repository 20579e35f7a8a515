"""After a restore everything is as it was: folders, links, holes, attributes; and what the attacker left lies aside."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time

import pytest
from exchange import binary, patience
from guard_second_test import worker
from guard_restore_test import WITHIN, Server, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

# what one attacker does: encrypts in place and renames, copies and deletes, removes and renames folders, leaves notes
ATTACK = """
import os, sys, time
os.setsid()
top = os.fsencode(sys.argv[1])
pause = float(sys.argv[2])

def spoil(path):
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.write(os.urandom(min(size, 1 << 20)))

def note(folder):
    with open(os.path.join(folder, b"READ ME.txt"), "w") as file:
        file.write("your files are gone, pay us")

note(top)
os.chmod(os.path.join(top, b"deep", b"kept"), 0o777)
os.unlink(os.path.join(top, b"deep", b"kept", b"alone.bin"))
os.unlink(os.path.join(top, b"second name.txt"))
os.rmdir(os.path.join(top, b"deep", b"empty"))
os.unlink(os.path.join(top, b"link"))
os.unlink(os.path.join(top, b"caf\\xe9.txt"))
os.unlink(os.path.join(top, b"holes"))
for name in sorted(os.listdir(os.path.join(top, b"deep", b"gone"))):
    os.unlink(os.path.join(top, b"deep", b"gone", name))
os.rmdir(os.path.join(top, b"deep", b"gone"))
os.rename(os.path.join(top, b"deep", b"kept"), os.path.join(top, b"deep", b"kept.locked"))
note(os.path.join(top, b"deep"))
for name in sorted(n for n in os.listdir(top) if n.startswith(b"list ")):
    path = os.path.join(top, name)
    spoil(path)
    os.rename(path, path + b".locked")
    time.sleep(pause)
time.sleep(100)
"""


def describe(path):
    status = os.lstat(path)
    mode = status.st_mode
    about = [stat.S_IFMT(mode), stat.S_IMODE(mode), status.st_uid, status.st_gid, status.st_mtime_ns]
    if stat.S_ISLNK(status.st_mode):
        return [*about, os.readlink(path)]
    about.append(sorted((name, os.getxattr(path, name)) for name in os.listxattr(path)))
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            about += [file.read(), status.st_nlink]
    return about


def everything(top):
    """Every name below with all that makes it what it is; folders and `top` itself too."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(top)):
        found[folder] = describe(folder)
        for name in [*files, *folders]:
            found[os.path.join(folder, name)] = describe(os.path.join(folder, name))
    return found


def differences(before, after):
    return [
        (name, before.get(name, "was not there"), after.get(name, "is not there"))
        for name in sorted(set(before) | set(after))
        if before.get(name) != after.get(name)
    ]


def furnish(share):
    deep = share / "deep"
    for folder in (deep, deep / "gone", deep / "empty", deep / "kept"):
        folder.mkdir()
    for n in range(3):
        (deep / "gone" / f"old {n}.txt").write_text("words that nobody may lose, again and again " * 50)
    (deep / "kept" / "alone.bin").write_bytes(os.urandom(5000))
    (share / "first name.txt").write_text("one file with two names " * 100)
    os.link(share / "first name.txt", share / "second name.txt")
    os.symlink("deep/kept/../kept", share / "link")
    with open(os.fsencode(share) + b"/caf\xe9.txt", "w") as file:
        file.write("a name that is not UTF-8 " * 30)
    with open(share / "holes", "wb") as file:
        file.seek(8 << 20)
        file.write(b"the end of a long hole " * 20)
        file.truncate(16 << 20)
    os.setxattr(share / "list 1.txt", "user.colour", b"green\0blue")
    os.chmod(deep / "gone", 0o2775)
    os.chown(deep / "gone", 4711, 4712)
    os.setxattr(deep / "empty", "user.of", b"a folder")
    if shutil.which("setfacl") is not None:
        subprocess.run(["setfacl", "-m", "u:4713:rwx,d:g:4712:rx", deep / "gone"], check=True)
        subprocess.run(["setfacl", "-m", "u:4713:r", share / "list 2.txt"], check=True)
    for folder, when in ((deep / "gone", 1500000000), (deep / "empty", 1500000001), (deep / "kept", 1500000002),
                         (deep, 1500000003), (share, 1500000004)):
        os.utime(folder, (when, when))


@pytest.fixture(params=["ext4", "xfs", "btrfs"])
def server(request, tmp_path):
    made = Server(tmp_path, request.param)
    furnish(made.share)
    yield made
    made.close()


def attack(server, pause=0.01):
    return subprocess.Popen([sys.executable, "-c", ATTACK, server.share, str(pause)])


def attacked(server):
    """Enrolled, guarded, attacked, and the attacker is gone."""
    server.guard("enroll", str(server.share))
    server.start("--mode", "enforce")
    assert attack(server).wait(WITHIN) != 0, "the attacker was not stopped"
    server.until(lambda: server.status()["open"])
    time.sleep(2 * patience())  # the last of its acts


def test_everything_is_as_it_was_folders_links_holes_and_attributes(server):
    before = everything(server.share)
    blocks = os.lstat(server.share / "holes").st_blocks
    attacked(server)
    assert not (server.share / "deep" / "gone").exists() and (server.share / "READ ME.txt").exists()
    done = server.json("restore", "--incident", "last", "--yes")
    assert done["failed"] == 0 and done["folders_renamed"] == 1, done
    assert differences(before, everything(server.share)) == []
    assert os.lstat(server.share / "holes").st_blocks <= blocks + 64
    assert (server.share / "first name.txt").samefile(server.share / "second name.txt")
    again = server.json("restore", "--incident", str(done["incident"]), "--yes")
    assert (again["restored"], again["displaced"], again["failed"]) == (0, 0, 0), again
    assert differences(before, everything(server.share)) == []


def test_a_folder_whose_old_name_is_taken_is_told_and_left(server):
    attacked(server)
    deep = server.share / "deep"
    (deep / "kept").mkdir()
    (deep / "kept" / "since.txt").write_text("somebody needed such a folder at once")
    done = server.json("restore", "--incident", "last", "--yes", status=1)
    assert [row["path"] for row in done["files"] if "why" in row] == [str(deep / "kept.locked")], done
    assert "another one is called" in [row["why"] for row in done["files"] if "why" in row][0]
    assert (deep / "kept" / "since.txt").read_text() == "somebody needed such a folder at once"
    assert (deep / "kept.locked" / "alone.bin").stat().st_size == 5000, "what was in it is back all the same"
    assert server.status()["open"], "not all of it is done"
    (deep / "kept").rename(deep / "kept since")
    again = server.json("restore", "--incident", "last", "--yes")
    assert again["folders_renamed"] == 1 and (deep / "kept" / "alone.bin").exists(), again
    assert server.status()["open"] == []


SLOW_ATTACK = """
import os, sys
os.setsid()
top = sys.argv[1]
names = sorted(name for name in os.listdir(top) if name.startswith("list "))
for name in names[:5]:
    with open(os.path.join(top, name), "r+b") as file:
        file.write(os.urandom(os.fstat(file.fileno()).st_size))
sys.stdin.readline()
for name in names[5:9]:
    os.unlink(os.path.join(top, name))
print("done", flush=True)
sys.stdin.readline()
"""


def test_a_restore_waits_for_what_the_guard_has_not_judged_yet(tmp_path):
    server = Server(tmp_path, "ext4")
    try:
        before = server.all()
        server.guard("enroll", str(server.share))
        server.start("--mode", "observe")
        attacker = subprocess.Popen([sys.executable, "-c", SLOW_ATTACK, server.share], stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE, text=True)
        server.until(lambda: server.status()["open"])
        judge = worker(server.process.pid, "judge")
        os.kill(judge, signal.SIGSTOP)  # as on a machine that has no time for it
        try:
            attacker.stdin.write("\n")
            attacker.stdin.flush()
            assert attacker.stdout.readline() == "done\n"
            restore = subprocess.Popen([binary(), "guard", "restore", "--incident", "last", "--yes", "--data", server.data],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            time.sleep(1)
        finally:
            os.kill(judge, signal.SIGCONT)
        said = restore.communicate(timeout=WITHIN)[0]
        assert restore.returncode == 0, said
        assert server.all() == before, said
        attacker.communicate("\n", timeout=WITHIN)
    finally:
        server.close()


def test_what_others_made_and_called_otherwise_stays(server):
    before = everything(server.share)
    attacked(server)
    share = server.share
    spoilt = sorted(path for path in share.iterdir() if path.name.endswith(".locked"))
    assert spoilt
    (share / "mine.txt").write_text("made by somebody else after the attack")
    (share / "deep" / "READ ME.txt").write_text("somebody wrote his own words into the note")
    untouched = share / "list 99.txt"  # last in the attacker's order
    assert untouched.exists()
    untouched.rename(share / "marks of the year.txt")
    done = server.json("restore", "--incident", "last", "--yes")
    assert done["failed"] == 0, done
    assert (share / "mine.txt").read_text() == "made by somebody else after the attack"
    assert (share / "deep" / "READ ME.txt").read_text() == "somebody wrote his own words into the note"
    assert not (share / "READ ME.txt").exists()
    assert (share / "marks of the year.txt").read_bytes() == before[os.fsencode(untouched)][6]
    assert not untouched.exists()
    for path in spoilt:
        name = os.fsencode(path)[: -len(b".locked")]
        assert not path.exists() and describe(name) == before[name]


def test_a_restore_can_be_undone(server):
    attacked(server)
    before = everything(server.share)
    done = server.json("restore", "--incident", "last", "--yes")
    assert everything(server.share) != before
    aside = server.mount / ".breakwater-guard" / "displaced" / done["undo"]
    assert any(path.name.startswith("READ ME") for path in aside.iterdir())
    seen = server.json("restore", "--undo", done["undo"], "--dry-run")
    assert seen["failed"] == 0 and seen["undone"] > 0
    undone = server.json("restore", "--undo", "last", "--yes")
    assert undone["failed"] == 0, undone
    after = everything(server.share)
    changed = [row for row in differences(before, after) if row[1][1:4] != row[2][1:4] or row[1][5:] != row[2][5:]]
    assert changed == [], "contents, owners, modes"
