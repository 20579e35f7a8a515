"""Who wrote a file is stopped, and not whose program closed it, or renamed it over another."""

import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from exchange import patience
from guard_attacks_test import BOB, NOBODY, child_of
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed"),
]

WITHIN = 60 * patience()
FILES = 12
BLIND = "who writes through a mapping is not seen"  # of the log, where the kernel took no program

# takes what is passed to it, and closes it when told
TAKER = """
import os, socket, sys
with socket.socket(fileno=int(sys.argv[1])) as line:
    while True:
        word, descriptors, _, _ = socket.recv_fds(line, 1, 1)
        if not word:
            break
        line.recv(1)
        for descriptor in descriptors:
            os.close(descriptor)
        line.sendall(b".")
"""

# writes a file anew beside the old one, shows it, and puts it in the place of the old when told
EDITOR = """
import os, sys
for line in sys.stdin:
    name = line.strip()
    text = open(name, "rb").read()
    made = os.open(name + ".tmp", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    os.fchmod(made, 0o666)
    os.write(made, text)
    print("made", flush=True)
    sys.stdin.readline()
    os.close(made)
    os.rename(name + ".tmp", name)
    print("renamed", flush=True)
"""

# destroys a file by a mapping or by a write, and lets somebody else close it
ATTACKER = """
import mmap, os, socket, sys, time
way, names = sys.argv[1], sys.argv[3:]
line = socket.socket(fileno=int(sys.argv[2])) if sys.argv[2] != "-" else None

def harm(name):
    file = os.open(name, os.O_RDWR)
    size = os.fstat(file).st_size
    if way == "write":
        os.pwrite(file, os.urandom(size), 0)
        return file
    with mmap.mmap(file, size) as pages:
        pages[:] = os.urandom(size)
    return file

for name in names or sys.stdin:
    file = harm(name.strip())
    if way == "cycle":
        one, other = socket.socketpair()
        socket.send_fds(one, [b"x"], [file, one.fileno(), other.fileno()])
        os.close(file)
        one.close()
        other.close()
    elif line is not None:
        socket.send_fds(line, [b"x"], [file])
        os.close(file)
        line.sendall(b"c")
        line.recv(1)
    else:
        os.close(file)
        print("harmed", flush=True)
if way == "cycle":
    time.sleep(3600)  # the kernel closes them when it comes round to it
"""


@pytest.fixture
def stage(place):
    """A share that anybody may write, with texts in it, guarded; and what it started ends with it."""
    p = place("ext4")
    p.share.chmod(0o777)
    for folder in [p.mount, *p.mount.parents]:
        if str(folder) not in ("/", "/tmp"):
            folder.chmod(folder.stat().st_mode | 0o711)
    p.names = [f"{n:02}.txt" for n in range(FILES)]
    for name in p.names:
        (p.share / name).write_text("".join(f"{name}: paragraph {n} of a text as people write it\n" for n in range(150)))
        (p.share / name).chmod(0o666)
    p.enroll()
    p.start("--mode", "enforce")
    p.began = []

    def begin(uid, script, *words, **more):
        made = subprocess.Popen(child_of(uid, script, *words), cwd=p.share, text=True, start_new_session=True, **more)
        p.began.append(made)
        return made

    p.begin = begin
    yield p
    for one in p.began:
        one.kill()
        one.wait(WITHIN)


def told(process, word):
    process.stdin.write(word + "\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.mark.parametrize("way", ["write", "mapping"])
def test_whoever_closes_what_another_wrote_goes_on(stage, way):
    p = stage
    if way == "mapping" and BLIND in p.words:
        pytest.skip("no program in the kernel tells who writes through a mapping here")
    one, other = socket.socketpair()
    taker = p.begin(BOB, TAKER, other.fileno(), pass_fds=[other.fileno()])
    attacker = p.begin(NOBODY, ATTACKER, way, one.fileno(), *p.names, pass_fds=[one.fileno()])
    other.close()
    assert attacker.wait(WITHIN) == -signal.SIGKILL, p.words[-3000:]
    one.sendall(b"c")  # what he could not say any more of the last file
    p.settle()
    assert taker.poll() is None, p.words[-3000:]
    one.close()


def test_what_the_kernel_closes_is_still_somebodys(stage):
    p = stage
    if BLIND in p.words:
        pytest.skip("no program in the kernel tells who writes through a mapping here")
    attacker = p.begin(NOBODY, ATTACKER, "cycle", "-", *p.names)
    p.until(lambda: stirred(attacker), WITHIN)
    assert attacker.returncode == -signal.SIGKILL, p.words[-3000:]


def stirred(attacker):
    """The kernel looks for cycles when somebody closes a socket."""
    for one in socket.socketpair():
        one.close()
    return attacker.poll() is not None


@pytest.mark.parametrize("attackers_user", [BOB, NOBODY])
def test_whoever_renames_what_another_wrote_goes_on(stage, attackers_user):
    p = stage
    if BLIND in p.words:
        pytest.skip("no program in the kernel tells who writes through a mapping here")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    editor = p.begin(BOB, EDITOR, **pipes)
    attacker = p.begin(attackers_user, ATTACKER, "mapping", "-", **pipes)
    for name in p.names:
        assert told(editor, name) == "made"
        tick(p.share / (name + ".tmp"))
        try:
            if told(attacker, name + ".tmp") != "harmed":
                break
        except BrokenPipeError:
            break
        assert told(editor, "go") == "renamed", p.words[-3000:]
    p.settle()
    assert editor.poll() is None, p.words[-3000:]
    if attackers_user == BOB:  # another user who wrote what the editor wrote too need not be stopped (guard/answer.h)
        assert attacker.wait(WITHIN) == -signal.SIGKILL, p.words[-3000:]
    assert "incident" in p.words


def tick(path):
    """The clock of files has gone on since this was written."""
    probe = path.with_name("tick")
    written = path.stat().st_mtime_ns
    while True:
        probe.write_bytes(b".")
        if probe.stat().st_mtime_ns > written:
            return
