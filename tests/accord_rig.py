"""Two nodes with everything that runs: `serve` and `accord run` each on its own data folder, and a third party's witness."""

import json
import random
import subprocess
import time

import pytest
import stix
from accord_sign_test import Party
from exchange import READY_WITHIN, binary, children_of, patience, process, wait_until
from peer_meet_test import invite

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"


def own_host():
    """An address of the loopback net that nobody else listens at, whatever tests run beside this one."""
    return f"127.{random.randrange(2, 255)}.{random.randrange(1, 255)}.{random.randrange(2, 255)}"


PARTNERS_PORT, CACHES_PORT, WITNESS_PORT = 7443, 7480, 7481


class Daemon:
    """A program that says one line when it is ready. `prefix` stands before the command."""

    def __init__(self, log, *words):
        self.log, self.words = log, [str(word) for word in words]
        self.prefix, self.env = [], None
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.prefix, binary(), *self.words], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True, env=self.env)
        line = self.process.stdout.readline()
        assert "ready" in line, (line, self.said()[-3000:])
        return line

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def workers(self):
        return children_of(self.process.pid)

    def worker(self, name):
        return [pid for pid, comm in self.workers().items() if comm.startswith(f"bw-{name}")]

    def stop(self):
        if self.process is None:
            return 0
        self.process.terminate()
        status = self.process.wait(timeout=READY_WITHIN)
        self.process.stdout.close()
        self.process = None
        return status

    def kill(self):
        if self.process is None:
            return
        workers = self.workers()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None
        wait_until(lambda: not any((process(pid) or ("",))[0] == name for pid, name in workers.items()),
                   "workers outlive their parent")


class Partner(Party):
    """A node that serves and exchanges."""

    def __init__(self, folder, name, host=None):
        super().__init__(folder, name)
        self.file = folder / f"{name}.accord"
        self.host = host or own_host()
        self.address = f"https://{self.host}:{PARTNERS_PORT}/"
        self.serve = Daemon(folder / f"{name}-serve.log", "serve", "--plain", "--listen", "127.0.0.1:0", "--data", self.data)
        self.accords = Daemon(folder / f"{name}-accord.log", "accord", "run", "--listen", f"{self.host}:{PARTNERS_PORT}",
                              "--log-listen", f"{self.host}:{CACHES_PORT}", "--data", self.data)

    def start(self):
        self.serve.start()
        self.accords.start()

    def stop(self):
        for daemon in (self.accords, self.serve):
            daemon.kill()
        self.close()

    def add(self, collection, *objects):
        bundle = self.file.with_suffix(".json")
        bundle.write_text(json.dumps({"objects": list(objects)}))
        return self.run("import", "--data", self.data, "--collection", collection, bundle)

    def object(self, object_id):
        """As it is here now, or None."""
        done = subprocess.run([binary(), "show", "--format", "json", "--data", str(self.data), object_id],
                              capture_output=True, text=True, timeout=60 * patience(), check=False)
        return done.stdout if done.returncode == 0 else None

    def has(self, thing):
        return self.object(thing["id"]) is not None

    def audit(self):
        return self.run("audit", "show", "--data", self.data)

    def words(self):
        return f"--- {self.name}: serve\n{self.serve.said()[-4000:]}\n--- {self.name}: accord\n{self.accords.said()[-6000:]}"


class Witness:
    """An independent operator."""

    def __init__(self, folder, name="witness.example/one"):
        self.data, self.place = folder / "witness", f"{own_host()}:{WITNESS_PORT}"
        self.url = f"http://{self.place}/"
        self.run("init", "--name", name)
        self.keys = self.run("key").split()
        self.daemon = Daemon(folder / "witness.log", "witness", "run", "--listen", self.place, "--data", self.data)

    def run(self, *words):
        done = subprocess.run([binary(), "witness", *words, "--data", str(self.data)], capture_output=True, text=True,
                              timeout=60 * patience(), check=False)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def operators(self):
        """For `accord propose`."""
        return [word for key in self.keys for word in ("--operator", f"{key} {self.url}")]


def meet(one, other):
    one.said = other.said = ""
    url = invite(one, "--as", other.name, "--address", one.address)
    other.begin("accept", "--label", other.name, "--as", one.name, "--address", other.address, url)
    aloud, heard = one.code(), other.code()
    assert one.type(heard) == 0, one.said
    assert other.type(aloud) == 0, other.said


def agree(one, other, *terms, accord="uk-us", ours="ransomware", theirs="seen"):
    """Both tell indicators and sightings, from the collections that are called so."""
    one.signs("propose", accord, "--with", other.name, "--name", "The United Kingdom", "--basis", "Charter of 2021",
              "--we-tell", "indicators", "--we-tell", "sightings", *from_all("--we-tell-from", ours),
              "--they-tell", "sightings", "--they-tell", "indicators", *from_all("--they-tell-from", theirs), *terms)
    hand_over(one, other, accord)
    other.signs("sign", accord)
    hand_over(other, one, accord)


def from_all(option, collections):
    return [word for name in collections.split(",") for word in (option, name)]


def hand_over(giver, taker, accord="uk-us"):
    giver.file.write_text(giver.accord("export", accord))
    return taker.accord("receive", giver.file)


def until(claim, what, *partners):
    """Waits for a state; when it does not come, everything that was said is shown."""
    deadline = time.monotonic() + READY_WITHIN
    while not claim():
        assert time.monotonic() < deadline, what + "\n" + "\n".join(partner.words() for partner in partners)
        time.sleep(0.05 * patience())


def without_trouble(*partners):
    for partner in partners:
        words = partner.serve.said() + partner.accords.said()
        for bad in ("Sanitizer", "runtime error:", "Assertion", "makes no sense", "channel given up", "worker died"):
            assert bad not in words, partner.words()


def green(number, **more):
    return stix.indicator(number, object_marking_refs=[GREEN], **more)


@pytest.fixture
def partners(tmp_path):
    uk, us = Partner(tmp_path, "uk"), Partner(tmp_path, "us")
    try:
        uk.run("collection", "add", "Ransomware", "--alias", "ransomware", "--data", uk.data)
        us.run("collection", "add", "Seen", "--alias", "seen", "--data", us.data)
        meet(uk, us)
        yield uk, us
    finally:
        uk.stop()
        us.stop()


__all__ = [name for name in dir() if not name.startswith("_")]
