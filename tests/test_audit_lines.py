"""Every access is in the audit log, or at least its number is: whatever becomes of the keeper meanwhile."""

import json
import os
import signal

import pytest
from exchange import wait_until
from wire import Connection

UNRECORDED = "unrecorded"


@pytest.fixture
def exchange(own_exchange):
    """With one front, so that one connection's accesses are all of one list."""
    exchange = own_exchange(plain=True, options=["--fronts", 1])
    exchange.start()
    return exchange


def lines(exchange):
    shown = exchange.command("audit", "show", "--format", "json").stdout
    return [json.loads(line) for line in shown.splitlines()]


def targets(exchange):
    return {line["target"] for line in lines(exchange)}


def ask_for(client, names):
    """A stranger's requests, each for something else; many are under way at once."""
    for name in names:
        assert client.raw("GET", name).status == 401


def pipelined(exchange, first, count, step=500):
    """`count` requests for different things on one connection; returns when all are answered."""
    with Connection(exchange.host, exchange.port) as connection:
        for at in range(first, first + count, step):
            numbers = range(at, min(at + step, first + count))
            connection.send(b"".join(b"GET /x%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in numbers))
            for _ in numbers:
                assert connection.receive().status == 401


def test_what_was_seen_while_the_keeper_was_dead_is_in_the_log(exchange):
    client = exchange.client()
    keeper = exchange.worker("keeper")
    os.kill(keeper, signal.SIGSTOP)
    names = [f"/while-it-stood-still-{number}" for number in range(50)]
    ask_for(client, names)
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: keeper not in exchange.workers(), "a keeper that was killed is still there")
    more = [f"/while-it-was-away-{number}" for number in range(50)]
    ask_for(client, more)
    wait_until(lambda: set(names + more) <= targets(exchange), "accesses are missing in the audit log")
    exchange.command("audit", "verify")


def test_what_was_seen_right_before_a_stop_is_in_the_log(exchange):
    names = [f"/right-before-the-end-{number}" for number in range(50)]
    ask_for(exchange.client(), names)
    assert exchange.stop() == 0
    assert set(names) <= targets(exchange)


def test_accesses_that_find_no_room_are_counted_in_the_log(exchange):
    keeper = exchange.worker("keeper")
    os.kill(keeper, signal.SIGSTOP)
    asked = 40000  # the front holds 33 lists of 1,024
    pipelined(exchange, 0, asked)
    os.kill(keeper, signal.SIGCONT)

    def all_are_counted():
        shown = lines(exchange)
        counted = sum(line["count"] for line in shown if line["target"].startswith("/x"))
        unrecorded = sum(line["count"] for line in shown if line["action"] == UNRECORDED)
        return unrecorded > 0 and counted + unrecorded == asked

    wait_until(all_are_counted, "the audit log does not know of every access")
    assert "accesses are only counted" in exchange.words()
    exchange.command("audit", "verify")
