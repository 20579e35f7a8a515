"""An attack on a guarded folder, and every byte back: on ext4, XFS and Btrfs of their own."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time

import pytest
from exchange import LOOK, binary, patience

WITHIN = 60 * patience()  # seconds, for what takes one on a machine that is not busy
FILES = 120

ATTACK = """
import os, sys, time
os.setsid()
names = sorted(n for n in os.listdir(sys.argv[1]) if n.endswith(".txt"))
for name in names:
    path = os.path.join(sys.argv[1], name)
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        f.write(os.urandom(size))
    os.rename(path, path + ".locked")
    time.sleep(float(sys.argv[2]))
"""


def why_not():
    if os.geteuid() != 0:
        return "guarding needs root"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    return None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


class Server:
    """A file system of its own with a share on it, and a guard."""

    def __init__(self, folder, kind):
        self.folder = folder
        self.mount = folder / "mount"
        self.mount.mkdir()
        self.data = folder / "data"
        self.process = None
        image = folder / "image"
        with open(image, "wb") as file:
            file.truncate(512 * 1024 * 1024)
        make = {"ext4": ["mkfs.ext4", "-qF"], "xfs": ["mkfs.xfs", "-qf", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-qf"]}
        if shutil.which(make[kind][0]) is None:
            pytest.skip(f"{make[kind][0]} is not installed")
        subprocess.run([*make[kind], image], check=True, capture_output=True)
        done = subprocess.run(["mount", "-o", "loop", image, self.mount], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")
        self.share = self.mount / "share"
        self.share.mkdir()
        chance = random.Random(kind)
        words = "the school keeps its lists of pupils and their marks in plain sentences like these".split()
        for n in range(FILES):
            text = " ".join(chance.choice(words) for _ in range(chance.randrange(200, 8000)))
            (self.share / f"list {n}.txt").write_text(text)
        os.chmod(self.share / "list 3.txt", 0o640)
        os.utime(self.share / "list 4.txt", (1600000000, 1600000000))
        os.chown(self.share / "list 5.txt", 12345, 54321)

    def guard(self, *words, status=0):
        done = subprocess.run([binary(), "guard", *words, "--data", self.data], capture_output=True, text=True)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def json(self, *words, status=0):
        return json.loads(self.guard(*words, "--format", "json", status=status))

    def start(self, *words):
        self.words = open(self.folder / "words", "a")
        self.process = subprocess.Popen(
            [binary(), "guard", "run", "--data", self.data, *words], stdout=subprocess.PIPE, stderr=self.words, text=True
        )
        line = self.process.stdout.readline()
        assert "guard ready" in line, (line, (self.folder / "words").read_text())
        self.until(lambda: self.is_enrolled(self.status()))

    @staticmethod
    def is_enrolled(status):
        return status["rescans"] > 0 and status["queued"] == 0 and status["enrolling"] == 0

    def status(self):
        done = subprocess.run(
            [binary(), "guard", "status", "--format", "json", "--data", self.data], capture_output=True, text=True
        )
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)

    def until(self, claim):
        deadline = time.monotonic() + WITHIN
        while not claim():
            assert time.monotonic() < deadline, (self.status(), (self.folder / "words").read_text())
            time.sleep(LOOK)

    def close(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(WITHIN)
        subprocess.run(["umount", self.mount], check=True)

    def all(self):
        """Every file with its bytes and what else makes it what it is."""
        found = {}
        for path in sorted(self.share.iterdir()):
            status = path.lstat()
            about = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
            found[path.name] = (hashlib.sha256(path.read_bytes()).hexdigest(), *about)
        return found


@pytest.fixture(params=["ext4", "xfs", "btrfs"])
def server(request, tmp_path):
    made = Server(tmp_path, request.param)
    yield made
    made.close()


def attack(server, pause=0.0):
    return subprocess.Popen([sys.executable, "-c", ATTACK, server.share, str(pause)])


def test_what_an_attack_destroyed_is_back_with_one_command(server):
    before = server.all()
    server.guard("enroll", str(server.share))
    server.start("--mode", "enforce")
    assert attack(server, 0.01).wait(WITHIN) != 0, "the attacker was not stopped"
    server.until(lambda: server.status()["open"])
    time.sleep(patience())  # the last record
    assert server.all() != before
    told = server.json("explain", "last")
    assert told["replays"] and told["records"][0]["files"]
    assert "explain" in server.guard("status", "--once", status=1)
    dry = server.json("restore", "--incident", "last", "--dry-run")
    assert dry["dry_run"] and dry["restored"] > 0 and dry["failed"] == 0
    assert server.all() != before, "a dry run changed something"
    done = server.json("restore", "--incident", "last", "--yes")
    assert done["failed"] == 0 and done["restored"] == dry["restored"]
    assert server.all() == before
    assert server.status()["open"] == []
    assert server.json("incidents")[0]["state"] == "closed"
    time.sleep(2 * patience())
    assert server.status()["open"] == [], "the restore was taken for an attack"
    server.guard("verify")


def test_a_folder_comes_back_as_it_was_also_without_a_guard(server):
    before = server.all()
    server.guard("enroll", str(server.share))
    time.sleep(0.01)
    assert attack(server).wait(WITHIN) == 0
    (server.share / "new.txt").write_text("written since")
    done = server.json("restore", "--tree", str(server.share), "--at", "0m", "--yes")
    assert done["failed"] == 0 and done["restored"] == FILES
    after = server.all()
    assert after.pop("new.txt")
    assert {name: after[name] for name in before} == before
    again = server.json("restore", "--tree", str(server.share), "--at", "0m", "--yes")
    assert again["restored"] == 0 and again["unchanged"] == FILES


def test_one_file_comes_back_in_the_version_that_was_chosen(server):
    name = server.share / "list 7.txt"
    first = name.read_bytes()
    server.guard("enroll", str(server.share))
    server.start("--mode", "observe")
    name.write_text("a second version of it")
    server.until(lambda: len(server.json("versions", str(name))) == 2)
    kept = server.json("versions", str(name))
    assert [version["size"] for version in kept] == [22, len(first)]
    name.unlink()
    server.json("restore", "--file", str(name), "--version", str(kept[1]["version"]), "--yes")
    assert name.read_bytes() == first
    server.guard("restore", "--file", str(name), "--version", "999999", "--yes", status=3)


def test_nothing_is_restored_when_nobody_confirms(server):
    server.guard("enroll", str(server.share))
    (server.share / "list 1.txt").write_text("changed")
    server.guard("restore", "--tree", str(server.share), "--at", "0m", status=2)
    server.guard("restore", status=2)
    server.guard("restore", "--incident", "last", "--yes", status=3)
    assert (server.share / "list 1.txt").read_text() == "changed"


def test_a_ledger_that_was_touched_is_found_and_kept_aside(server):
    server.guard("enroll", str(server.share))
    server.start()
    server.process.terminate()
    server.process.wait(WITHIN)
    server.guard("verify")
    ledger = server.data / "guard" / "ledger"
    spoilt = bytearray(ledger.read_bytes())
    spoilt[70] ^= 1
    ledger.write_bytes(spoilt)
    assert "DAMAGED" in server.guard("verify", status=1)
    assert not server.status()["ledger_whole"]
    server.start()
    assert [p for p in ledger.parent.iterdir() if p.name.startswith("ledger.damaged-")]
    server.guard("verify")
