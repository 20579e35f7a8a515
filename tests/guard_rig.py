"""A small file system of its own with a share on it, and a guard of that share: what the stories of safety stand on."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from exchange import LOOK, binary, patience

WITHIN = 60 * patience()  # seconds, for what takes one or two on a machine that is not busy
KINDS = {
    "ext4": ["mkfs.ext4", "-qF", "-m", "0"],
    "xfs": ["mkfs.xfs", "-qf", "-m", "reflink=1"],
    "btrfs": ["mkfs.btrfs", "-qf"],
}


def why_not():
    if os.geteuid() != 0:
        return "guarding needs root"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    return None


class Place:
    """The guard's words are in `words`; what it prints, and the commands' answers, are asserted on the way."""

    def __init__(self, folder, kind, size):
        self.folder, self.kind = folder, kind
        self.image, self.mount, self.data = folder / "image", folder / "mount", folder / "data"
        self.process = None
        self.mount.mkdir(parents=True)
        with open(self.image, "wb") as image:
            image.truncate(size)
        if shutil.which(KINDS[kind][0]) is None:
            pytest.skip(f"{KINDS[kind][0]} is not installed")
        subprocess.run([*KINDS[kind], self.image], check=True, capture_output=True)
        self.attach()
        self.share = self.mount / "share"
        self.share.mkdir()
        self.store = self.mount / ".breakwater-guard"

    def attach(self):
        """On a loop device that was not used for it before, so that it is another one to the guard."""
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mount], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount {self.kind} on a loop device: {done.stderr.strip()}")

    def detach(self):
        subprocess.run(["umount", self.mount], check=True)

    def close(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait(WITHIN)
        subprocess.run(["umount", "-l", self.mount], check=False, capture_output=True)

    # ---- commands -----------------------------------------------------------------------------

    def run(self, *words, env=None):
        """Its exit status, and all it said."""
        done = subprocess.run([binary(), "guard", *words, "--data", self.data], capture_output=True, text=True,
                              errors="replace", env={**os.environ, **(env or {})}, timeout=300 * patience())
        return done.returncode, done.stdout + done.stderr

    def guard(self, *words, status=0):
        got, said = self.run(*words)
        assert got == status, (words, got, said)
        return said

    def enroll(self, *more):
        time.sleep(0.1)  # what was written within a tick of its copy is copied once more
        return self.guard("enroll", self.share, "--quiet", *more)

    def verify(self):
        status, said = self.run("verify")
        assert status == 0, said

    # ---- the running guard ----------------------------------------------------------------------

    @property
    def words(self):
        path = self.folder / "words"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *more, env=None):
        with open(self.folder / "words", "a") as words:
            self.process = subprocess.Popen([binary(), "guard", "run", "--data", self.data, *more], text=True,
                                            stdout=subprocess.PIPE, stderr=words, env={**os.environ, **(env or {})})
        line = self.process.stdout.readline()
        assert "guard ready" in line, (line, self.words)
        self.settle()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(WITHIN) == 0, self.words
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait(WITHIN)
        self.process = None

    def worker(self, name):
        """Its process number."""
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                fields = (entry / "stat").read_text().rsplit(")", 1)
                if fields[0].endswith(f"(bw-{name}") and int(fields[1].split()[1]) == self.process.pid:
                    return int(entry.name)
        return None

    def kill_worker(self, name):
        before = self.worker(name)
        os.kill(before, signal.SIGKILL)
        self.until(lambda: self.worker(name) not in (None, before))

    def status(self):
        status, said = self.run("status", "--format", "json")
        assert status in (0, 1), said
        return json.loads(said[said.index("{"):])

    def settle(self):
        """All that was written is kept: nothing waits, and nothing has come for longer than a repeat waits."""
        seen, since = None, 0
        deadline = time.monotonic() + WITHIN
        while seen is None or time.monotonic() < since + 1.3:
            time.sleep(2 * LOOK)
            status = self.status()
            now = (status["versions"], status["refused"])
            waits = status["queued"] > 0 or status["enrolling"] > 0
            assert time.monotonic() < deadline, (status, self.words[-3000:])
            if waits or now != seen:
                seen, since = None if waits else now, time.monotonic()

    def until(self, claim, within=WITHIN):
        deadline = time.monotonic() + within
        while not claim():
            assert time.monotonic() < deadline, self.words[-3000:]
            time.sleep(LOOK)

    # ---- the catalogue ------------------------------------------------------------------------------

    def ask(self, sql, *values):
        with contextlib.closing(sqlite3.connect(f"file:{self.store}/catalogue.db?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()

    def versions_of(self, name):
        return self.ask("SELECT number, state, size FROM version WHERE name = ? ORDER BY number", os.fsencode(name))

    def kept(self):
        return self.ask("SELECT coalesce(sum(kept), 0) FROM version")[0][0]

    def in_packs(self):
        return sum(path.stat().st_blocks * 512 for path in (self.store / "packs").iterdir())


def rewrite(p, names, size, rounds):
    """Each round is a version of its own: the guard has kept it before the next begins."""
    for _ in range(rounds):
        for name in names:
            (p.share / name).write_bytes(os.urandom(size))
        p.settle()


@pytest.fixture
def place(tmp_path):
    made = []

    def make(kind, size=320 << 20):
        made.append(Place(tmp_path / f"{kind}{len(made)}", kind, size))
        return made[-1]

    yield make
    for one in made:
        one.close()
