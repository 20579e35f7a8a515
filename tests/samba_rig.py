"""A real Samba for stories, bench and demo: a private smbd with its own configuration, state and users, in a network
namespace of its own, and clients with addresses of their own. Nothing of the machine's own Samba is read or
changed, and nothing stays: the namespaces end with the processes that hold them.

    with Rig(folder, share="/srv/files", users=["anna", "ben"]) as rig:
        with rig.session("anna", client=0) as anna:
            anna.say("ls")

The server is 10.77.0.1 (`net` says another /24), client number N is 10.77.0.(10 + N). With own_network=False the server stays in the network
of the caller (which a guard that hears process events by the kernel's connector must share)."""

import contextlib
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import time

NET = "10.77.0"
NEEDED = ("smbd", "smbclient", "smbstatus", "smbcontrol", "smbpasswd", "ip", "nft", "nsenter", "unshare")
PATIENCE = float(os.environ.get("BW_PATIENCE", "1"))
WAIT_SECONDS = 30 * PATIENCE

CONFIG = """\
[global]
workgroup = RIG
server role = standalone server
security = user
map to guest = never
passdb backend = tdbsam:{state}/private/passdb.tdb
private dir = {state}/private
lock directory = {state}/lock
state directory = {state}/state
cache directory = {state}/cache
pid directory = {state}/pid
ncalrpc dir = {state}/ncalrpc
usershare path =
log file = {state}/log.smbd
max log size = 0
bind interfaces only = yes
interfaces = {address}/24
smb ports = 445
disable netbios = yes
load printers = no
printing = bsd
printcap name = /dev/null
disable spoolss = yes
{more}
[share]
path = {share}
read only = no
create mask = 0660
directory mask = 0770
"""


def why_not():
    """Why this machine cannot run the rig; None when it can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    probe = ["unshare", "--net", "sh", "-c", "ip link add bwrig1 type veth peer name bwrig2 && nft add table inet x"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        return "no network namespaces, veth or nftables here"
    return None


def has_module(name):
    """Whether this Samba has a module for its shares; Debian 12 keeps them in a package of their own."""
    told = subprocess.run(["smbd", "-b"], capture_output=True, text=True, check=False).stdout if shutil.which("smbd") else ""
    folder = next((line.split(":", 1)[1].strip() for line in told.splitlines() if line.strip().startswith("MODULESDIR:")), "/")
    return (pathlib.Path(folder) / "vfs" / f"{name}.so").exists()


def wait_for(what, seconds=WAIT_SECONDS):
    """Until what() is true; its last value."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.02 * PATIENCE)
    return value


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True, **more).stdout


class Network:
    """A network namespace, held by a process that sleeps."""

    def __init__(self, own=True):
        words = (["unshare", "--net"] if own else []) + ["sleep", "infinity"]
        self.holder = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
        self.own = own
        if own:
            mine = os.readlink("/proc/self/ns/net")
            wait_for(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != mine)
            run(*self.inside("ip", "link", "set", "lo", "up"))

    def inside(self, *words):
        """The words that start a program there."""
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *map(str, words)]

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Session:
    """One smbclient that stays connected: a line to say, and what it answers."""

    PROMPT = b"smb: "

    def __init__(self, rig, user, client, folder="", share="share"):
        words = ["smbclient", f"//{rig.server}/{share}", "-s", "/dev/null", "-A", rig.login(user), "-t", "60"]
        words += ["-D", folder] if folder else []
        self.process = subprocess.Popen(
            rig.clients[client].inside("stdbuf", "-i0", "-o0", *words),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=rig.state)
        self.seen = b""

    def is_open(self):
        return self.process.poll() is None

    def _until(self, mark, seconds):
        end = time.monotonic() + seconds
        text = b""
        while mark not in text and time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                more = os.read(self.process.stdout.fileno(), 65536)
                if not more:
                    break
                text += more
        return text.decode("utf-8", "surrogateescape")

    def say(self, line, seconds=WAIT_SECONDS):
        """What smbclient says to the line; an echo with a mark ends it, since its prompt comes for terminals only."""
        self.mark = getattr(self, "mark", 0) + 1
        mark = f"no-such-command-{self.mark}"
        try:
            self.process.stdin.write(line.encode("utf-8", "surrogateescape") + f"\n{mark}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return "closed"
        return self._until(f"{mark}: command not found".encode(), seconds)

    def works(self):
        """Whether the share answers."""
        text = self.say("ls", seconds=2 * WAIT_SECONDS)
        return "blocks of size" in text

    def close(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()  # it may have ended with a line unread
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Rig:
    def __init__(self, folder, share, users=("anna", "ben"), clients=2, own_network=True, more="",
                 net=NET):
        self.state = pathlib.Path(folder)
        self.share = pathlib.Path(share)
        self.users = list(users)
        self.client_count = clients
        self.own_network = own_network
        self.more = more
        self.net, self.server = net, f"{net}.1"
        self.config = self.state / "smb.conf"
        self.closing = contextlib.ExitStack()
        self.clients = []
        self.made_users = []

    # ---- what stands around it ------------------------------------------------------------

    def inside(self, *words):
        """The words that start a program where the server is."""
        return self.network.inside(*words)

    def address(self, client):
        return f"{self.net}.{10 + client}"

    def login(self, user):
        return self.state / f"login.{user}"

    def _add_network(self):
        self.network = Network(self.own_network)
        self.closing.callback(self.network.close)
        self.bridge = "bwrig0"
        run(*self.inside("ip", "link", "add", self.bridge, "type", "bridge"))
        if not self.own_network:
            self.closing.callback(subprocess.run, ["ip", "link", "del", self.bridge], check=False)
        run(*self.inside("ip", "addr", "add", f"{self.server}/24", "dev", self.bridge))
        run(*self.inside("ip", "link", "set", self.bridge, "up"))
        for number in range(self.client_count):
            self._add_client(number)

    def _add_client(self, number):
        client = Network()
        self.closing.callback(client.close)
        name = f"bwrig{number + 1}"
        run(*self.inside("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0",
                         "netns", client.holder.pid))
        run(*self.inside("ip", "link", "set", name, "master", self.bridge, "up"))
        run(*client.inside("ip", "addr", "add", f"{self.address(number)}/24", "dev", "eth0"))
        run(*client.inside("ip", "link", "set", "eth0", "up"))
        self.clients.append(client)

    def _add_user(self, user):
        """Samba wants an account of the system behind each of its own. One that was not there is taken away again."""
        try:
            pwd.getpwnam(user)
        except KeyError:
            run("useradd", "--no-create-home", "--no-user-group", "--shell", "/usr/sbin/nologin", user)
            self.closing.callback(subprocess.run, ["userdel", user], check=False, capture_output=True)
        run("smbpasswd", "-c", self.config, "-s", "-a", user, input="secret\nsecret\n")
        self.login(user).write_text(f"username = {user}\npassword = secret\n")
        self.login(user).chmod(0o600)

    # ---- life -------------------------------------------------------------------------------

    def start(self):
        self.state.mkdir(parents=True, exist_ok=True)
        for name in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
            (self.state / name).mkdir(exist_ok=True)
        (self.state / "private").chmod(0o700)
        self.config.write_text(CONFIG.format(state=self.state, share=self.share, address=self.server, more=self.more))
        try:
            for user in self.users:
                self._add_user(user)
            self._add_network()
            self._start_smbd()
        except BaseException:
            self.stop()
            raise
        return self

    def _start_smbd(self):
        self.smbd = subprocess.Popen(
            self.inside("smbd", "-F", "--no-process-group", "-s", self.config),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.closing.callback(self._stop_smbd)
        answers = ["smbclient", "-s", "/dev/null", "-A", str(self.login(self.users[0])), f"//{self.server}/share", "-c", "q"]
        assert wait_for(lambda: subprocess.run(self.clients[0].inside(*answers), capture_output=True,
                                               check=False).returncode == 0), self.words()

    def _stop_smbd(self):
        self.smbd.terminate()
        try:
            self.smbd.wait(10)
        except subprocess.TimeoutExpired:
            self.smbd.kill()
            self.smbd.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.smbd.pid, signal.SIGKILL)  # children that did not hear of it

    def stop(self):
        self.closing.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def words(self):
        log = self.state / "log.smbd"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    # ---- what one asks it ----------------------------------------------------------------------

    def session(self, user, client=0, folder="", share="share"):
        return Session(self, user, client, folder, share)

    def status(self):
        """What smbstatus --json says, as text."""
        return run(*self.inside("smbstatus", "-s", self.config, "--json", "--processes"))
