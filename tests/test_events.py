"""Clients that stay connected and hear what is new: in order, nothing lost, nothing twice, and nothing they may not read."""

import itertools
import json
import os
import re
import signal

import pytest
import stix
from exchange import add, walk_ids, objects_of, patience, wait_until
from wire import Connection, Gone

EVENTS = "text/event-stream"


class Hearer:
    """A connection that asked for events; what came is read piece by piece."""

    def __init__(self, exchange, client, collection, query="", last=None):
        self.connection = Connection(exchange.host, exchange.port, exchange.context(), timeout=60 * patience())
        headers = [("Last-Event-ID", last)] if last else []
        self.connection.send(client.head_of("GET", f"/api/collections/{collection}/events/{query}", headers, EVENTS, None))
        self.status = int(self.connection._line().split()[1])
        self.headers = {}
        while line := self.connection._line():
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.text, self.last, self.ended = "", last, False

    def _piece(self):
        size = int(self.connection._line(), 16)
        data = self.connection._exactly(size)
        assert self.connection._line() == ""
        self.ended = size == 0
        self.text += data.decode()

    def next(self):
        """The next event that says something, as its fields; None at the end of the stream."""
        while True:
            while "\n\n" not in self.text:
                if self.ended:
                    return None
                self._piece()
            words, self.text = self.text.split("\n\n", 1)
            fields = dict(line.split(": ", 1) for line in words.split("\n") if not line.startswith(":"))
            if "data" in fields:
                self.last = fields["id"]
                return fields

    def ids(self, count):
        heard = []
        while len(heard) < count:
            event = self.next()
            assert event is not None and event["event"] == "objects", (event, heard)
            heard += [thing["id"] for thing in json.loads(event["data"])["objects"]]
        return heard

    def close(self):
        self.connection.close()


@pytest.fixture
def hear(exchange):
    open_ones = []

    def make(client, collection, *more, **words):
        open_ones.append(Hearer(exchange, client, collection, *more, **words))
        return open_ones[-1]

    yield make
    for one in open_ones:
        one.close()


@pytest.fixture
def place(exchange):
    """A collection of its own; `hearer` may read it, `teller` write too, `stranger` nothing."""
    for name in ("hearer", "teller", "stranger"):
        if name not in exchange.command("account", "list").stdout:
            exchange.add_account(name)
    return exchange.add_collection(hearer="read", teller="both")


def test_what_is_new_is_heard_in_the_order_it_came(exchange, place, hear):
    writer = exchange.client("teller")
    add(writer, place, stix.indicator())  # before: not heard
    one = hear(exchange.client("hearer"), place)
    assert one.status == 200 and one.headers["content-type"] == EVENTS and "content-length" not in one.headers
    things = [stix.indicator(number) for number in range(30)]
    for thing in things:
        add(writer, place, thing)
    assert one.ids(len(things)) == [thing["id"] for thing in things]


def test_who_comes_again_goes_on_where_he_was(exchange, place, hear):
    writer, reader = exchange.client("teller"), exchange.client("hearer")
    one = hear(reader, place, "?added_after=1970-01-01T00:00:00Z")
    things = [stix.indicator(number) for number in range(20)]
    add(writer, place, *things[:10])
    heard = one.ids(10)
    one.close()
    add(writer, place, *things[10:])
    heard += hear(reader, place, last=one.last).ids(10)
    assert heard == [thing["id"] for thing in things] == walk_ids(reader, objects_of(place))


def test_a_backlog_comes_in_pieces_and_large_objects_by_their_id(exchange, place, hear):
    writer, reader = exchange.client("teller"), exchange.client("hearer")
    things = [stix.indicator(number, description="x" * 3000) for number in range(200)]
    large = stix.indicator(description="y" * 200_000)
    add(writer, place, *things[:100], large, *things[100:])
    one = hear(reader, place, "?added_after=1970-01-01T00:00:00Z")
    heard, told = [], []
    while len(heard) + len(told) < 201:
        event = one.next()
        if event["event"] == "large":
            told.append(json.loads(event["data"])["id"])
        else:
            assert len(event["data"]) < 80_000
            heard += [thing["id"] for thing in json.loads(event["data"])["objects"]]
    assert told == [large["id"]] and heard == [thing["id"] for thing in things]


def test_only_the_types_that_were_asked_for(exchange, place, hear):
    writer = exchange.client("teller")
    one = hear(exchange.client("hearer"), place, "?match[type]=malware,campaign")
    wanted = [stix.malware(), stix.campaign(), stix.malware(name="another")]
    add(writer, place, stix.indicator(), wanted[0], stix.indicator(), wanted[1], stix.indicator())
    add(writer, place, stix.indicator())
    add(writer, place, wanted[2])
    assert sorted(one.ids(3)) == sorted(thing["id"] for thing in wanted)


def test_many_hear_the_same(exchange, place, hear):
    writer, reader = exchange.client("teller"), exchange.client("hearer")
    many = [hear(reader, place) for _ in range(60)]
    things = [stix.indicator(number) for number in range(3)]
    for thing in things:
        add(writer, place, thing)
    for one in many:
        assert one.ids(3) == [thing["id"] for thing in things]


def test_who_may_not_read_hears_nothing_and_who_may_not_any_more_is_sent_away(exchange, place, hear):
    writer, reader = exchange.client("teller"), exchange.client("hearer")
    assert hear(exchange.client("stranger"), place).status == 404
    assert hear(exchange.client("hearer", "wrong"), place).status == 401
    one, other = hear(reader, place), hear(writer, place)
    first, second = stix.indicator(1), stix.indicator(2)
    add(writer, place, first)
    assert one.ids(1) == other.ids(1) == [first["id"]]
    exchange.grant("hearer", place, "none")
    add(writer, place, second)
    assert other.ids(1) == [second["id"]]
    assert one.next() is None
    assert hear(reader, place).status == 404


def test_what_cannot_be_a_stream_is_refused_clearly(exchange, place):
    reader = exchange.client("hearer")
    target = f"/api/collections/{place}/events/"
    assert reader.raw("GET", target, accept="application/taxii+json;version=2.1").status == 406
    assert reader.raw("POST", target, accept=EVENTS, body=b"{}").status == 405
    assert reader.raw("GET", target + "?added_after=yesterday", accept=EVENTS).status == 400


def test_a_worker_that_dies_costs_nothing_that_was_to_be_heard(own_exchange):
    exchange = own_exchange()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    exchange.start()
    client = exchange.client("both")
    one = Hearer(exchange, client, collection)
    heard, sent = [], []
    for number, name in enumerate(itertools.islice(itertools.cycle(["pager", "keeper"]), 4)):
        before = exchange.worker(name)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda name=name, before=before: before not in exchange.workers(), "it still runs")
        exchange.wait_until_answering(client, "/readyz")
        thing = stix.indicator(number)
        wait_until(lambda thing=thing: try_to_add(client, collection, thing), "nothing can be added")
        sent.append(thing["id"])
        heard += one.ids(1)
    assert heard == sent
    one.close()


def try_to_add(client, collection, thing):
    try:
        return client.post(objects_of(collection), {"objects": [thing]}).status == 202
    except (OSError, Gone, AssertionError):
        client.close()
        return False


def test_the_audit_log_names_who_began_to_hear(own_exchange):
    exchange = own_exchange()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    exchange.start()
    one = Hearer(exchange, exchange.client("both"), collection)
    assert one.status == 200
    wait_until(lambda: re.search(r"both.*events/", exchange.command("audit", "show").stdout), "the log does not say it")
    one.close()
    assert exchange.stop() == 0


def test_a_stop_ends_the_streams_as_it_should(own_exchange):
    exchange = own_exchange()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    exchange.start()
    one = Hearer(exchange, exchange.client("both"), collection)
    assert exchange.stop() == 0
    assert one.next() is None
    one.close()
