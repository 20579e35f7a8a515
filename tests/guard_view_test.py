"""Previous versions through a real Samba and on the machine itself: what was there is there, for those who may see it."""

import hashlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import stat
import subprocess
import time

import pytest
from exchange import binary, patience
from samba_rig import Rig, has_module, run, wait_for, why_not

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=f"no Samba rig: {why_not()}"),
    pytest.mark.skipif(not has_module("shadow_copy2"), reason="this Samba has no shadow_copy2: samba-vfs-modules"),
    pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no FUSE here"),
    pytest.mark.skipif(shutil.which("setfacl") is None, reason="setfacl is not installed"),
]

ANNA, BEN = "bwviewa", "bwviewb"  # nobody else's: stories may run side by side
CONFIG = """\
vfs objects = shadow_copy2
shadow:mountpoint = /
shadow:basedir = /
shadow:snapdir = {view}
shadow:sort = desc
shadow:format = @GMT-%Y.%m.%d-%H.%M.%S
shadow:localtime = no
"""
BIG = os.urandom(1 << 20) * 3


def write(path, content, owner, mode):
    path.write_bytes(content)
    os.chown(path, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    path.chmod(mode)


def guard(data, *words, status=0):
    done = subprocess.run([binary(), "--data", data, "guard", *words], capture_output=True, text=True, check=False)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout


def next_minute():
    time.sleep(61 - time.time() % 60)


class World:
    """A guarded share with a Samba, and a view of it."""

    def __init__(self, folder):
        self.folder = folder
        self.volume = folder / "volume"
        self.share = self.volume / "share"
        self.view = folder / "view"
        self.data = folder / "data"
        for made in (self.volume, self.view):
            made.mkdir()
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(parent.stat().st_mode | 0o011)  # the users of the share pass through
        run("truncate", "-s", "256M", folder / "image")
        run("mkfs.ext4", "-q", folder / "image")
        if subprocess.run(["mount", "-o", "loop", folder / "image", self.volume], check=False,
                          capture_output=True).returncode != 0:
            pytest.skip("no loop devices here")

    def fill(self):
        share = self.share
        share.mkdir()
        share.chmod(0o777)
        write(share / "doc.txt", b"the old words", ANNA, 0o666)
        write(share / "gone.txt", b"was here", ANNA, 0o644)
        write(share / "big.bin", BIG, ANNA, 0o644)
        write(share / "tight.txt", b"seen by all once", ANNA, 0o644)
        write(share / "listed.txt", b"for ben too", ANNA, 0o600)
        write(share / "unlisted.txt", b"for ben once", ANNA, 0o600)
        write(share / os.fsdecode(b"odd \xff\n name"), b"odd", ANNA, 0o644)
        os.symlink("doc.txt", share / "link")
        os.setxattr(share / "doc.txt", "user.note", b"a note")
        for name in ("listed.txt", "unlisted.txt"):
            run("setfacl", "-m", f"u:{BEN}:r", share / name)
        for name, mode in (("private", 0o700), ("closed later", 0o755), ("emptied", 0o755)):
            (share / name).mkdir()
            write(share / name / "inside.txt", name.encode(), ANNA, 0o644)
            os.chown(share / name, pwd.getpwnam(ANNA).pw_uid, pwd.getpwnam(ANNA).pw_gid)
            (share / name).chmod(mode)

    def change(self):
        share = self.share
        self.before = time.strftime("@GMT-%Y.%m.%d-%H.%M.00", time.gmtime())
        (share / "doc.txt").write_bytes(b"the new words")
        (share / "gone.txt").unlink()
        (share / "tight.txt").chmod(0o600)
        (share / "closed later").chmod(0o700)
        (share / "emptied" / "inside.txt").unlink()
        run("setfacl", "-b", share / "unlisted.txt")
        assert wait_for(lambda: len(json.loads(guard(self.data, "versions", share / "doc.txt", "--format", "json"))) == 2)

    def start_guard(self):
        with open(self.folder / "log", "ab") as log:
            self.guard = subprocess.Popen([binary(), "--data", self.data, "guard", "run", "--mode", "observe"],
                                          stdout=subprocess.PIPE, stderr=log, text=True)
        assert "guard ready" in self.guard.stdout.readline(), self.words()
        assert wait_for(self.is_enrolled)  # what a walk and an event both bring is kept twice

    def is_enrolled(self):
        done = subprocess.run([binary(), "--data", self.data, "guard", "status", "--format", "json"],
                              capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        status = json.loads(done.stdout)
        return status["rescans"] > 0 and status["enrolling"] == 0

    def start_view(self):
        with open(self.folder / "log", "ab") as log:
            self.viewer = subprocess.Popen([binary(), "--data", self.data, "guard", "view", "--mount", self.view],
                                           stdout=subprocess.PIPE, stderr=log, text=True)
        first = self.viewer.stdout.readline()
        assert "previous versions at" in first, self.words()
        text = ""
        while "shadow:localtime" not in text:
            text += self.viewer.stdout.readline()
        return text

    def then(self, *names):
        """Where the view has what stood there before it was changed."""
        return pathlib.Path(f"{self.view}/{self.before}{self.share}", *names)

    def words(self):
        return (self.folder / "log").read_text(errors="replace")

    def close(self):
        for process in (getattr(self, "viewer", None), getattr(self, "guard", None)):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(30 * patience())
        subprocess.run(["umount", "-l", self.view], check=False, capture_output=True)
        subprocess.run(["umount", "-l", self.volume], check=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("view"))
    try:
        world.share.mkdir()
        with Rig(world.folder / "rig", world.share, users=[ANNA, BEN], clients=4,
                 more=CONFIG.format(view=world.view)) as rig:
            world.share.rmdir()
            world.fill()
            guard(world.data, "enroll", world.share)
            world.start_guard()
            said = [line.strip() for line in world.start_view().splitlines()]
            assert [line for line in said if " = " in line] == CONFIG.format(view=world.view).splitlines()
            next_minute()
            world.change()
            world.rig = rig
            yield world
    finally:
        world.close()


def as_user(user, *words):
    """What it says, or None when it is refused."""
    done = subprocess.run(["setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", *words],
                          capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def sha(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def test_what_was_there_is_there_byte_by_byte(world):
    assert world.then("doc.txt").read_bytes() == b"the old words"
    assert world.then("gone.txt").read_bytes() == b"was here"
    assert sha(world.then("big.bin")) == hashlib.sha256(BIG).hexdigest()
    assert world.then(os.fsdecode(b"odd \xff\n name")).read_bytes() == b"odd"
    assert os.readlink(world.then("link")) == "doc.txt"
    assert os.getxattr(world.then("doc.txt"), "user.note") == b"a note"
    assert {"doc.txt", "gone.txt", "big.bin", "link", "private", "emptied"} <= set(os.listdir(world.then()))
    assert os.listdir(world.then("emptied")) == ["inside.txt"]
    with open(world.then("big.bin"), "rb") as file:
        file.seek(len(BIG) - 10)
        assert file.read(100) == BIG[-10:]


def test_a_moment_is_listed_once_something_was_taken_and_any_may_be_asked_for(world):
    moments = os.listdir(world.view)
    assert world.before in moments
    assert all(name.startswith("@GMT-") for name in moments)
    assert len(moments) == len(set(moments)) < 512
    assert not (world.view / "@GMT-2001.01.01-00.00.00" / str(world.share)[1:] / "doc.txt").exists()
    assert not (world.view / "@GMT-2099.01.01-00.00.00").exists()
    assert not (world.view / "latest").exists()


def test_nobody_can_write_there(world):
    for act in (lambda: world.then("doc.txt").write_bytes(b"x"), lambda: world.then("gone.txt").unlink(),
                lambda: world.then("new").touch(), lambda: world.then("doc.txt").chmod(0o777)):
        with pytest.raises(OSError):
            act()
    assert stat.S_IMODE(world.then("doc.txt").stat().st_mode) == 0o444


def test_who_may_not_see_the_file_or_a_folder_above_does_not_see_its_versions(world):
    def both(*names):
        return as_user(ANNA, "cat", world.then(*names)), as_user(BEN, "cat", world.then(*names))

    assert both("doc.txt") == (b"the old words", b"the old words")
    assert both("private", "inside.txt") == (b"private", None)
    assert both("closed later", "inside.txt") == (b"closed later", None), "a folder closed today is closed then"
    assert both("tight.txt") == (b"seen by all once", None), "rights that were taken away are taken away"
    assert both("listed.txt") == (b"for ben too", b"for ben too"), "access control lists count"
    assert both("unlisted.txt") == (b"for ben once", None)
    assert as_user(BEN, "ls", world.then("private")) is None


def connected(rig, user, client):
    """A session that has been let in: a server with much to do may reset a connection before it is one."""
    made = []

    def is_in():
        made.append(rig.session(user, client))
        if "NT_STATUS_CONNECTION_RESET" not in made[-1].say("pwd"):
            return True
        made.pop().close()
        return False

    assert wait_for(is_in), rig.words()
    return made[-1]


def test_a_samba_client_sees_previous_versions_and_only_its_own(world):
    got = world.folder / "got"
    with connected(world.rig, ANNA, 2) as anna, connected(world.rig, BEN, 3) as ben:
        said = anna.say("allinfo doc.txt")
        assert world.before in said, (said, world.rig.words())
        listing = anna.say(f"ls {world.before}/*")
        assert "gone.txt" in listing and "private" in listing, listing
        for name, content in (("doc.txt", b"the old words"), ("gone.txt", b"was here"),
                              ("private/inside.txt", b"private"), ("big.bin", BIG)):
            anna.say(f"get {world.before}/{name} {got}")
            assert got.read_bytes() == content, name
            got.unlink()
        ben.say(f"get {world.before}/doc.txt {got}")
        assert got.read_bytes() == b"the old words"
        got.unlink()
        for name in ("private/inside.txt", "tight.txt", "closed later/inside.txt", "unlisted.txt"):
            said = ben.say(f'get "{world.before}/{name}" {got}')
            assert "ACCESS_DENIED" in said and not got.exists(), (name, said)
        assert "ACCESS_DENIED" in ben.say(f"ls {world.before}/private/*")
        refused = anna.say(f"del {world.before}/doc.txt")
        assert "NT_STATUS" in refused, refused


def test_the_store_itself_stays_closed(world):
    assert as_user(BEN, "ls", world.volume / ".breakwater-guard") is None
    assert not pathlib.Path(f"{world.view}/{world.before}{world.volume}/.breakwater-guard").exists()
    assert os.listdir(f"{world.view}/{world.before}{world.volume}") == ["share"]


def test_a_killed_view_is_put_up_again_and_a_stopped_one_leaves_nothing(world):
    os.kill(world.viewer.pid, signal.SIGKILL)
    world.viewer.wait()
    world.start_view()
    assert world.then("doc.txt").read_bytes() == b"the old words"
    world.viewer.terminate()
    assert world.viewer.wait(30 * patience()) == 0
    assert not os.path.ismount(world.view)
    assert os.listdir(world.view) == []
    assert "is guarded itself" in guard_refuses(world, world.share)
    world.start_view()


def guard_refuses(world, folder):
    done = subprocess.run([binary(), "--data", world.data, "guard", "view", "--mount", folder], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 3
    return done.stderr
