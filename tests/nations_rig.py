"""Two countries that have never met, for a story, the demo and the bench: in each an exchange, and a file server with a
real Samba behind which a guard stands; an accord between the exchanges, and an operator who is neither of them. All of it
separate processes with keys and data of their own, in network namespaces that reach each other as machines do.

    with Nations(program, folder) as nations:
        nations.school.attack(...)

No packages are needed beside Python's own. Both file servers run on one kernel, whose processes both guards hear of: so
their clients have addresses of different nets, private ones, which nobody is told."""

import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import pwd
import random
import re
import shutil
import subprocess
import threading
import time

from samba_rig import Network, Rig, run
from samba_rig import why_not as why_no_samba

PATIENCE = float(os.environ.get("BW_PATIENCE", "1"))
WITHIN = 60 * PATIENCE
ACCORD = "uk-us"
ATTACKER, HONEST = "bw-nation-eve", "bw-nation-ben"
NOTES = ("HOW TO GET THEM BACK.txt", "OPEN_ME_FIRST.hta")
KERNEL_EAR = b"tp_btf/sched_process_fork"
PARTNERS, CACHES, CLIENTS, WITNESS = 7443, 7480, 6443, 7481


def why_not(program):
    """Why it cannot be played here; None when it can."""
    missing = why_no_samba()
    if missing:
        return missing
    if shutil.which("mkfs.ext4") is None or not pathlib.Path("/dev/loop-control").exists():
        return "no loop devices or no mkfs.ext4 here: each file server has a file system of its own"
    if KERNEL_EAR not in program.read_bytes() or not pathlib.Path("/sys/kernel/btf/vmlinux").exists():
        return "no BPF here: a guard in a network of its own would hear of no processes"
    if not (program.parent / "guard_sim").exists():
        return "guard_sim is not built beside the program (ninja guard_sim)"
    return None


class Wrong(Exception):
    """What was promised and did not come."""


# ---- a program, and what it says ------------------------------------------------------------------


class Daemon:
    """A process whose lines are kept with the moment at which each came."""

    def __init__(self, name, words):
        self.name, self.words = name, [str(word) for word in words]
        self.process, self.lines, self.threads = None, [], []

    def start(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.threads = [threading.Thread(target=self._read, args=(pipe,), daemon=True)
                        for pipe in (self.process.stdout, self.process.stderr)]
        for thread in self.threads:
            thread.start()
        self.wait(r"\bready\b")
        return self

    def _read(self, pipe):
        for line in pipe:
            self.lines.append((time.time(), line.rstrip("\n")))

    def said(self):
        return "\n".join(line for _, line in self.lines)

    def found(self, pattern, after=0.0):
        """(when, match) of the first line since then."""
        for when, line in list(self.lines):
            if when >= after and (match := re.search(pattern, line)):
                return when, match
        return None

    def wait(self, pattern, after=0.0, seconds=WITHIN):
        end = time.monotonic() + seconds
        while not (found := self.found(pattern, after)):
            if time.monotonic() > end or self.process is None or self.process.poll() is not None:
                raise Wrong(f"{self.name} did not say '{pattern}':\n{self.said()[-3000:]}")
            time.sleep(0.005)
        return found

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for thread in self.threads:
            thread.join(WITHIN)
        self.process = None


def ask(program, *words, may=(0,), stdin=""):
    done = subprocess.run([str(program), *map(str, words)], input=stdin, capture_output=True, text=True, errors="replace",
                          timeout=10 * WITHIN, check=False)
    if done.returncode not in may:
        raise Wrong(f"'breakwater {' '.join(map(str, words))}' ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def wait_for(what, otherwise, *daemons, seconds=WITHIN):
    end = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() > end:
            raise Wrong(otherwise + "".join(f"\n--- {one.name}\n{one.said()[-2500:]}" for one in daemons))
        time.sleep(0.02)
    return value


# ---- an exchange -------------------------------------------------------------------------------------


class Exchange:
    """A node of the accord: serve for its own people, accord run for its partner."""

    def __init__(self, program, folder, name, number, collection):
        self.program, self.name, self.collection = program, name, collection
        self.data = folder / name
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("a passphrase for keys\n")
        self.place = f"198.51.100.{number}"
        self.file = folder / f"{name}.accord"
        ask(program, "init", self.data, "--passphrase-file", self.passphrase)
        self.run("collection", "add", f"What a guard in {name} reports", "--alias", collection)
        self.run("account", "add", "guard", "--password-stdin", stdin="correct horse battery staple\n")
        self.run("account", "grant", "guard", collection, "both")
        self.key = folder / f"{name}.key"
        self.key.write_text(re.search(r"\bbwk_\S+", self.run("account", "key", "guard")).group(0) + "\n")
        self.key.chmod(0o600)

    def run(self, *words, **more):
        return ask(self.program, *words, "--data", self.data, **more)

    def signs(self, *words):
        return self.run("accord", *words, "--yes", "--passphrase-file", self.passphrase)

    def start_serve(self, network):
        self.serve = Daemon(f"{self.name}: serve", network.inside(
            self.program, "serve", "--listen", f"127.0.0.1:{CLIENTS}", "--data", self.data)).start()

    def start(self, network):
        self.start_serve(network)
        self.accords = Daemon(f"{self.name}: accord run", network.inside(
            self.program, "accord", "run", "--listen", f"{self.place}:{PARTNERS}", "--log-listen",
            f"{self.place}:{CACHES}", "--data", self.data)).start()

    def url(self, collection):
        return f"https://127.0.0.1:{CLIENTS}/api/collections/{collection}/"

    def collections(self):
        return [json.loads(line) for line in self.run("collection", "list", "--format", "json").splitlines()]

    def stop(self):
        for daemon in ("accords", "serve"):
            if hasattr(self, daemon):
                getattr(self, daemon).stop()


def meet(program, host, guest):
    """Two people read each other the codes that their screens show."""
    with contextlib.ExitStack() as stack:
        def begin(node, *words):
            made = subprocess.Popen([str(program), "peer", *map(str, words), "--data", str(node.data), "--passphrase-file",
                                     str(node.passphrase)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)
            stack.callback(made.kill)
            return made

        def until(screen, pattern):
            said = ""
            while not (found := re.search(pattern, said)):
                piece = screen.stdout.read(1)
                if not piece:
                    raise Wrong(f"the nodes did not meet: {said}")
                said += piece
            return found

        one = begin(host, "invite", "--listen", "127.0.0.1:0", "--label", host.name, "--as", guest.name, "--address",
                    f"https://{host.place}:{PARTNERS}/")
        url = until(one, r"peer accept (https://127\.0\.0\.1:\d+/\w+)\n")[1]
        other = begin(guest, "accept", "--label", guest.name, "--as", host.name, "--address",
                      f"https://{guest.place}:{PARTNERS}/", url)
        codes = [until(screen, r"Read aloud: +(\d{4} \d{4})(?s:.*)Type what you are read: ")[1] for screen in (one, other)]
        for screen, heard in ((one, codes[1]), (other, codes[0])):
            screen.stdin.write(heard + "\n")
            screen.stdin.flush()
        for screen in (one, other):
            said, _ = screen.communicate(timeout=WITHIN)
            if screen.returncode != 0:
                raise Wrong(f"the nodes did not meet: {said}")


def agree(one, other, operators):
    terms = [word for kind in ("indicators", "sightings") for side in ("--we-tell", "--they-tell") for word in (side, kind)]
    one.signs("propose", ACCORD, "--with", other.name, "--name", one.name, "--basis", "A charter of 2021", *terms,
              "--we-tell-from", one.collection, "--they-tell-from", other.collection, *operators)
    for giver, taker in ((one, other), (other, one)):
        giver.file.write_text(giver.run("accord", "export", ACCORD))
        taker.run("accord", "receive", giver.file)
        if taker is other:
            taker.signs("sign", ACCORD)


class Operator:
    """An independent witness."""

    def __init__(self, program, folder):
        self.program, self.data, self.place = program, folder / "operator", f"198.51.100.3:{WITNESS}"
        ask(program, "witness", "init", "--name", "witness.example/one", "--data", self.data)
        self.keys = ask(program, "witness", "key", "--data", self.data).split()

    def terms(self):
        return [word for key in self.keys for word in ("--operator", f"{key} http://{self.place}/")]

    def start(self, network):
        self.daemon = Daemon("operator: witness", network.inside(
            self.program, "witness", "run", "--listen", self.place, "--data", self.data)).start()

    def stop(self):
        if hasattr(self, "daemon"):
            self.daemon.stop()


# ---- a file server ---------------------------------------------------------------------------------------


def digests(tree):
    """What everybody can see of every file: name and bytes."""
    return {path.relative_to(tree): hashlib.sha256(path.read_bytes()).digest() for path in sorted(tree.rglob("*"))
            if path.is_file() and not path.is_symlink() and ".breakwater-sim" not in path.parts}


class Server:
    """A Samba share on an ext4 of its own, and the guard of it, which hears and tells the country's exchange."""

    def __init__(self, program, folder, name, seed, files, net):
        self.program, self.name, self.seed, self.files = program, name, seed, files
        self.folder = folder / name
        self.mount, self.data = self.folder / "volume", self.folder / "guard"
        self.mount.mkdir(parents=True)
        self.folder.chmod(0o711)
        image = self.folder / "image"
        with open(image, "wb") as file:
            file.truncate(512 << 20)
        run("mkfs.ext4", "-q", image)
        run("mount", "-o", "loop", image, self.mount)
        self.share = self.mount / "share"
        self.share.mkdir()
        self.share.chmod(0o777)
        self.rig = Rig(self.folder / "rig", self.share, users=[ATTACKER, HONEST], net=net)
        self.guard = None
        self.closing = contextlib.ExitStack()

    def start(self):
        self.rig.start()
        self.home = self.share / "work"
        run(self.sim, "seed", self.home, "--files", self.files, "--seed", self.seed, "--owners",
            pwd.getpwnam(ATTACKER).pw_uid)
        self.home.chmod(0o777)
        self.command("enroll", self.share)
        with open(self.data / "guard" / "settings", "a", encoding="utf-8") as settings:
            settings.write(f"samba {self.rig.config}\n")

    def run_guard(self, exchange, hears):
        self.guard = Daemon(f"{self.name}: guard", self.rig.inside(
            self.program, "guard", "run", "--data", self.data, "--mode", "enforce", "--exchange", exchange.url(hears),
            "--report-to", exchange.url(exchange.collection), "--key", exchange.key, "--cacert",
            exchange.data / "tls" / "cert.pem")).start()

    @property
    def sim(self):
        return self.program.parent / "guard_sim"

    def command(self, *words, may=(0,)):
        return ask(self.program, "guard", *words, "--data", self.data, may=may)

    def json(self, *words, may=(0, 1)):
        return json.loads(self.command(*words, "--format", "json", may=may))

    def values(self):
        return {value["value"]: value for value in self.json("foreign", "list")["values"]}

    def ready(self, names):
        """(when, how many) since the judge looks for all that was told, these names among it; None: not yet."""
        values = self.values()
        wanted = sum(value["what"] in ("name", "ending", "address", "harm") and value["state"] != "own"
                     for value in values.values())
        looks = [(when, int(found[1])) for when, line in list(self.guard.lines)
                 if (found := re.search(r"looked for from now on.* values=(\d+)", line))]
        if not {name.lower() for name in names} <= set(values) or not looks or looks[-1][1] < wanted:
            return None
        return next(look for look in looks if look[1] == looks[-1][1])

    def note(self, text, names=NOTES):
        """The attacker's notes, put into every folder over the share before anything else; how many could be written. His
        session stays open, and is ended with the attack."""
        places = sorted(path.relative_to(self.share) for path in self.home.rglob("*")
                        if path.is_dir() and ".breakwater-sim" not in path.parts)
        for number, name in enumerate(names):
            (self.rig.state / f"note{number}").write_text(f"{text} ({name})\n", encoding="utf-8")
        written = 0
        session = self.session = self.rig.session(ATTACKER, 0)
        self.closing.callback(session.close)
        for place, number in ((place, n) for place in (self.home.relative_to(self.share), *places)
                              for n in range(len(names))):
            said = session.say(f'put note{number} "{place}/{names[number]}"', seconds=5 * PATIENCE)
            written += "putting file" in said
            if "NT_STATUS_CONNECTION" in said or not session.is_open():
                break
        return written

    def attack(self, strain):
        """The simulator over SMB, as fast as it can: it goes on by itself until it is cut off."""
        return subprocess.Popen(
            self.rig.clients[0].inside(self.sim, "run", self.home, "--pattern", "S61", "--strain", strain, "--share",
                                       f"//{self.rig.server}/share", "--share-folder", "work", "--login",
                                       self.rig.login(ATTACKER)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def harmed(self, before, names=NOTES):
        """The files of `before` that are not as they were, and when the last of them was written."""
        now = digests(self.home)
        gone = [name for name, digest in before.items() if now.get(name) != digest]
        made = [self.home / name for name in now if now[name] != before.get(name) and name.name not in names]
        return gone, max((path.stat().st_mtime for path in made), default=None)

    def restore(self):
        self.command("restore", "--incident", "last", "--yes")

    def may_enter(self, user, client):
        with self.rig.session(user, client) as session:
            return session.works()

    def close(self):
        if self.guard is not None:
            self.guard.stop()
        self.closing.close()
        self.rig.stop()
        subprocess.run(["umount", "-l", self.mount], check=False, capture_output=True)


def touched(attack):
    """How many files an attack reached by its own account; None: it was not let in."""
    said, _ = attack.communicate(timeout=10 * WITHIN)
    return json.loads(said)["touched"] if attack.returncode == 0 else None


# ---- all of it ------------------------------------------------------------------------------------------------


class Nations:
    def __init__(self, program, folder, files=120, say=lambda what, text: None):
        self.program, self.folder, self.files, self.say = program, pathlib.Path(folder), files, say
        self.closing = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._begin()
        except BaseException:
            self.closing.close()
            raise
        return self

    def __exit__(self, *_):
        self.closing.close()

    def _begin(self):
        self.folder.chmod(0o711)
        for user in (ATTACKER, HONEST):
            self._add_user(user)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            # every guard on this machine hears of every smbd, and stops whom it keeps out: no address is used twice
            net = f"10.{random.randrange(100, 250)}"
            made = [pool.submit(self._server, *row) for row in (("school", 7, f"{net}.1"), ("hospital", 11, f"{net}.2"))]
            self._make_peace()
            self.school, self.hospital = (one.result() for one in made)
        self._connect()
        self.say("Started", "an exchange and a guarded Samba share in each country, and an independent witness: each with"
                            " keys, data and a network of its own")

    def _add_user(self, user):
        """Of the system: both servers have accounts for them."""
        try:
            pwd.getpwnam(user)
        except KeyError:
            run("useradd", "--no-create-home", "--no-user-group", "--shell", "/usr/sbin/nologin", user)
            self.closing.callback(subprocess.run, ["userdel", user], check=False, capture_output=True)

    def _make_peace(self):
        self.uk = Exchange(self.program, self.folder, "uk", 1, "school")
        self.us = Exchange(self.program, self.folder, "us", 2, "hospital")
        self.operator = Operator(self.program, self.folder)
        meet(self.program, self.uk, self.us)
        self.say("Met", "the two exchanges: two people read each other a code, and each node knows the other's keys")
        agree(self.uk, self.us, self.operator.terms())
        keys = [key for node in (self.uk, self.us) for key in node.run("accord", "log-keys", ACCORD).split()]
        ask(self.program, "witness", "trust", *keys, "--data", self.operator.data)
        self.say("Signed", "an accord by both, with both algorithms: indicators and sightings, TLP:AMBER at most, 90 days;"
                           " ally and an independent operator cosign")

    def _server(self, name, seed, net):
        made = Server(self.program, self.folder, name, seed, self.files, net)
        self.closing.callback(made.close)
        made.start()
        return made

    def _join(self, network, number, last):
        """A cable from the network to the world's bridge."""
        pid = network.holder.pid
        run(*self.world.inside("ip", "link", "add", f"wan{last}", "type", "veth", "peer", "name", "wan", "netns", pid))
        run(*self.world.inside("ip", "link", "set", f"wan{last}", "master", "world", "up"))
        run(*network.inside("ip", "addr", "add", f"198.51.100.{number}/24", "dev", "wan"))
        run(*network.inside("ip", "link", "set", "wan", "up"))

    def _connect(self):
        self.world = Network()
        self.closing.callback(self.world.close)
        run(*self.world.inside("ip", "link", "add", "world", "type", "bridge"))
        run(*self.world.inside("ip", "link", "set", "world", "up"))
        elsewhere = Network()
        self.closing.callback(elsewhere.close)
        for number, network in enumerate((self.school.rig.network, self.hospital.rig.network, elsewhere), 1):
            self._join(network, number, number)
        self.closing.callback(self.operator.stop)
        self.operator.start(elsewhere)
        for exchange, server in ((self.uk, self.school), (self.us, self.hospital)):
            self.closing.callback(exchange.stop)
            exchange.start(server.rig.network)
        for exchange, partner, server in ((self.uk, self.us, self.school), (self.us, self.uk, self.hospital)):
            wait_for(lambda e=exchange, p=partner: f"from-{p.name}" in e.run("collection", "list"),
                     "there is no collection for the partner", exchange.serve, exchange.accords)
            exchange.run("account", "grant", "guard", f"from-{partner.name}", "read")
            self.closing.callback(server.close)
            server.run_guard(exchange, f"from-{partner.name}")
        for node in (self.uk, self.us):
            node.accords.wait("stream of the partner begun")

    def daemons(self):
        return [self.school.guard, self.uk.serve, self.uk.accords, self.operator.daemon, self.us.accords, self.us.serve,
                self.hospital.guard]
