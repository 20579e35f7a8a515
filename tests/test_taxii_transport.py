"""Conformance 4.1: transport, media types, text, timestamps and identifiers of TAXII 2.1."""

import datetime
import json
import shutil
import ssl
import subprocess

import pytest
import stix
from exchange import add, manifest_of, object_at, objects_of, run, versions_of
from wire import TAXII, TIMESTAMP, UUID4, Connection, Gone, check_answer

NOW_IN_URLS = "2026-01-31T12:00:00"


# ---- 4.1.1 HTTPS -------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_tls_of_this_version_is_accepted(exchange, version):
    client = exchange.client("both", minimum=version, maximum=version)
    assert client.get("/taxii2/").status == 200
    assert client.connection.socket.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
    client.close()


def test_tls_1_1_is_refused(exchange):
    context = exchange.context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Connection(exchange.host, exchange.port, context)


@pytest.mark.parametrize(
    "cipher", ["AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"]
)
def test_tls_1_2_with_a_cipher_on_the_http2_black_list_is_refused(exchange, cipher):
    context = exchange.context(maximum=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(cipher)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Connection(exchange.host, exchange.port, context)


def test_there_is_no_0_rtt(exchange):
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl program to look at session tickets with")
    done = subprocess.run(
        [
            openssl,
            "s_client",
            "-tls1_3",
            "-connect",
            f"{exchange.host}:{exchange.port}",
            "-CAfile",
            exchange.certificate,
        ],
        input="GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "New, TLSv1.3" in done.stdout, done.stdout + done.stderr
    early = [line.split(":")[1].strip() for line in done.stdout.splitlines() if "Max Early Data" in line]
    assert set(early) <= {"0"}, early


def test_plain_http_on_the_tls_port_gets_no_answer(exchange):
    with Connection(exchange.host, exchange.port) as connection:
        connection.send(b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n")
        with pytest.raises((Gone, AssertionError)):
            connection.receive()


def test_plain_http_is_served_on_loopback_only(own_exchange):
    exchange = own_exchange()
    for address in ("0.0.0.0:0", "[::]:0", "[::]:18443"):
        done = exchange.command("serve", "--plain", "--listen", address, check=False)
        assert done.returncode == 2, done
        assert "plain HTTP" in done.stderr and "127.0.0.1" in done.stderr, done


def test_plain_http_on_loopback_answers_when_asked_for(plain_exchange):
    assert plain_exchange.client("both").get("/taxii2/").status == 200


def test_http_basic_is_offered_and_taken(exchange):
    answer = exchange.client().get("/taxii2/")
    assert answer.status == 401
    assert any(value.lower().startswith('basic realm="') for value in answer.every("WWW-Authenticate")), answer
    assert exchange.client("both").get("/taxii2/").status == 200


# ---- 4.1.2 media types --------------------------------------------------------

ACCEPTED = [
    "application/taxii+json;version=2.1",
    "application/taxii+json; version=2.1",
    "application/taxii+json ; version=2.1",
    'application/taxii+json;version="2.1"',
    "application/taxii+json",
    "APPLICATION/TAXII+JSON;VERSION=2.1",
    "*/*",
    "application/*",
    "application/*;q=0.001",
    "application/taxii+json;version=2.1;q=0.2",
    "text/html, application/xhtml+xml, application/taxii+json;q=0.5",
    "application/taxii+json;version=2.0, application/taxii+json;version=2.1",
    "application/taxii+json;version=2.1,application/stix+json;version=2.1",
    "application/vnd.oasis.taxii+json; version=2.0, application/taxii+json;version=2.1",
    ", application/taxii+json;version=2.1 ,",
    "text/html;q=0, */*;q=0.1",
]
NOT_ACCEPTED = [
    "application/taxii+json;version=2.0",
    "application/taxii+json;version=9.9",
    "application/taxii+json;q=0",
    "application/taxii+json;version=2.1;q=0.0",
    "*/*;q=0",
    "*/*, application/taxii+json;version=2.1;q=0",
    "application/json",
    "application/stix+json;version=2.1",
    "application/vnd.oasis.taxii+json; version=2.0",
    "text/*",
    "text/html",
    "application/taxii+jsonx",
    "application",
    "*/taxii+json",
    "application/taxii+json;version=2.1;q=2",
    "",
]


@pytest.mark.parametrize("accept", ACCEPTED)
def test_an_accept_that_names_a_taxii_range_is_never_answered_406(client, accept):
    assert client.get("/taxii2/", accept=accept).status == 200


@pytest.mark.parametrize("accept", NOT_ACCEPTED)
def test_an_accept_without_a_taxii_range_is_answered_406(client, accept):
    assert client.get("/taxii2/", accept=accept).status == 406


def test_accept_may_be_spread_over_several_lines(client):
    assert client.get("/taxii2/", accept=["text/html", "application/taxii+json;version=2.1"]).status == 200


def test_a_request_without_accept_is_answered_406(client):
    assert client.get("/taxii2/", accept=None).status == 406


def test_without_a_version_the_newest_is_served(client):
    assert client.get("/taxii2/", accept="application/taxii+json").one("Content-Type") == TAXII


@pytest.mark.parametrize(
    "content_type",
    [
        "application/taxii+json;version=2.1",
        "application/taxii+json; version=2.1",
        "application/taxii+json",
        'application/taxii+json;version="2.1"',
        "Application/TAXII+json ; Version=2.1",
        "application/taxii+json;version=2.1;charset=utf-8",
    ],
)
def test_a_taxii_content_type_is_never_answered_415(client, collection, content_type):
    body = stix.envelope(stix.indicator())
    assert client.post(objects_of(collection), body, content_type=content_type).status == 202


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "application/stix+json;version=2.1",
        "application/taxii+json;version=2.0",
        "application/taxii+json;version",
        "application/taxii+json;version=2.1;version=2.1",
        "application/vnd.oasis.taxii+json; version=2.0",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/*",
        "*/*",
    ],
)
def test_another_content_type_is_answered_415_and_nothing_is_added(client, untouched, content_type):
    body = stix.envelope(stix.indicator())
    assert client.post(objects_of(untouched), body, content_type=content_type).status == 415
    assert client.get(objects_of(untouched)).json() == {}


def test_a_compressed_body_is_answered_415(client, untouched):
    answer = client.post(objects_of(untouched), b"\x1f\x8b\x08\x00", headers=[("Content-Encoding", "gzip")])
    assert answer.status == 415


def test_two_content_type_lines_are_answered_400(exchange, client, untouched):
    request = client.head_of(
        "POST", objects_of(untouched), [("Content-Type", TAXII), ("Content-Type", "text/plain")], TAXII, b"{}"
    )
    with Connection(exchange.host, exchange.port, exchange.context()) as connection:
        connection.send(request + b"{}")
        assert connection.receive().status == 400


# ---- 4.1.3 what every answer carries ------------------------------------------


def test_every_answer_carries_the_media_type_with_its_version_errors_included(client, collection):
    add(client, collection, thing := stix.indicator())
    for target in ("/taxii2/", "/api/", "/api/collections/", f"/api/collections/{collection}/", objects_of(collection)):
        assert client.raw("GET", target).one("Content-Type") == TAXII
    for target in (manifest_of(collection), object_at(collection, thing), versions_of(collection, thing)):
        assert client.raw("GET", target).one("Content-Type") == TAXII
    for target in ("/api/nothing/", "/nothing/", "/api/collections/none/", f"{objects_of(collection)}?limit=0"):
        answer = client.raw("GET", target)
        assert answer.status in (400, 404)
        assert answer.one("Content-Type") == TAXII
    assert client.raw("DELETE", object_at(collection, thing)).one("Content-Type") == TAXII


@pytest.mark.parametrize(
    "request_bytes, status",
    [
        (b"GET /taxii2/ HTTP/1.1\r\n\r\n", 400),
        (b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET  /taxii2/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /taxii2/ HTTP/1.1\nHost: x\n\n", 400),
        (b"GET /taxii2/ HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"POST /taxii2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST /taxii2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400),
        (b"GET /taxii2/ HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        (b"POST /taxii2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /taxii2/ HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 100 + b"\r\n", 431),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else value[:60].decode(),
)
def test_what_is_not_http_is_answered_with_an_error_resource_too(exchange, request_bytes, status):
    with Connection(exchange.host, exchange.port, exchange.context()) as connection:
        connection.send(request_bytes)
        answer = connection.receive()
    assert answer.status == status
    check_answer(answer)


# ---- 4.1.4 I-JSON, no empty lists -----------------------------------------------


def test_text_beyond_ascii_comes_back_as_the_same_utf_8(client, collection):
    thing = stix.malware(name='Ünïcødé 网络 🐟 \u2028 "quoted" \\ /')
    add(client, collection, thing)
    assert client.get(object_at(collection, thing)).json()["objects"] == [thing]


@pytest.mark.parametrize("text", ["1.0", "1.50", "1e2", "0.1000", "9007199254740991", "-9007199254740991"])
def test_numbers_come_back_as_they_were_written(client, collection, text):
    thing = stix.indicator()
    body = json.dumps(stix.envelope(thing))[:-3] + f', "x_weight": {text}}}]}}'
    assert client.post(objects_of(collection), body.encode()).json()["success_count"] == 1
    assert f'"x_weight":{text}}}'.encode() in client.get(object_at(collection, thing)).body


BAD_BODIES = {
    "nothing": b"",
    "no JSON": b"objects",
    "half of it": b'{"objects": [',
    "more behind it": b'{"objects": []} {}',
    "a name twice": b'{"objects": [{"type": "indicator", "type": "indicator"}]}',
    "bad UTF-8": b'{"objects": [{"type": "indicator", "name": "\xff"}]}',
    "half a surrogate": b'{"objects": [{"type": "indicator", "name": "\\ud800"}]}',
    "a list": b"[]",
    "no objects": b"{}",
    "an empty list": b'{"objects": []}',
    "objects that are no list": b'{"objects": {}}',
    "NaN": b'{"objects": [NaN]}',
    "a comment": b'{"objects": [] /* none */}',
    "deep": b'{"objects": ' + b"[" * 100_000,
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_malformed_body_is_answered_422_and_nothing_is_added(client, untouched, name):
    assert client.post(objects_of(untouched), BAD_BODIES[name]).status == 422
    assert client.get(objects_of(untouched)).json() == {}


def test_empty_lists_are_never_sent(exchange, client, collection):
    assert client.get(objects_of(collection)).json() == {}
    assert client.get(manifest_of(collection)).json() == {}
    assert exchange.client("nobody").get("/api/collections/").json() == {}
    thing = stix.indicator()
    status = add(client, collection, thing)
    assert "failures" not in status and "pendings" not in status
    refused = client.post(objects_of(collection), stix.envelope(stix.broken(), stix.ipv4())).json()
    assert refused["failure_count"] == 1 and "pendings" not in refused
    assert client.get(f"{versions_of(collection, thing)}?added_after=2999-01-01T00:00:00.000000Z").json() == {}


# ---- 4.1.5 timestamps ---------------------------------------------------------


def test_every_timestamp_sent_has_exactly_microseconds(client, collection):
    status = add(client, collection, thing := stix.indicator())
    assert TIMESTAMP.match(status["request_timestamp"])
    for target in (objects_of(collection), manifest_of(collection), object_at(collection, thing)):
        answer = client.get(target)
        assert TIMESTAMP.match(answer.one("X-TAXII-Date-Added-First"))
        assert TIMESTAMP.match(answer.one("X-TAXII-Date-Added-Last"))
    assert TIMESTAMP.match(client.get(versions_of(collection, thing)).one("X-TAXII-Date-Added-Last"))
    assert TIMESTAMP.match(client.get(manifest_of(collection)).json()["objects"][0]["date_added"])


def test_the_time_sent_is_the_time_it_is(client, collection):
    before = datetime.datetime.now(datetime.UTC)
    add(client, collection, stix.indicator())
    after = datetime.datetime.now(datetime.UTC)
    text = client.get(manifest_of(collection)).json()["objects"][0]["date_added"]
    added = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    assert before <= added <= after


@pytest.mark.parametrize("rest", ["Z", ".0Z", ".12Z", ".123Z", ".1234Z", ".123456Z", ".123456789Z"])
def test_a_timestamp_of_any_precision_is_understood(client, untouched, rest):
    assert client.get(f"{objects_of(untouched)}?added_after={NOW_IN_URLS}{rest}").status == 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00",
        "1767225600",
    ]
    + ["2026-01-01T00:00:00.Z", "2026-01-01 00:00:00Z", f"{NOW_IN_URLS}Z,{NOW_IN_URLS}Z", "2026-01-01"],
)
def test_a_malformed_timestamp_is_answered_400(client, untouched, text):
    answer = client.get(f"{objects_of(untouched)}?added_after={text.replace(' ', '%20')}")
    assert answer.status == 400
    assert "added_after" in answer.json()["description"]


# ---- 4.1.6 identifiers ----------------------------------------------------------


def test_identifiers_of_collections_and_statuses_are_uuid_4(exchange, client, collection):
    exchange.command("collection", "add", "made without an id")
    listed = exchange.command("collection", "list", "--format", "json").stdout
    made = {entry["title"]: entry["id"] for entry in map(json.loads, listed.splitlines())}
    assert UUID4.match(made["made without an id"])
    assert UUID4.match(add(client, collection, stix.indicator())["id"])


@pytest.mark.parametrize("text", ["3", "91a7b528-80eb-12ed-a74d-c6fbd5a26116", "91a7b528-80eb-42ed-a74d", "not-a-uuid"])
def test_a_collection_id_that_is_no_uuid_4_is_refused(own_exchange, text):
    done = own_exchange().command("collection", "add", "odd", "--id", text, check=False)
    assert done.returncode in (2, 3), done
    assert text in done.stderr


# ---- 4.1.7 paths and the user agent ----------------------------------------------


def test_paths_end_in_a_slash_and_a_missing_one_is_forgiven(client, collection):
    add(client, collection, thing := stix.indicator())
    for target in ("/taxii2/", "/api/", "/api/collections/", objects_of(collection), versions_of(collection, thing)):
        with_slash, without = client.get(target), client.get(target[:-1])
        assert (with_slash.status, with_slash.body) == (200, without.body)


def test_a_request_without_user_agent_is_served(client):
    assert b"user-agent" not in client.head_of("GET", "/taxii2/", (), TAXII, None).lower()
    assert client.get("/taxii2/").status == 200


@pytest.mark.parametrize(
    "target", ["/api//collections/", "/api/./collections/", "/api/%2e%2e/taxii2/", "/api%2fcollections/"]
)
def test_a_path_that_is_written_strangely_leads_nowhere(client, target):
    assert client.get(target).status == 404


def test_help_names_the_commands_the_standard_form_relies_on():
    text = run("--help").stdout
    for command in ("init", "serve", "collection", "account", "import", "export", "pull", "push", "verify"):
        assert command in text
