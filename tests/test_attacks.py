"""Attacks that once worked: by an ally who posts, by somebody without an account, by a worker's death at a bad time."""

import json
import os
import signal
import time

import stix
from exchange import add, object_at, objects_of, wait_until
from wire import TAXII, basic

MANY_VERSIONS = 20000


def started(own_exchange, options=()):
    """(exchange, a client that may do everything, a collection)"""
    exchange = own_exchange(plain=True, options=options)
    exchange.start()
    exchange.add_account("both")
    return exchange, exchange.client("both"), exchange.add_collection(both="both")


def moment(number):
    """The number'th second of this century's second quarter or so: as many as one likes."""
    day, second = divmod(number, 86400)
    return f"20{30 + day // 336:02}-{day // 28 % 12 + 1:02}-{day % 28 + 1:02}T{time_of_day(second)}.000Z"


def time_of_day(second):
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def test_a_stranger_with_long_methods_does_not_stop_the_audit_log(own_exchange):
    exchange, client, _ = started(own_exchange, options=["--fronts", 1])
    stranger = exchange.client()
    for number in range(500):
        assert stranger.raw(f"{'A' * 3000}{number}", "/").status == 401
    client.get("/api/collections/")

    def is_noted():
        lines = exchange.command("audit", "show").stdout.splitlines()
        return any("/api/collections/" in line for line in lines)

    wait_until(is_noted, "an access is missing in the audit log")
    assert "lost" not in exchange.words()


def test_a_page_from_before_a_keeper_died_is_not_served_after_it(own_exchange):
    exchange, client, collection = started(own_exchange, options=["--fronts", 1])
    exchange.stop()
    exchange.start()
    assert client.get(objects_of(collection)).json() == {}
    thing = stix.indicator(1)
    add(client, collection, thing)
    keeper = exchange.worker("keeper")
    os.kill(keeper, signal.SIGKILL)
    wait_until(lambda: keeper not in exchange.workers(), "a keeper that was killed is still there")
    wait_until(lambda: client.raw("GET", "/readyz").status == 200, "the exchange is not ready again")

    def is_shown():
        answer = client.raw("GET", objects_of(collection))
        return answer.status == 200 and [found["id"] for found in answer.json().get("objects", [])] == [thing["id"]]

    wait_until(is_shown, "an acknowledged object is not on the page", seconds=20)


def test_every_poller_gets_his_page_when_two_hundred_ask_at_once(own_exchange):
    exchange, client, collection = started(own_exchange, options=["--fronts", 1])
    add(client, collection, *[stix.indicator(number, description="x" * 1500) for number in range(80)])
    pollers = [exchange.client("both") for _ in range(200)]
    for poller in pollers:
        poller.get("/taxii2/")
    pager = exchange.worker("pager")
    os.kill(pager, signal.SIGSTOP)  # so that all questions are there when it looks
    try:
        for number, poller in enumerate(pollers):
            target = f"{objects_of(collection)}?limit=66&added_after=2000-01-01T00:00:00.{number:06}Z"
            poller.connection.send(poller.head_of("GET", target, (), TAXII, None))
        time.sleep(0.5)
    finally:
        os.kill(pager, signal.SIGCONT)
    for poller in pollers:
        assert poller.connection.receive().status == 200


def test_a_huge_object_keeps_nobody_from_what_comes_after_it(own_exchange):
    _, client, collection = started(own_exchange)
    huge = {
        "type": "artifact",
        "spec_version": "2.1",
        "id": stix.new_id("artifact"),
        "mime_type": "application/octet-stream",
        "payload_bin": "A" * (60 << 20),
    }
    add(client, collection, huge)
    thing = stix.indicator(1)
    add(client, collection, thing)
    page = client.raw("GET", objects_of(collection))
    assert page.status == 200
    assert huge["id"].encode() in page.body[:1000]
    after = page.one("X-TAXII-Date-Added-Last")
    rest = client.get(f"{objects_of(collection)}?added_after={after}").json()
    assert [found["id"] for found in rest["objects"]] == [thing["id"]]


def test_deleting_an_object_of_many_versions_keeps_nobody_waiting(own_exchange):
    exchange, client, collection = started(own_exchange)
    thing = stix.indicator(1)
    versions = [{**thing, "modified": moment(number)} for number in range(MANY_VERSIONS)]
    answer = client.post(objects_of(collection), json.dumps({"objects": versions}).encode())
    assert answer.json()["success_count"] == MANY_VERSIONS
    assert client.delete(object_at(collection, thing)).status == 200
    add(exchange.client("both"), collection, stix.indicator(2))


def test_revoking_an_object_again_and_again_backwards_keeps_nobody_waiting(own_exchange):
    exchange, client, collection = started(own_exchange)
    thing = stix.indicator(1)
    add(client, collection, thing)
    versions = [
        {**thing, "modified": moment(MANY_VERSIONS - number), "revoked": True} for number in range(MANY_VERSIONS)
    ]
    answer = client.post(objects_of(collection), json.dumps({"objects": versions}).encode())
    assert answer.json()["success_count"] == MANY_VERSIONS
    later = {**thing, "modified": moment(2 * MANY_VERSIONS)}
    assert client.post(objects_of(collection), {"objects": [later]}).json()["failure_count"] == 1
    add(exchange.client("both"), collection, stix.indicator(2))


def test_nothing_is_acknowledged_for_a_collection_that_was_removed_meanwhile(own_exchange):
    exchange, _, collection = started(own_exchange)
    admin = exchange.client(auth=f"Bearer {exchange.admin_key}")
    admin.get("/taxii2/")
    body = json.dumps(stix.envelope(stix.indicator(1))).encode()
    head = admin.head_of("POST", objects_of(collection), [("Content-Type", TAXII)], TAXII, body)
    admin.connection.send(head + body[:50])
    time.sleep(0.5)  # the front has asked whether this may be, and waits for the rest
    exchange.command("collection", "remove", "--yes", collection)
    admin.connection.send(body[50:])
    assert admin.connection.receive().status == 404


def test_a_neighbour_who_guesses_does_not_keep_an_api_key_out(own_exchange):
    exchange, _, collection = started(own_exchange)
    key = exchange.make_key("both")
    guesser = exchange.client("both", "wrong")
    for number in range(14):
        guesser.auth = basic(f"somebody{number}", "wrong")
        assert guesser.raw("GET", "/taxii2/").status == 401
    assert exchange.client("both").raw("GET", objects_of(collection)).status == 401  # a password waits
    assert exchange.client(auth=f"Bearer {key}").get(objects_of(collection)).status == 200


def test_millions_of_empty_objects_are_refused_before_they_hold_the_reader(exchange, clients):
    collection = exchange.add_collection(both="both")
    body = b'{"objects":[' + b"{}," * 1_000_000 + b"{}]}"
    answer = clients["both"].post(f"/api/collections/{collection}/objects/", body)
    assert answer.status == 422
    assert "300,000 objects" in answer.json()["description"]
