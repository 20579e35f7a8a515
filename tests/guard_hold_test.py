"""Who is held stays held, whatever he does about it, until a person or the guard lets him go."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest
from guard_restore_test import WITHIN, Server, why_not

USER = 12347

# destroys its user's files one after the other where it stands, and says which it begins
ATTACKER = """
import os, sys, time
for name in sorted(n for n in os.listdir() if n.startswith(sys.argv[1]) and n.endswith(".txt")):
    print(name, flush=True)
    with open(name, "r+b") as file:
        file.write(os.urandom(os.path.getsize(name)))
    os.rename(name, name + ".locked")
    time.sleep(0.05)
"""

# the same by a child, while the parent waits
FAMILY = """
import os, sys
child = os.fork()
if child > 0:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""" + ATTACKER


def hierarchy():
    """Where cgroup v2 is mounted and we may make one in it; None: who is held is only stopped."""
    if os.geteuid() != 0:
        return None
    for place in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        probe = pathlib.Path(place) / f"bw-story-{os.getpid()}"
        if not pathlib.Path(place, "cgroup.procs").exists() or pathlib.Path(place, "tasks").exists():
            continue
        try:
            probe.mkdir()
            usable = (probe / "cgroup.freeze").exists()
            probe.rmdir()
        except OSError:
            return None
        return pathlib.Path(place) if usable else None
    return None


ROOT = hierarchy()
pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed"),
    pytest.mark.skipif(ROOT is None, reason="no cgroup v2 that may be written here"),
]


@pytest.fixture
def server(tmp_path):
    tmp_path.chmod(0o755)
    made = Server(tmp_path, "ext4")
    for path in (made.share, *made.share.iterdir()):
        os.chown(path, USER, USER)
    made.guard("enroll", str(made.share))
    made.start("--mode", "hold")
    yield made
    made.close()


@pytest.fixture
def unit():
    """A cgroup of its own, as a unit has; emptied and removed at the end."""
    made = ROOT / f"bw-story-unit-{os.getpid()}-{time.monotonic_ns()}"
    made.mkdir()
    yield made
    for folder in (made, *made.rglob("*/")):
        for pid in (folder / "cgroup.procs").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
    deadline = time.monotonic() + WITHIN
    while made.exists():
        assert time.monotonic() < deadline, "the story's cgroup stays"
        for folder in sorted(made.rglob("*/"), reverse=True):
            with_processes = (folder / "cgroup.procs").read_text() if folder.exists() else ""
            if not with_processes and folder.exists():
                remove(folder)
        remove(made)


def remove(folder):
    try:
        folder.rmdir()
    except OSError:
        time.sleep(0.05)  # who was killed is not gone yet


def begin(server, cgroup, script=ATTACKER):
    """As the user, in that cgroup from its first moment on."""
    command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all", sys.executable, "-c",
               script, "list"]
    procs = os.open(cgroup / "cgroup.procs", os.O_WRONLY)
    diary = server.folder / "diary"
    with open(diary, "w") as file:
        made = subprocess.Popen(command, start_new_session=True, preexec_fn=lambda: os.write(procs, b"0"),
                                cwd=server.share, stdout=file)
    os.close(procs)
    made.diary = diary
    return made


def begun(process):
    return len(process.diary.read_text().split("\n")) - 1


def cgroup_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return ROOT / next(line[3:] for line in lines if line.startswith("0::")).lstrip("/")


def stands_frozen(pid):
    """In a frozen cgroup of the guard's, all of which stand still."""
    where = cgroup_of(pid)
    return (
        where.name.startswith("bw-held-")
        and (where / "cgroup.freeze").read_text() == "1\n"
        and "frozen 1" in (where / "cgroup.events").read_text()
    )


def as_user(*words):
    return subprocess.run(["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *map(str, words)],
                          capture_output=True, text=True, check=False)


def held_pids(server):
    return [row["pid"] for row in server.status()["held"] if row["what"] == "process"]


def until_held(server, process):
    server.until(lambda: stands_frozen(process.pid) and process.pid in held_pids(server))
    rows = {row["pid"]: row for row in server.status()["held"]}
    assert rows[process.pid]["by"] == "freezer" and rows[process.pid]["uid"] == USER, rows
    server.until(lambda: server.status()["open"])  # it is told after the hold
    return server.status()["open"][-1]


def stays(server, process):
    """Nothing that his own user may do makes him touch another file."""
    before = begun(process)
    for _ in range(20):
        done = as_user("kill", "-CONT", process.pid)
        assert done.returncode == 0, done.stderr
        as_user("sh", "-c", f"echo 0 > '{cgroup_of(process.pid)}/cgroup.freeze'")
        time.sleep(0.05)
    assert stands_frozen(process.pid)
    assert begun(process) == before, "who is held destroyed more"


def end(process):
    process.kill()
    process.wait(WITHIN)


def test_who_is_held_stays_so_against_his_own_user_and_goes_on_when_released(server, unit):
    process = begin(server, unit)
    incident = until_held(server, process)
    assert cgroup_of(process.pid).parent == unit, "its unit's limits must hold"
    stays(server, process)
    assert "stands still until" in subprocess.run(
        [os.environ["BREAKWATER"], "guard", "status", "--data", server.data], capture_output=True, text=True, check=False
    ).stdout
    where = cgroup_of(process.pid)
    server.guard("approve", str(incident))
    server.until(lambda: process.poll() is not None or cgroup_of(process.pid) == unit)
    assert process.wait(WITHIN) == 0, "who was let go did not come to the end"
    server.until(lambda: not where.exists())
    assert server.status()["held"] == []


def test_who_is_released_goes_on_where_he_was_and_is_judged_again(server, unit):
    process = begin(server, unit)
    incident = until_held(server, process)
    before = begun(process)
    server.guard("approve", str(incident), "--release")
    server.until(lambda: begun(process) > before)
    server.until(lambda: process.poll() is not None or stands_frozen(process.pid))
    if process.poll() is None:
        server.until(lambda: server.status()["open"] not in ([], [incident]))
    end(process)


def test_who_is_held_in_what_is_his_own_to_manage_cannot_leave(server, unit):
    own = unit / "user.slice"
    own.mkdir()
    for path in (own, own / "cgroup.procs", own / "cgroup.subtree_control", own / "cgroup.threads"):
        os.chown(path, USER, USER)
    process = begin(server, own)
    incident = until_held(server, process)
    assert cgroup_of(process.pid).parent == unit, "he may write in what he was held below"
    out = as_user("sh", "-c", f"echo {process.pid} > '{own}/cgroup.procs'")
    assert out.returncode != 0, "he left the hold by himself"
    stays(server, process)
    own.rmdir()  # as systemd does with a scope in which nobody is any more
    server.guard("approve", str(incident))
    assert process.wait(WITHIN) == 0


def test_a_frozen_process_dies_of_one_signal(server, unit):
    process = begin(server, unit)
    until_held(server, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait(WITHIN) == -signal.SIGKILL
    server.until(lambda: server.status()["held"] == [])


def test_a_family_is_held_as_a_whole(server, unit):
    process = begin(server, unit, FAMILY)
    server.until(lambda: begun(process) > 0)
    server.until(lambda: held_pids(server))
    child = held_pids(server)[-1]
    server.until(lambda: stands_frozen(child))
    before = begun(process)
    for _ in range(10):
        for pid in held_pids(server):
            as_user("kill", "-CONT", pid)
        time.sleep(0.05)
    assert stands_frozen(child) and begun(process) == before
    server.until(lambda: server.status()["open"])
    server.guard("approve", "last")
    assert process.wait(WITHIN) == 0


def test_another_start_of_the_guard_sees_whom_the_one_before_held(server, unit):
    process = begin(server, unit)
    incident = until_held(server, process)
    server.process.terminate()
    server.process.wait(WITHIN)
    assert "whoever was held stands still" in (server.folder / "words").read_text()
    (server.data / "guard" / "hand").unlink()  # as if that guard had died before it wrote it down
    server.start("--mode", "hold")
    assert "a process is found held" in (server.folder / "words").read_text()
    assert stands_frozen(process.pid) and process.pid in held_pids(server)
    stays(server, process)
    before = begun(process)
    server.guard("approve", str(incident), "--release")
    server.until(lambda: begun(process) > before)  # and may be held anew
    end(process)


def test_one_command_lets_go_without_a_guard_too(server, unit):
    process = begin(server, unit)
    incident = until_held(server, process)
    server.process.terminate()
    server.process.wait(WITHIN)
    before = begun(process)
    said = subprocess.run(
        [os.environ["BREAKWATER"], "guard", "approve", str(incident), "--release", "--data", server.data],
        capture_output=True, text=True, check=False,
    )
    assert "1 process of the incident goes on" in said.stderr, said
    assert process.wait(WITHIN) == 0 and begun(process) > before
    assert server.status()["held"] == []


def test_a_guard_without_cgroups_stops_by_a_signal_and_says_so(server, unit):
    server.process.terminate()
    server.process.wait(WITHIN)
    words = server.folder / "words"
    # as in a container: the hierarchy is there, and may not be written
    command = (f"mount --make-rprivate / && mount -o bind,ro {ROOT} {ROOT} && exec {os.environ['BREAKWATER']} guard run "
               f"--mode hold --data {server.data}")
    with open(words, "a") as file:
        server.process = subprocess.Popen(["unshare", "-m", "sh", "-c", command], stdout=subprocess.PIPE, stderr=file,
                                          text=True)
    assert "guard ready" in server.process.stdout.readline(), words.read_text()
    assert "can be stopped by a signal only" in words.read_text()
    server.until(lambda: server.status()["queued"] == 0 and server.status()["enrolling"] == 0)
    process = begin(server, unit)
    server.until(lambda: process.pid in held_pids(server))
    rows = {row["pid"]: row for row in server.status()["held"]}
    assert rows[process.pid]["by"] == "signal"
    assert cgroup_of(process.pid) == unit
    server.until(lambda: server.status()["open"])
    server.guard("approve", "last")
    assert process.wait(WITHIN) == 0
