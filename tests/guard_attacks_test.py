"""Somebody without rights against the guard itself: its store, socket, settings, workers; and against a restore."""

import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from exchange import binary, patience
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

NOBODY, BOB = 65534, 4711


def child_of(uid, script, *words):
    """A Python program of that user, without any other group or capability."""
    return [
        "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
        sys.executable, "-c", textwrap.dedent(script), *map(str, words),
    ]


def as_user(uid, script, *words):
    done = subprocess.run(child_of(uid, script, *words), capture_output=True, text=True, timeout=60 * patience())
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def open_place(place, tmp_path):
    """A share that anybody may write, on a path that anybody may walk."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    made = place("ext4")
    made.share.chmod(0o777)
    for folder in [made.mount, *made.mount.parents]:
        if str(folder) not in ("/", "/tmp"):
            folder.chmod(folder.stat().st_mode | 0o711)
    return made


def outside(p):
    """A folder and a file of root's on the same file system, and how they are."""
    folder = p.mount / "etc"
    folder.mkdir(mode=0o700)
    secret = folder / "shadow"
    secret.write_text("root's own")
    secret.chmod(0o600)

    def look():
        return [
            (path.name, path.lstat().st_uid, path.lstat().st_mode, path.lstat().st_mtime_ns,
             path.read_bytes() if path.is_file() else sorted(os.listdir(path)))
            for path in (folder, secret)
        ]

    return secret, look


def test_nobody_gets_at_store_socket_settings_or_workers(open_place):
    p = open_place
    (p.share / "one").write_bytes(os.urandom(3000))
    p.enroll()
    p.start("--mode", "observe")
    workers = [pid for name in ("watch", "judge", "keep", "sampler", "scribe", "hand", "reporter", "witness", "sealer")
               if (pid := p.worker(name)) is not None]
    assert len(workers) >= 6
    said = as_user(
        NOBODY,
        """
        import os, pathlib, signal, socket, subprocess, sys
        store, data, program, *pids = sys.argv[1:]
        def attempt(what, act):
            try:
                act()
            except (PermissionError, ConnectionRefusedError):
                return
            except OSError as error:
                if error.errno in (1, 13):
                    return
                raise
            print("could", what)
        attempt("list the store", lambda: os.listdir(store))
        attempt("read the catalogue", lambda: open(store + "/catalogue.db").close())
        attempt("make a file in the store", lambda: open(store + "/mine", "w").close())
        attempt("remove the lock", lambda: os.unlink(store + "/lock"))
        attempt("open the store to others", lambda: os.chmod(store, 0o777))
        attempt("link to the catalogue", lambda: os.link(store + "/catalogue.db", "/tmp/never"))
        attempt("remove the store", lambda: os.rmdir(store))
        attempt("read the settings", lambda: open(data + "/guard/settings").close())
        attempt("write the settings", lambda: open(data + "/guard/settings", "a").close())
        attempt("list the data", lambda: os.listdir(data + "/guard"))
        def connect():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
                one.connect(data + "/guard/socket")
        attempt("connect", connect)
        for pid in map(int, pids):
            for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP, signal.SIGHUP, signal.SIGUSR1):
                attempt(f"signal {pid} {number}", lambda: os.kill(pid, number))
            attempt(f"read the memory of {pid}", lambda: open(f"/proc/{pid}/mem", "rb").close())
            attempt(f"see the files of {pid}", lambda: os.listdir(f"/proc/{pid}/fd"))
        for verb in (["status"], ["restore", "--incident", "last", "--yes"], ["approve", "last"], ["verify"], ["mend"],
                     ["unenroll", "--yes", "/"], ["exclude", "/"], ["run"]):
            done = subprocess.run([program, "guard", *verb, "--data", data], capture_output=True, text=True)
            if done.returncode != 3:
                print("could", verb, done.returncode, done.stdout, done.stderr)
        """,
        p.store, p.data, binary(), p.process.pid, *workers,
    )
    assert said == "", said
    assert p.process.poll() is None and p.worker("keep") in workers
    p.verify()
    p.stop()


def test_a_stranger_whose_connection_reaches_the_socket_is_not_answered(open_place):
    p = open_place
    (p.share / "one").write_bytes(b"one")
    p.enroll()
    p.start("--mode", "observe")
    for folder in (p.data, p.data / "guard"):
        folder.chmod(0o755)
    (p.data / "guard" / "socket").chmod(0o777)  # what root should never do: the guard asks the kernel who is there
    said = as_user(
        NOBODY,
        """
        import socket, sys
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as one:
            one.settimeout(20)
            one.connect(sys.argv[1])
            try:
                one.sendall(bytes(64))
                print(one.recv(100))
            except (ConnectionResetError, BrokenPipeError):
                print(b"")
        """,
        p.data / "guard" / "socket",
    )
    assert said.strip() == "b''"
    for folder in (p.data / "guard", p.data):
        folder.chmod(0o700)
    p.stop()


def test_a_store_that_was_renamed_is_found_again(open_place):
    p = open_place
    (p.share / "one").write_bytes(b"the only words")
    p.enroll()
    p.mount.chmod(0o777)  # a share that is a file system of its own
    hide = """
        import os, sys
        os.rename(sys.argv[1], sys.argv[1] + "-x")
        if sys.argv[2] == "instead":
            os.mkdir(sys.argv[1])
        """
    for what in ("away", "instead"):
        as_user(NOBODY, hide, p.store, what)
        (p.share / "one").write_bytes(b"spoiled")
        p.guard("restore", "--file", p.share / "one", "--yes")
        assert (p.share / "one").read_bytes() == b"the only words"
        p.verify()
        assert p.store.stat().st_uid == 0
    as_user(NOBODY, hide, p.store, "away")
    p.start("--mode", "observe")
    p.verify()
    p.stop()


# ---- what stands in the way of a restore -------------------------------------------------------------------


def restore(p, *words, status=0):
    got, said = p.run("restore", *words, "--yes")
    assert got == status, said
    return said


def test_a_folder_that_became_a_link_leads_a_restore_nowhere(open_place):
    p = open_place
    secret, look = outside(p)
    before = look()
    os.mkdir(p.share / "mine")
    (p.share / "mine" / "shadow").write_text("a user's own words")
    p.enroll()
    shutil.rmtree(p.share / "mine")
    os.symlink(secret.parent, p.share / "mine")
    got, said = p.run("restore", "--file", p.share / "mine" / "shadow", "--yes")
    assert got != 0, said
    got, said = p.run("restore", "--tree", p.share, "--at", "0m", "--yes")
    assert look() == before


IN_THE_PLACE = {
    "hard link": os.link,  # as an attacker may where fs.protected_hardlinks is off
    "link": os.symlink,
    "fifo": lambda secret, path: os.mkfifo(path),
    "device": lambda secret, path: os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(7, 250)),
    "folder": lambda secret, path: os.mkdir(path),
}


def test_what_was_put_in_the_place_of_a_file_is_neither_opened_nor_written(open_place):
    p = open_place
    secret, look = outside(p)
    for what in IN_THE_PLACE:
        (p.share / what).write_text("a user's own words, kept")
        os.chown(p.share / what, NOBODY, NOBODY)
    p.enroll()
    for what, put in IN_THE_PLACE.items():
        path = p.share / what
        path.unlink()
        put(secret, path)
        before = look()
        restore(p, "--file", path, status=1 if what == "folder" else 0)
        assert look() == before, what
        if what != "folder":
            assert path.read_text() == "a user's own words, kept" and path.stat().st_uid == NOBODY
            assert path.stat().st_nlink == 1
    assert secret.stat().st_nlink == 2  # its other name lies aside


def test_another_users_file_does_not_change_hands_by_a_restore(open_place):
    p = open_place
    mine, bobs = p.share / "mine.sh", p.share / "bobs.sh"
    for path, owner in ((mine, NOBODY), (bobs, BOB)):
        path.write_text("everybody knows these words")
        os.chown(path, owner, owner)
    (p.mount / "home").mkdir(mode=0o700)
    os.link(bobs, p.mount / "home" / "bobs.sh")
    bobs.chmod(0o700)
    p.enroll()
    as_user(NOBODY, "import os, sys; os.unlink(sys.argv[1]); os.rename(sys.argv[2], sys.argv[1])", mine, bobs)
    restore(p, "--file", mine)
    assert mine.stat().st_uid == NOBODY
    home = (p.mount / "home" / "bobs.sh").stat()
    assert home.st_uid == BOB and stat.S_IMODE(home.st_mode) == 0o700
    p.run("restore", "--undo", "last", "--yes")
    home = (p.mount / "home" / "bobs.sh").stat()
    assert home.st_uid == BOB and stat.S_IMODE(home.st_mode) == 0o700


def test_another_users_folder_does_not_change_hands_by_a_restore(open_place):
    p = open_place
    mine, bobs = p.share / "mine", p.share / "bobs"
    for path, owner in ((mine, NOBODY), (bobs, BOB)):
        path.mkdir(mode=0o700)
        (path / "inside.txt").write_text(f"of {owner}")
        os.chown(path / "inside.txt", owner, owner)
        os.chown(path, owner, owner)
    p.enroll()
    time.sleep(1.1)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    as_user(
        NOBODY,
        "import os, shutil, sys; shutil.rmtree(sys.argv[1]); os.rename(sys.argv[2], sys.argv[1])", mine, bobs,
    )
    p.run("restore", "--tree", p.share, "--at", at, "--yes")
    bob_inside = [path for path in (mine, bobs) if path.exists() and path.stat().st_uid == BOB]
    assert bob_inside, [(path, path.stat().st_uid) for path in p.share.iterdir()]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in bob_inside)


RACE = """
import os, random, sys, time
share, secret, outside = sys.argv[1:]
names = [os.path.join(share, f"file {n}") for n in range(6)]
folder, link, spare = (os.path.join(share, name) for name in ("deep", "link", "spare"))
os.symlink(outside, link)
chance = random.Random(1)
while True:
    try:
        for name in os.listdir(share):
            if name.startswith(".breakwater-restore") and chance.random() < 0.5:
                path = os.path.join(share, name)
                os.rename(path, path + "x")
                os.symlink(secret, path)
        name = chance.choice(names)
        what = chance.random()
        if what < 0.3:
            os.unlink(name)
            os.symlink(secret, name)
        elif what < 0.5:
            os.unlink(name)
            os.mkfifo(name)
        elif what < 0.7:
            os.unlink(name)
        else:
            os.rename(folder, spare)
            os.rename(link, folder)
            os.rename(folder, link)
            os.rename(spare, folder)
    except OSError:
        for a, b in ((spare, folder),):
            try:
                os.rename(a, b)
            except OSError:
                pass
"""


def test_names_that_change_under_a_restore_lead_it_nowhere(open_place):
    p = open_place
    secret, look = outside(p)
    (p.share / "deep").mkdir()
    os.chown(p.share / "deep", NOBODY, NOBODY)
    contents = {}
    for n in range(6):
        for folder in (p.share, p.share / "deep"):
            path = folder / f"file {n}"
            path.write_bytes(os.urandom(200_000 if n == 0 else 2000))
            os.chown(path, NOBODY, NOBODY)
            contents[path] = path.read_bytes()
    os.symlink("file 1", p.share / "a link")
    os.lchown(p.share / "a link", NOBODY, NOBODY)
    p.enroll()
    before = look()
    racer = subprocess.Popen(child_of(NOBODY, RACE, p.share, secret, secret.parent), stderr=subprocess.DEVNULL)
    try:
        for _ in range(5):
            p.run("restore", "--tree", p.share, "--at", "0m", "--yes")
            assert racer.poll() is None
            assert look() == before
    finally:
        racer.kill()
        racer.wait()
    for path in list(p.share.iterdir()):  # what the race left behind, wherever it was ended
        if path.is_symlink() and os.readlink(path) in (str(secret), str(secret.parent)):
            path.unlink()
    for path in list(p.share.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name != "deep":
            path.rename(p.share / "deep")
    got, said = p.run("restore", "--tree", p.share, "--at", "0m", "--yes")
    assert got == 0, said
    assert {path: path.read_bytes() for path in contents} == contents
    assert look() == before
    p.verify()
