"""The guard's part of the demo: a real Samba share, two people on two machines, one of whom turns attacker.

The server, its clients and their network are made for the demo (tests/samba_rig.py) and end with it; the share lies on
a file system of its own in a loop image, or in the demo's folder where there are no loop devices. The attacker is the
harmless simulator, over a real SMB client: it changes files it made itself, and no others."""
import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from samba_rig import Rig, run, why_not  # noqa: E402

FILES = 300
ATTACKER, HONEST = "demo-anna", "demo-ben"
WAIT = 60  # seconds for anything that should take one
FANOTIFY_INIT = {"x86_64": 300, "aarch64": 262}
FID_UNLIMITED = 0x00000200 | 0x00000010 | 0x00000001  # FAN_REPORT_FID, FAN_UNLIMITED_QUEUE, FAN_CLOEXEC


class Skipped(Exception):
    """What this machine lacks for it."""


class Wrong(Exception):
    """What the demo promised and did not see."""


def check_machine(program):
    """Skipped, in words, when it cannot be played here."""
    if os.geteuid() != 0:
        raise Skipped("it needs root: it mounts a file system and starts a file server (sudo make demo)")
    missing = why_not()
    if missing:
        raise Skipped(f"{missing} (apt-get install samba smbclient nftables iproute2)")
    if not simulator_of(program).exists():
        raise Skipped("guard_sim is not built beside the program (ninja guard_sim)")
    number = FANOTIFY_INIT.get(os.uname().machine)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(number, FID_UNLIMITED, os.O_RDONLY) if number else 0
    if fd < 0:
        raise Skipped(f"the kernel lets nobody here watch a file system (fanotify: {os.strerror(ctypes.get_errno())})")
    if number:
        os.close(fd)


def simulator_of(program):
    return program.parent / "guard_sim"


def digests(tree):
    """What everybody can see of every file: name, size, bytes."""
    found = {}
    for path in sorted(tree.rglob("*")):
        if path.is_file() and not path.is_symlink() and ".breakwater-sim" not in path.parts:
            found[path.relative_to(tree)] = hashlib.sha256(path.read_bytes()).digest()
    return found


@contextlib.contextmanager
def a_volume(folder):
    """(where, what it is): an ext4 in a loop image, or a folder where that is not allowed."""
    image, mount = folder / "image", folder / "volume"
    mount.mkdir()
    made = shutil.which("mkfs.ext4") is not None
    if made:
        with open(image, "wb") as file:
            file.truncate(1 << 30)
        made = subprocess.run(["mkfs.ext4", "-q", image], capture_output=True, check=False).returncode == 0 and \
            subprocess.run(["mount", "-o", "loop", image, mount], capture_output=True, check=False).returncode == 0
    try:
        yield mount, "an ext4 of its own" if made else "a folder of this machine (no loop devices here)"
    finally:
        if made:
            subprocess.run(["umount", "-l", mount], check=False)


class Work(threading.Thread):
    """An honest client: saves a document and reads it again, as long as it is allowed to."""

    def __init__(self, rig):
        super().__init__()
        self.rig = rig
        self.over = threading.Event()
        self.saved = 0
        self.failure = None

    def run(self):
        document = self.rig.state / "minutes.txt"
        with self.rig.session(HONEST, 1) as session:
            while not self.over.is_set():
                text = "".join(f"Minute {n} of meeting {self.saved}: all went well.\n" for n in range(40))
                document.write_text(text, encoding="utf-8")
                said = session.say(f'put minutes.txt "ben/minutes {self.saved % 5}.txt"')
                if "putting file" not in said:
                    self.failure = said.strip() or "no answer"
                    return
                self.saved += 1
                time.sleep(0.05)

    def finish(self):
        self.over.set()
        self.join(WAIT)
        return self.saved


class Guard:
    def __init__(self, program, folder, rig, share):
        self.program, self.rig, self.share = program, rig, share
        self.data = folder / "guard"
        self.log = folder / "guard.log"
        self.process = None

    def command(self, *words, may=(0,)):
        done = subprocess.run([self.program, "guard", *words, "--data", self.data], capture_output=True, text=True,
                              timeout=600, check=False)
        if done.returncode not in may:
            raise Wrong(f"'breakwater guard {' '.join(words)}' ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def words(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def enroll(self):
        began = time.monotonic()
        self.command("enroll", str(self.share))
        with open(self.data / "guard" / "settings", "a", encoding="utf-8") as settings:
            settings.write(f"samba {self.rig.config}\n")
        return time.monotonic() - began

    def start(self):
        said = self.log.with_suffix(".said")
        with open(said, "wb") as out, open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.rig.inside(self.program, "guard", "run", "--data", self.data, "--mode", "enforce"),
                stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        end = time.monotonic() + WAIT
        while "guard ready" not in said.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Wrong(f"the guard did not start: {self.words()[-1000:]}")
            time.sleep(0.02)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Wrong("the guard did not stop") from None

    def wait_for(self, what, seconds=WAIT):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = what()
            if found:
                return found
            time.sleep(0.05)
        raise Wrong(f"it did not come to pass; the guard's log: {self.words()[-2000:]}")


def attack(rig, program, home):
    """The simulator over SMB from the first client's machine, as fast as it can: (files touched, seconds)."""
    began = time.monotonic()
    done = subprocess.run(
        rig.clients[0].inside(simulator_of(program), "run", home, "--pattern", "S61", "--share", "//10.77.0.1/share",
                              "--share-folder", "anna", "--login", rig.login(ATTACKER)),
        capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise Wrong(f"the attack did not begin: {done.stderr.strip()}")
    return json.loads(done.stdout)["touched"], time.monotonic() - began


def may_enter(rig, user, client):
    with rig.session(user, client) as session:
        return session.works()


def tell(program, folder, share, where, rig, say):
    home = share / "anna"
    (share / "ben").mkdir(mode=0o777)
    (share / "ben").chmod(0o777)
    run(simulator_of(program), "seed", home, "--files", FILES, "--seed", 7, "--owners",
        pwd.getpwnam(ATTACKER).pw_uid)
    before = digests(home)
    guard = Guard(program, folder, rig, share)
    took = guard.enroll()
    work = Work(rig)
    try:
        guard.start()
        say(f"Guarded   a Samba share on {where}: {len(before):,} files of a school, first copies in {took:.1f} s")
        work.start()
        guard.wait_for(lambda: work.saved > 3 or work.failure)
        touched, took = attack(rig, program, home)
        late = guard.wait_for(lambda: re.search(r'actor stopped.* after_us=(\d+)', guard.words()))
        say(f"Attacked  it from a real SMB client ({rig.address(0)}, {ATTACKER}), at full speed: {touched} of"
            f" {len(before):,} files reached, then its connection was cut,"
            f" {int(late.group(1)) / 1000:.1f} ms after the evidence that decided")
        if not 1 <= touched <= 10:
            raise Wrong(f"{touched} files were reached")
        if may_enter(rig, ATTACKER, 0):
            raise Wrong("the attacker came back in")
        guard.wait_for(lambda: f"user {ATTACKER}" in guard.words())
        at_cut = work.saved
        guard.wait_for(lambda: work.saved > at_cut + 3 or work.failure)
        if work.failure:
            raise Wrong(f"somebody else's work was disturbed: {work.failure}")
        say(f"Cut off   that client and only that client: its address and its user are kept out;"
            f" {HONEST} at {rig.address(1)} saved {work.finish():,} documents meanwhile, and none failed")
        bring_back(guard, home, before, touched, say)
        let_in(guard, rig, say)
    finally:
        work.over.set()
        if work.is_alive():
            work.join(WAIT)
        guard.stop()
        subprocess.run([program, "guard", "unenroll", str(share), "--yes", "--data", guard.data], capture_output=True,
                       check=False)


def bring_back(guard, home, before, touched, say):
    now = digests(home)
    damaged = sum(1 for name, digest in before.items() if now.get(name) != digest)
    began = time.monotonic()
    guard.command("restore", "--incident", "last", "--yes")
    took = time.monotonic() - began
    after = digests(home)
    wrong = [name for name, digest in before.items() if after.get(name) != digest]
    if wrong or set(after) - set(before):
        raise Wrong(f"{len(wrong)} files did not come back as they were, {wrong[:1]} among them;"
                    f" left over: {sorted(set(after) - set(before))[:1]}")
    say(f"Restored  {max(damaged, touched)} files with one command in {took:.1f} s (breakwater guard restore --incident"
        f" last --yes): all {len(before):,} are as they were, byte for byte")


def let_in(guard, rig, say):
    incidents = json.loads(guard.command("incidents", "--format", "json", may=(0, 1)))
    for incident in incidents:
        guard.command("approve", "--release", str(incident["incident"]))
    guard.wait_for(lambda: may_enter(rig, ATTACKER, 0), 20)
    say(f"Let in    {ATTACKER} again with one more (breakwater guard approve --release {incidents[0]['incident']});"
        " time alone would have done it in an hour")


def has_kernel_ear(program):
    """Built with a program for the kernel, that hears of processes in any network; else the guard shares the machine's."""
    return b"tp_btf/sched_process_fork" in program.read_bytes() and pathlib.Path("/sys/kernel/btf/vmlinux").exists()


def play(program, folder, say):
    check_machine(program)
    folder.chmod(0o711)  # the users of the share pass through
    with a_volume(folder) as (mount, where):
        share = mount / "share"
        share.mkdir()
        share.chmod(0o777)
        had_table = subprocess.run(["nft", "list", "table", "inet", "breakwater_guard"], capture_output=True,
                                   check=False).returncode == 0
        with Rig(folder / "rig", share, users=[ATTACKER, HONEST], own_network=has_kernel_ear(program)) as rig:
            tell(program, folder, share, where, rig, say)
        if not had_table:
            subprocess.run(["nft", "delete", "table", "inet", "breakwater_guard"], capture_output=True, check=False)
