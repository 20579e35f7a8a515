"""What no window shows is seen at the second look; and a judge whose peers are gone does not spin."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import zipfile

import pytest
from guard_restore_test import Server, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

KEPT = 32 * 1024  # at either end, more than the guard reads of them

# The middle of packed files, and nothing else: their framing stays.
ATTACK = """
import os, sys, time
os.setsid()
for name in sorted(os.listdir(sys.argv[1])):
    if not name.endswith(".zip"):
        continue
    path = os.path.join(sys.argv[1], name)
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        f.seek(int(sys.argv[2]))
        f.write(os.urandom(size - 2 * int(sys.argv[2])))
    time.sleep(0.5)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path, "ext4")
    chance = random.Random(7)
    for number in range(8):
        with zipfile.ZipFile(server.share / f"pictures {number}.zip", "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("one.bin", chance.randbytes(300_000))
            made.writestr("two.txt", "the lists of pupils and their marks " * 3000)
    yield server
    server.close()


def test_the_middle_of_packed_files_is_seen_and_comes_back(server):
    server.guard("enroll", server.share)
    before = {path.name: path.read_bytes() for path in server.share.glob("*.zip")}
    server.start("--mode", "enforce")
    attacker = subprocess.Popen([sys.executable, "-c", ATTACK, server.share, str(KEPT)])
    server.until(lambda: attacker.poll() is not None)
    assert attacker.returncode == -signal.SIGKILL
    harmed = [name for name, content in before.items() if (server.share / name).read_bytes() != content]
    assert 2 <= len(harmed) <= 4
    told = server.guard("explain", "last")
    assert "content-broken" in told
    server.guard("restore", "--incident", "last", "--yes")
    assert {path.name: path.read_bytes() for path in server.share.glob("*.zip")} == before


def worker(parent, name):
    for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == f"bw-{name}":
            return int(pid)
    raise AssertionError(name)


def spent(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_judge_whose_peers_are_gone_waits(server):
    server.guard("enroll", server.share)
    server.start("--mode", "enforce")
    parent = server.process.pid
    judge = worker(parent, "judge")
    os.kill(parent, signal.SIGSTOP)  # nobody starts them again for now
    try:
        for name in ("keep", "hand", "sampler"):
            os.kill(worker(parent, name), signal.SIGKILL)
        time.sleep(0.5)
        before = spent(judge)
        time.sleep(2)
        assert spent(judge) - before < 0.5
    finally:
        os.kill(parent, signal.SIGCONT)
    server.until(lambda: server.status()["queued"] == 0)
