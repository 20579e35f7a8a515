"""Slow and crooked clients do not hold others, and cost no more than they may."""

import json
import re
import socket
import time

import stix
from exchange import add, objects_of, wait_until
from wire import TAXII, Connection, Gone


def open_many(exchange, count, first_bytes, source):
    """Connections from one address that send the same bytes and then nothing."""
    made = []
    for _ in range(count):
        connection = Connection(exchange.host, exchange.port, source=source, timeout=30)
        connection.send(first_bytes)
        made.append(connection)
    return made


def close_all(connections):
    for connection in connections:
        connection.close()


def test_heads_and_bodies_that_never_end_do_not_hold_others(plain_exchange):
    exchange = plain_exchange
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    add(client, collection, stix.indicator())
    half_head = b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\nX-Slow: "
    half_body = client.head_of("POST", objects_of(collection), [("Content-Type", TAXII)], TAXII, b" " * 100_000)
    crowd = open_many(exchange, 200, half_head, "127.3.0.1") + open_many(
        exchange, 50, half_body + b'{"obj', "127.3.0.2"
    )
    try:
        for _ in range(50):
            add(client, collection, stix.indicator())
            assert client.get(objects_of(collection)).status == 200
    finally:
        close_all(crowd)


def test_clients_that_do_not_read_their_answers_do_not_hold_others(plain_exchange):
    exchange = plain_exchange
    collection = exchange.add_collection(both="both", reader="read")
    writer = exchange.client("both")
    client = exchange.client("reader")
    for _ in range(4):
        add(writer, collection, *(stix.indicator(number, description="x" * 2000) for number in range(1000)))
    ask = writer.head_of("GET", f"{objects_of(collection)}?limit=1000", (), TAXII, None)
    crowd = []
    for _ in range(40):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.bind(("127.3.0.3", 0))
        raw.connect((exchange.host, exchange.port))
        raw.sendall(ask * 4)
        crowd.append(raw)
    try:
        for _ in range(30):
            assert len(client.get(f"{objects_of(collection)}?limit=100").json()["objects"]) == 100
    finally:
        for raw in crowd:
            raw.close()


def unread(exchange, request):
    """A connection that asks and does not read."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((exchange.host, exchange.port))
    raw.sendall(request)
    return raw


def test_an_account_that_does_not_read_its_pages_gets_no_more_of_them_and_nobody_else_is_hurt(own_exchange):
    exchange = own_exchange(plain=True, options=["--fronts", "1"]).start()
    for name in ("both", "reader"):
        exchange.add_account(name)
    collection = exchange.add_collection(both="both", reader="read")
    client = exchange.client("both")
    for _ in range(4):
        add(client, collection, *(stix.indicator(number, description="x" * 2000) for number in range(1000)))
    page = f"{objects_of(collection)}?limit=4000"  # more than 8 MiB: a full page
    whole = len(client.get(page).body)
    assert whole > 7_000_000
    crowd = [unread(exchange, client.head_of("GET", page, (), TAXII, None)) for _ in range(30)]

    def held():
        found = re.search(r"breakwater_unread_answer_bytes (\d+)", client.raw("GET", "/metrics").body.decode())
        return int(found.group(1))

    try:
        wait_until(lambda: held() > 48_000_000, "nothing is held for those who do not read")
        for _ in range(10):
            answer = client.get(page)
            assert answer.status == 429, answer
            assert int(answer.one("Retry-After")) > 0
            assert held() <= 64 << 20
        assert len(exchange.client("reader").get(page).body) == whole
        # what is written is stored, and told
        add(client, collection, stix.indicator())
    finally:
        for raw in crowd:
            raw.close()
    wait_until(lambda: client.get(page).status == 200, "the account is shut out for ever")
    wait_until(lambda: held() < 1_000_000, "what was given up is still counted")


def test_one_address_cannot_take_all_connections(own_exchange):
    exchange = own_exchange(plain=True, options=["--fronts", "1"]).start()
    exchange.add_account("both")
    client = exchange.client("both")
    assert client.get("/taxii2/").status == 200
    crowd, refused = [], 0
    try:
        for _ in range(600):
            connection = Connection(exchange.host, exchange.port, source="127.3.0.4", timeout=30)
            crowd.append(connection)
            connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                assert connection.receive().status == 200
            except (Gone, OSError):
                refused += 1
                if refused > 20:
                    break
        assert refused, "600 connections of one address were all served"
        assert exchange.stranger("both").get("/taxii2/").status == 200
        assert client.get("/taxii2/").status == 200
    finally:
        close_all(crowd)


def test_pipelined_requests_are_answered_in_order(plain_exchange):
    exchange = plain_exchange
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    add(client, collection, *(stix.indicator(number) for number in range(5)))
    targets = [
        "/api/",
        f"{objects_of(collection)}?limit=2",
        "/nothing/",
        "/taxii2/",
        f"{objects_of(collection)}?limit=0",
    ]
    with Connection(exchange.host, exchange.port) as connection:
        connection.send(b"".join(client.head_of("GET", target, (), TAXII, None) for target in targets))
        answers = [connection.receive() for _ in targets]
    assert [answer.status for answer in answers] == [200, 200, 404, 200, 400]
    assert "max_content_length" in answers[0].json() and len(answers[1].json()["objects"]) == 2


def test_a_head_that_arrives_byte_by_byte_is_understood(plain_exchange):
    client = plain_exchange.client("both")
    head = client.head_of("GET", "/taxii2/", (), TAXII, None)
    with Connection(plain_exchange.host, plain_exchange.port) as connection:
        for at in range(len(head)):
            connection.send(head[at : at + 1])
        assert connection.receive().status == 200


def test_a_client_that_leaves_in_the_middle_of_a_post_adds_nothing(plain_exchange):
    exchange = plain_exchange
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    body = json.dumps(stix.envelope(stix.indicator())).encode()
    head = client.head_of("POST", objects_of(collection), [("Content-Type", TAXII)], TAXII, body)
    for cut in (1, len(body) // 2, len(body) - 1):
        with Connection(exchange.host, exchange.port) as connection:
            connection.send(head + body[:cut])
    time.sleep(0.2)
    assert client.get(objects_of(collection)).json() == {}
