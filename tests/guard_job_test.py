"""A signed job does what would be held, and whoever is not that job is held: with a real guard and real processes."""

import json
import os
import pathlib
import pwd
import random
import shutil
import subprocess
import time

import pytest
from exchange import binary, patience

WITHIN = 60 * patience()  # seconds, for what takes one on a machine that is not busy
FILES = 40
USER = "bwjob"

# seals each file and deletes it, as a nightly job does; for the words it is begun with
JOB = """#!/usr/bin/python3
import os, sys, time
for name in sorted(n for n in os.listdir(sys.argv[1]) if n.endswith(".txt")):
    path = os.path.join(sys.argv[1], name)
    with open(path, "rb") as plain, open(path + ".enc", "wb") as sealed:
        sealed.write(os.urandom(len(plain.read())))
    os.unlink(path)
    time.sleep(0.02)
"""


def why_not():
    if os.geteuid() != 0:
        return "guarding needs root"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    if shutil.which("useradd") is None:
        return "useradd is not installed"
    return None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def fill(folder, seed):
    chance = random.Random(seed)
    words = "the school keeps its lists of pupils and their marks in plain sentences like these".split()
    folder.mkdir()
    os.chown(folder, *ids())
    for n in range(FILES):
        path = folder / f"list {n}.txt"
        path.write_text(" ".join(chance.choice(words) for _ in range(chance.randrange(400, 4000))))
        os.chown(path, *ids())


def ids():
    user = pwd.getpwnam(USER)
    return user.pw_uid, user.pw_gid


@pytest.fixture(scope="module")
def user():
    try:
        pwd.getpwnam(USER)
        yield USER
        return
    except KeyError:
        subprocess.run(["useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", USER], check=True)
    yield USER
    subprocess.run(["userdel", USER], check=False, capture_output=True)


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.mount = folder / "mount"
        self.mount.mkdir()
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(parent.stat().st_mode | 0o011)  # the job's user passes through
        with open(folder / "image", "wb") as image:
            image.truncate(256 * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-qF", folder / "image"], check=True, capture_output=True)
        if subprocess.run(["mount", "-o", "loop", folder / "image", self.mount], check=False).returncode != 0:
            pytest.skip("cannot mount here")
        self.share = self.mount / "share"
        self.share.mkdir()
        for number, name in enumerate(("before", "nightly", "elsewhere", "after", "late")):
            fill(self.share / name, number)
        self.program = folder / "seal"
        self.program.write_text(JOB)
        self.program.chmod(0o755)
        (folder / "passphrase").write_text("a passphrase for keys\n")
        self.run("init", self.data, "--passphrase-file", folder / "passphrase")
        self.guard("enroll", self.share)
        self.process = None

    def run(self, *words, status=0):
        done = subprocess.run([binary(), *words], capture_output=True, text=True, check=False)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done

    def guard(self, *words, status=0):
        return self.run("--data", self.data, "guard", *words, status=status)

    def jobs(self, status=0):
        rows = json.loads(self.guard("job", "list", "--format", "json", status=status).stdout)
        return {row["job"]: row for row in rows}

    def sign(self, name, *words, folder="nightly", status=0, more=()):
        return self.guard("job", "sign", name, "--user", USER, "--folder", self.share / folder, "--passphrase-file",
                          self.folder / "passphrase", *more, "--", self.program, *words, status=status)

    def incidents(self):
        done = subprocess.run([binary(), "--data", self.data, "guard", "incidents", "--format", "json"],
                              capture_output=True, text=True, check=False)
        return json.loads(done.stdout)

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([binary(), "--data", self.data, "guard", "run", "--mode", "enforce"],
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        assert "guard ready" in self.process.stdout.readline(), self.words()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(WITHIN) == 0, self.words()
            self.process = None

    def words(self):
        return (self.folder / "log").read_text(errors="replace")

    def left(self, name):
        return len(list((self.share / name).glob("*.txt")))

    def strike(self, name, program=None):
        """The same program by the same user, begun by itself: how it ended."""
        done = subprocess.run(["setpriv", f"--reuid={USER}", "--clear-groups", program or self.program,
                               self.share / name], check=False, capture_output=True)
        return done.returncode

    def close(self):
        self.stop()
        subprocess.run(["umount", "-l", self.mount], check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory, user):
    server = Server(tmp_path_factory.mktemp("job"))
    server.start()
    yield server
    server.close()


def wait_for(what):
    end = time.monotonic() + WITHIN
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


def test_unsigned_work_is_held(server):
    assert server.strike("before") != 0
    assert server.left("before") > FILES / 2
    assert wait_for(lambda: len(server.incidents()) == 1), server.words()


def test_the_same_work_passes_when_it_is_signed(server):
    server.sign("nightly", str(server.share / "nightly"))
    assert server.jobs()["nightly"]["state"] == "good"
    before = len(server.incidents())
    server.guard("job", "run", "nightly")
    assert server.left("nightly") == 0
    assert len(list((server.share / "nightly").glob("*.enc"))) == FILES
    assert wait_for(lambda: server.jobs()["nightly"].get("ended")), server.words()
    assert server.jobs()["nightly"]["files_passed"] > FILES / 2
    assert len(server.incidents()) == before
    status = json.loads(subprocess.run([binary(), "--data", server.data, "guard", "status", "--format", "json"],
                                       capture_output=True, text=True, check=False).stdout)
    assert [(job["job"], job["state"], job["files_passed"] > 0) for job in status["jobs"]] == [("nightly", "good", True)]


def test_another_process_of_the_same_user_and_program_is_held_while_the_job_runs(server):
    slow = server.folder / "slow"
    slow.write_text("#!/bin/sh\nsleep 300\n")
    slow.chmod(0o755)
    server.guard("job", "sign", "slow", "--user", USER, "--folder", server.share, "--passphrase-file",
                 server.folder / "passphrase", "--", slow)
    with subprocess.Popen([binary(), "--data", server.data, "guard", "job", "run", "slow"]) as running:
        assert wait_for(lambda: server.jobs()["slow"].get("began"))
        assert server.strike("after") != 0
        assert server.left("after") > FILES / 2
        program = living("-P", str(running.pid))
        assert len(living("-s", program[0])) == 2
        running.terminate()
        assert running.wait(WITHIN) == 128 + 15
    assert wait_for(lambda: not living("-s", program[0]))  # the program, and what it began


def living(*which):
    """The numbers of these processes: options of pgrep."""
    return subprocess.run(["pgrep", *which], capture_output=True, text=True, check=False).stdout.split()


def test_a_job_ends_with_its_runner_and_so_does_its_pass(server):
    orphan = server.folder / "orphan"
    stay = server.folder / "stay"
    stay.write_text("#!/bin/sh\nsleep 300\n")
    orphan.write_text(f"#!/bin/sh\nsetsid {stay} &\nwait\n")
    stay.chmod(0o755)
    orphan.chmod(0o755)
    server.guard("job", "sign", "orphan", "--user", USER, "--folder", server.share, "--passphrase-file",
                 server.folder / "passphrase", "--", orphan)
    with subprocess.Popen([binary(), "--data", server.data, "guard", "job", "run", "orphan"]) as running:
        assert wait_for(lambda: living("-f", stay) and living("-f", orphan))
        running.kill()
    assert wait_for(lambda: server.jobs()["orphan"].get("ended"))
    assert wait_for(lambda: not living("-f", orphan))
    left = living("-f", stay)  # whoever left for a session of his own goes on, without the pass
    assert len(left) == 1
    subprocess.run(["pkill", "-9", "-s", left[0]], check=True)


def test_a_guard_that_starts_again_meanwhile_lets_the_job_go_on(server):
    late = server.folder / "late"
    late.write_text(JOB.replace("import os, sys, time", "import os, sys, time\n"
                                f"while not os.path.exists('{server.folder}/go'): time.sleep(0.1)"))
    late.chmod(0o755)
    server.guard("job", "sign", "late", "--user", USER, "--folder", server.share / "late", "--passphrase-file",
                 server.folder / "passphrase", "--", late, server.share / "late")
    before = len(server.incidents())
    with subprocess.Popen([binary(), "--data", server.data, "guard", "job", "run", "late"]) as running:
        assert wait_for(lambda: server.jobs()["late"].get("began"))
        server.stop()
        server.start()
        assert wait_for(lambda: server.jobs()["late"].get("runs") == 2)
        (server.folder / "go").touch()
        assert running.wait(WITHIN) == 0
    assert server.left("late") == 0
    assert len(server.incidents()) == before
    assert wait_for(lambda: server.jobs()["late"]["files_passed"] > FILES / 2)


def test_a_signed_job_is_held_outside_its_folder(server):
    server.sign("astray", str(server.share / "elsewhere"))
    before = len(server.incidents())
    done = subprocess.run([binary(), "--data", server.data, "guard", "job", "run", "astray"], check=False)
    assert done.returncode != 0
    assert server.left("elsewhere") > FILES / 2
    assert wait_for(lambda: len(server.incidents()) == before + 1)


def refusal(server, name):
    row = server.jobs(status=1)[name]
    done = server.guard("job", "run", name, status=3)
    assert name in done.stderr, done.stderr
    return row["state"]


def test_what_is_not_as_it_was_signed_is_refused_by_name(server):
    file = server.data / "guard" / "jobs" / "altered"
    server.sign("altered", "x")
    good = file.read_bytes()
    file.write_bytes(good.replace(b"word x", b"word y"))
    assert refusal(server, "altered") == "altered"
    file.write_bytes(good[:good.index(b"signature")])
    assert refusal(server, "altered") == "unsigned"
    file.write_bytes(good)
    server.sign("altered", "z")
    file.write_bytes(good)
    assert refusal(server, "altered") == "old"
    (file.parent / "copied").write_bytes(good)
    assert refusal(server, "copied") == "altered"
    (file.parent / "copied").unlink()
    server.guard("job", "revoke", "altered")
    file.write_bytes(good)
    assert refusal(server, "altered") == "revoked"
    file.unlink()
    server.sign("brief", more=("--for", "1s"))
    time.sleep(1.1)
    assert server.jobs()["brief"]["state"] == "expired"
    assert "brief" in server.guard("job", "run", "brief", status=3).stderr
    program = server.program.read_bytes()
    server.sign("changed")
    server.program.write_bytes(program + b"# more\n")
    row = server.jobs(status=1)["changed"]
    assert row["state"] == "changed", row
    assert "not the program that was signed" in server.guard("job", "run", "changed", status=3).stderr
    server.program.write_bytes(program)


def test_a_job_of_another_node_is_refused_at_the_guards_start(server, tmp_path):
    other = tmp_path / "other"
    server.run("init", other, "--passphrase-file", server.folder / "passphrase")
    keys = server.data / "keys" / "node.keys"
    own = keys.read_bytes()
    server.sign("theirs")
    theirs = server.data / "guard" / "jobs" / "theirs"
    keys.write_bytes((other / "keys" / "node.keys").read_bytes())
    refused = server.sign("theirs", status=3)
    assert "--new-keys" in refused.stderr
    signer = server.data / "guard" / "jobs" / ".signer"
    before = signer.read_bytes()
    server.sign("theirs", more=("--new-keys",))
    signer.write_bytes(before)
    keys.write_bytes(own)
    assert refusal(server, "theirs") == "foreign"
    server.stop()
    server.start()
    assert 'a signed job is refused worker="scribe" job="theirs"' in server.words()
    theirs.unlink()


def test_a_program_that_others_may_change_is_not_signed(server):
    loose = server.folder / "loose"
    loose.write_text(JOB)
    loose.chmod(0o777)
    done = server.guard("job", "sign", "loose", "--user", USER, "--folder", server.share, "--passphrase-file",
                        server.folder / "passphrase", "--", loose, status=3)
    assert "others than root may write" in done.stderr
    os.chown(loose, *ids())
    loose.chmod(0o755)
    done = server.guard("job", "sign", "loose", "--user", USER, "--folder", server.share, "--passphrase-file",
                        server.folder / "passphrase", "--", loose, status=3)
    assert "belongs to user" in done.stderr
    assert pathlib.Path(loose).exists()
