"""Who empties folder after folder and leaves them standing is held, and asked about; who deletes trees is not."""

import gzip
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import zipfile

import pytest
from guard_restore_test import Server, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

WIPER = """
import os, sys, time
os.setsid()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        os.unlink(os.path.join(folder, name))
time.sleep(600)
"""


def fill(folder):
    """Ten files of four formats."""
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / f"letter {number}.txt").write_text("the lists of pupils and their marks\n" * 200)
    for number in range(2):
        (folder / f"report {number}.gz").write_bytes(gzip.compress(b"the meeting of the staff\n" * 300))
        with zipfile.ZipFile(folder / f"project {number}.zip", "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("plan.txt", "the plan of the week\n" * 300)
        base = sqlite3.connect(folder / f"marks {number}.db")
        with base:
            base.execute("create table marks(name text, mark int)")
            base.executemany("insert into marks values(?, ?)", [(f"pupil {n}", n % 6) for n in range(200)])
        base.close()


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path, "ext4")
    for number in range(6):
        fill(server.share / f"class {number}")
    server.guard("enroll", server.share)
    server.start("--mode", "enforce")
    yield server
    server.close()


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_wiper_that_leaves_the_folders_is_held_and_all_comes_back(server):
    before = {path: path.read_bytes() for path in server.share.rglob("*.*")}
    with subprocess.Popen([sys.executable, "-c", WIPER, server.share]) as wiper:
        server.until(lambda: state(wiper.pid) == "T")
        assert "folder after folder" in server.guard("explain", "last")
        server.guard("restore", "--incident", "last", "--yes")
        wiper.kill()
    assert {path: path.read_bytes() for path in server.share.rglob("*.*")} == before


def test_who_deletes_trees_is_left_alone(server):
    shutil.copytree(server.share / "class 0", server.share / "copies" / "class 0")
    subprocess.run(["rm", "-r", *server.share.glob("class *")], check=True, start_new_session=True)
    server.until(lambda: server.status()["queued"] == 0)
    assert server.json("incidents") == []
