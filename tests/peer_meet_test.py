"""Two nodes meet, as two people at two terminals do it. Real TLS, two data folders."""

import json
import re
import socket
import ssl
import subprocess

import pytest
from exchange import binary, patience

WITHIN = 60 * patience()


class Node:
    """One data folder, and the command that runs on it now."""

    def __init__(self, folder, name):
        self.data, self.name = folder / name, name
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text("a passphrase for keys\n")
        self.run("init", self.data, "--passphrase-file", self.passphrase)
        self.process, self.said = None, ""

    def run(self, *words, status=0):
        done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, timeout=WITHIN, check=False)
        assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def peer(self, *words, status=0):
        return self.run("peer", *words, "--data", self.data, status=status)

    def peers(self):
        return [json.loads(line) for line in self.peer("list", "--format", "json").splitlines()]

    def own_name(self):
        return re.search(r"bw1[0-9a-f]{64}", self.run("keys", "show", "--data", self.data))[0]

    def begin(self, *words):
        self.process = subprocess.Popen(
            [binary(), "peer", *words, "--data", self.data, "--passphrase-file", self.passphrase],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def read_until(self, words):
        while words not in self.said:
            piece = self.process.stdout.read(1)
            assert piece, self.said
            self.said += piece
        return self.said

    def code(self):
        return re.search(r"Read aloud: +(\d{4} \d{4})", self.read_until("Type what you are read: "))[1]

    def type(self, words):
        """What it says after that, and how it ends."""
        rest, _ = self.process.communicate(words + "\n", timeout=WITHIN)
        self.said += rest
        return self.process.returncode

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def nodes(tmp_path):
    made = [Node(tmp_path, "harbour"), Node(tmp_path, "lake")]
    yield made
    for node in made:
        node.close()


def invite(host, *more):
    host.begin("invite", "--listen", "127.0.0.1:0", "--label", "Harbour centre", *more)
    host.read_until("peer accept ")
    host.said += host.process.stdout.readline()
    return re.search(r"peer accept (https://127\.0\.0\.1:\d+/\w+)\n", host.said)[1]


def test_two_people_read_codes_aloud_and_their_nodes_know_each_other(nodes):
    host, guest = nodes
    url = invite(host, "--address", "https://harbour.example:7443/")
    guest.begin("accept", "--label", "Lake centre", "--as", "the harbour", url)
    aloud, heard = host.code(), guest.code()
    assert aloud != heard
    assert host.type(heard) == 0, host.said
    assert guest.type(aloud.replace(" ", "-")) == 0, guest.said
    (known,) = guest.peers()
    assert known["node"] == host.own_name() and known["label"] == "the harbour"
    assert known["calls_itself"] == "Harbour centre" and known["address"] == "https://harbour.example:7443/"
    (known,) = host.peers()
    assert known["node"] == guest.own_name() and known["label"] == "Lake centre" and known["address"] == ""
    assert "peer-met" in host.run("audit", "show", "--data", host.data)
    assert guest.own_name() in host.peer("show", "Lake centre") == host.peer("show", known["node"][:12])
    host.peer("remove", "Lake centre")
    assert host.peers() == [] and "no peer is called" in host.peer("show", "Lake centre", status=3)
    host.run("verify", "--data", host.data)


def test_a_wrong_code_stores_nothing(nodes):
    host, guest = nodes
    guest.begin("accept", invite(host))
    aloud = host.code()
    assert guest.type("1234 5678" if aloud != "1234 5678" else "1234 5679") == 3
    assert "nothing was stored" in guest.said and "somebody may be in between" in guest.said
    assert host.type(aloud) == 3  # what his own screen shows is no answer either
    assert host.peers() == guest.peers() == []


def test_strangers_at_the_door_neither_get_in_nor_end_the_invitation(nodes):
    host, guest = nodes
    url = invite(host)
    port = int(re.search(r":(\d+)/", url)[1])
    for noise in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + bytes(300), b""):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(noise)
    classical = ssl.create_default_context()
    classical.check_hostname, classical.verify_mode = False, ssl.CERT_NONE
    classical.set_ecdh_curve("prime256v1")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("127.0.0.1", port)) as raw, classical.wrap_socket(raw):
            pass
    for _ in range(3):  # who found the port, and not the word in the address
        said = guest.peer("accept", f"https://127.0.0.1:{port}/", "--passphrase-file", guest.passphrase, status=3)
        assert "not an invitation" in said
    guest.begin("accept", url)
    aloud, heard = host.code(), guest.code()
    assert host.type(heard) == 0 and guest.type(aloud) == 0
    assert len(host.peers()) == len(guest.peers()) == 1


def test_a_node_that_is_known_is_not_met_twice(nodes):
    host, guest = nodes
    for turn in range(2):
        guest.begin("accept", invite(host))
        aloud, heard = host.code(), guest.code()
        assert (host.type(heard), guest.type(aloud)) == ((0, 0) if turn == 0 else (3, 3))
        if turn == 1:
            assert "is a peer already" in host.said and "peer remove" in host.said
        host.said = guest.said = ""


def test_what_cannot_be_is_said_plainly(nodes):
    host, guest = nodes
    assert "not an address like https://" in guest.peer("accept", "http://127.0.0.1:1/", status=2)
    assert "not an address and port" in host.peer("invite", "--listen", "here", "--passphrase-file", host.passphrase, status=2)
    assert "nobody came" in host.peer("invite", "--listen", "127.0.0.1:0", "--wait", "1s", "--passphrase-file",
                                      host.passphrase, status=3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"https://127.0.0.1:{taken.getsockname()[1]}/"
        assert "127.0.0.1" in guest.peer("accept", closed, "--passphrase-file", guest.passphrase, status=3)
    assert "no peers yet" in host.peer("list")
