"""A service that goes on as its user without running a program, as OpenSSH's internal-sftp does."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
from guard_rig import WITHIN, place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

BOB = 4711

# For each line it gets it forks a child, which becomes the user and destroys the files; it says how the child ended.
SERVICE = """
import os, pathlib, sys
user, *paths = sys.argv[1:]
for line in map(str.strip, sys.stdin):
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(int(user), int(user), int(user))
        os.setresuid(int(user), int(user), int(user))
        for path in paths if line == "stay" else paths[:4]:
            old = pathlib.Path(path).read_bytes()
            with open(path, "r+b") as file:
                file.write(os.urandom(len(old)))
        sys.stdin.readline() if line == "stay" else None
        os._exit(0)
    print("began", child, flush=True)
    print("ended", os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture
def service(place, tmp_path):
    """A guarded share of Bob's, and a service of root's with a name that makes it a host."""
    p = place("ext4")
    for folder in [p.mount, *p.mount.parents]:
        if str(folder) not in ("/", "/tmp"):
            folder.chmod(folder.stat().st_mode | 0o711)
    files = [p.share / f"letter{n:03}.txt" for n in range(200)]
    for n, path in enumerate(files):
        path.write_text(f"{n}. the quick brown fox jumps over the lazy dog, again\n" * 100)
        os.chown(path, BOB, BOB)
    p.enroll()
    p.start("--mode", "enforce")
    program = tmp_path / "sshd"
    program.symlink_to(shutil.which(sys.executable))
    made = subprocess.Popen([program, "-c", textwrap.dedent(SERVICE), str(BOB), *map(str, files)], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
    yield p, made, files
    made.stdin.close()
    made.wait(WITHIN)


@pytest.mark.parametrize("line", ["stay", "go"])
def test_what_it_does_as_the_user_is_his_and_stops_that_session_and_not_the_service(service, line):
    p, sshd, files = service
    sshd.stdin.write(f"{line}\n")
    sshd.stdin.flush()
    assert sshd.stdout.readline().startswith("began")
    ended = sshd.stdout.readline()
    assert ended == f"ended {int(signal.SIGKILL)}\n" or line == "go"  # it may have ended before anybody looked
    p.until(lambda: "files are being destroyed" in p.words)
    assert f"user {BOB}" in p.words
    assert pathlib.Path(f"/proc/{sshd.pid}").exists() and sshd.poll() is None
    p.settle()
    p.guard("restore", "--incident", "last", "--yes")
    assert all(path.read_text().startswith(f"{n}. the quick") for n, path in enumerate(files))
    p.stop()
