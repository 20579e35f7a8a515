"""The keeper's socket for the ledger of `accord run`: what a partner told, with where it came from, and no more."""

import array
import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import struct
import time

import pytest
import stix
from exchange import ROOT, patience, wait_until
from test_events import Hearer

LAKE, HILL = bytes([0xA1] * 32), bytes([0xB2] * 32)
ACCORD = bytes([0xAC] * 32)
TYPES = re.findall(r'X\(\w+, "([\w-]+)", \w+\)', (ROOT / "src/intel/types.h").read_text())
VERBS = re.findall(r'X\((\w+), "[\w-]+", +"', (ROOT / "src/desk/office.h").read_text())
ASK, ANSWER, WITH_FD = 64, 65, 0x80
FOR_EVER = (1 << 63) - 1


def block(data):
    return struct.pack(">I", len(data)) + data


def policy(until=FOR_EVER, tlp=3):
    """AMBER, everybody, every purpose, any lawful action."""
    return struct.pack(">qqIIBBBB", -(1 << 63), until, 127, 0xFFFFFFFF, tlp, 4, 0, 100)


def record(thing):
    body = json.dumps(thing, separators=(",", ":")).encode()
    canonical = json.dumps(thing, separators=(",", ":"), sort_keys=True).encode()
    fields = bytes([TYPES.index(thing["type"]) + 1, 0, 0x21, 0]) + hashlib.sha256(canonical).digest()
    for text in (thing["id"], thing["type"], thing["modified"], thing["created"], ""):
        fields += block(text.encode())
    fields += block(body) + struct.pack(">II", 0, 0)
    return block(fields)


def delivery(things, until=FOR_EVER, path=(HILL,), taken=lambda number: True):
    rows = b""
    for number in range(len(things)):
        if taken(number):
            rows += b"\1" + struct.pack(">QB", number, len(path)) + b"".join(path) + policy(until)
        else:
            rows += b"\0"
    return b"BWD1" + ACCORD + struct.pack(">I", len(things)) + rows + b"BWB1" + b"".join(map(record, things))


def sealed(data):
    fd = os.memfd_create("delivery", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, 1033, 2 | 4 | 8)  # F_ADD_SEALS: shrink, grow, write
    return fd


class Ended(Exception):
    """The other side has closed."""


class Door:
    def __init__(self, exchange, name="partners"):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60 * patience())
        folder = os.open(exchange.folder, os.O_PATH)
        self.socket.connect(f"/proc/self/fd/{folder}/{name}")
        os.close(folder)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece, rights, _, _ = self.socket.recvmsg(count - len(data), socket.CMSG_SPACE(4))
            for level, kind, value in rights:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    os.close(array.array("i", value[:4])[0])
            if not piece:
                raise Ended
            data += piece
        return data

    def ask(self, verb, *fields, fd=None):
        """(error, words, result)"""
        form = block(struct.pack(">Q", VERBS.index(verb))) + b"".join(map(block, fields))
        form += block(b"") * (4 - len(fields))
        frame = struct.pack(">BBI", 1, ASK | (WITH_FD if fd is not None else 0), len(form)) + form
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd is not None else []
        try:
            self.socket.sendmsg([frame], rights)
            _, kind, length = struct.unpack(">BBI", self._exactly(6))
            body = self._exactly(length)
        except (BrokenPipeError, ConnectionResetError):
            raise Ended from None
        assert kind & 0x7F == ANSWER
        fields = self.fields(body)
        return struct.unpack(">Q", fields[0])[0], fields[1].decode(), fields[2]

    @staticmethod
    def fields(body):
        found = []
        while body:
            (length,) = struct.unpack(">I", body[:4])
            found.append(body[4 : 4 + length])
            body = body[4 + length :]
        return found

    def bring(self, data, node=LAKE, label=b"Lake centre"):
        """What became of it: added, duplicate, conflict, revoked, erased, skipped, and the collection."""
        fd = sealed(data)
        try:
            error, words, result = self.ask("PARTNER", node, label, fd=fd)
        finally:
            os.close(fd)
        assert error == 0, words
        *counts, collection = self.fields(result)
        return [struct.unpack(">Q", count)[0] for count in counts], collection.decode()

    def close(self):
        self.socket.close()


@pytest.fixture
def door(exchange):
    with contextlib.closing(Door(exchange)) as opened:
        yield opened


@pytest.fixture
def node():
    """A partner of this story alone."""
    return os.urandom(32)


def collections(exchange):
    listed = exchange.command("collection", "list", "--format", "json").stdout
    return {row["id"]: row for row in map(json.loads, listed.splitlines())}


def read_all(exchange, collection):
    exchange.grant("reader", collection, "read")
    answer = exchange.client("reader").get(f"/api/collections/{collection}/objects/")
    return [thing["id"] for thing in answer.json().get("objects", [])]


def test_what_a_partner_told_is_in_its_own_collection_and_says_where_it_came_from(exchange, door, node):
    things = [stix.indicator(number) for number in range(3)]
    counts, collection = door.bring(delivery(things, taken=lambda number: number != 1), node)
    assert counts == [2, 0, 0, 0, 0, 1]
    row = collections(exchange)[collection]
    assert row["title"] == "Lake centre" and row["from"] == "bw1" + node.hex() and row["objects"] == 2
    assert read_all(exchange, collection) == [things[0]["id"], things[2]["id"]]
    exchange.grant("reader", collection, "read")
    hearer = Hearer(exchange, exchange.client("reader"), collection, "?added_after=1970-01-01T00:00:00Z")
    heard = json.loads(hearer.next()["data"])
    hearer.close()
    assert [thing["id"] for thing in heard["objects"]] == [things[0]["id"], things[2]["id"]]
    assert heard["from"] == [
        {"node": "bw1" + node.hex(), "path": ["bw1" + HILL.hex()], "accord": ACCORD.hex(), "entry": number,
         "tlp": "amber", "actions": "externally-visible-direct-actions", "confidence": 100}
        for number in (0, 2)]
    assert f"bw1{node.hex()}" in exchange.command("audit", "show").stdout
    # handed over twice, after a crash between the two: nothing is there twice
    counts, again = door.bring(delivery(things, taken=lambda number: number != 1), node)
    assert counts == [0, 2, 0, 0, 0, 1] and again == collection


def test_what_came_under_an_accord_that_asks_for_it_goes_when_it_ends(exchange, door, node):
    things = [stix.indicator(number) for number in range(5)]
    _, collection = door.bring(delivery(things), node)
    assert len(read_all(exchange, collection)) == 5
    error, words, result = door.ask("ACCORD_OVER", node, ACCORD)
    assert error == 0 and struct.unpack(">Q", door.fields(result)[0])[0] == 5, words
    wait_until(lambda: read_all(exchange, collection) == [], "it is still there")
    assert "accord-over" in exchange.command("audit", "show").stdout


def test_a_delivery_that_does_not_fit_leaves_nothing(exchange, door, node):
    things = [stix.indicator(number) for number in range(300)]
    whole = delivery(things)
    for data in (whole[:-1], b"BWD1" + ACCORD + struct.pack(">I", 299) + whole[40:], b"no delivery"):
        fd = sealed(data)
        error, words, _ = door.ask("PARTNER", node, b"Lake", fd=fd)
        os.close(fd)
        assert error != 0 and words
    assert not [row for row in collections(exchange).values() if row.get("from") == "bw1" + node.hex()]
    assert door.bring(delivery(things), node)[0][0] == 300


def test_the_door_opens_for_nothing_else(exchange):
    fields = {"NOTE": (b"erase", b"x", b"y")}
    for verb in VERBS:
        if verb in ("PARTNER", "ACCORD_OVER", "MEMORY", "BULLETIN"):
            continue
        with contextlib.closing(Door(exchange)) as opened, pytest.raises(Ended):
            opened.ask(verb, *fields.get(verb, (b"a collection", b"x")))
    with contextlib.closing(Door(exchange, "control")) as desk, pytest.raises(Ended):
        desk.bring(delivery([stix.indicator()]))
    with contextlib.closing(Door(exchange)) as opened:
        assert opened.ask("NOTE", b"accord-batch", b"uk-us", b"17 sent")[0] == 0
        assert opened.ask("MEMORY")[0] == 0 and opened.ask("BULLETIN")[0] == 0
    noted = exchange.command("audit", "show").stdout
    assert "accord-batch" in noted and "17 sent" in noted


def test_what_may_be_kept_for_a_time_goes_when_that_is_over(own_exchange):
    exchange = own_exchange()
    exchange.start()
    exchange.add_account("reader")
    things = [stix.indicator(number) for number in range(4)]
    with contextlib.closing(Door(exchange)) as door:
        _, collection = door.bring(delivery(things[:2], until=int(time.time() * 1e6) - 1))
        door.bring(delivery(things[2:], until=int(time.time() * 1e6) + 10**12))
    assert exchange.stop() == 0
    exchange.start()  # the keeper looks when it begins, and twice a minute after that
    wait_until(lambda: read_all(exchange, collection) == [thing["id"] for thing in things[2:]], "it is still there")
    assert "retention-over" in exchange.command("audit", "show").stdout
    assert exchange.command("verify", check=False).returncode == 0
