"""Conformance 4.2: each endpoint of TAXII 2.1 with the statuses it names, and the table of permissions."""

import json
import uuid

import pytest
import stix
from exchange import add, manifest_of, object_at, objects_of, versions_of
from wire import TAXII, TIMESTAMP

# name -> (method, path, statuses that its table names)
ENDPOINTS = {
    "discovery": ("GET", "/taxii2/"),
    "api-root": ("GET", "/api/"),
    "status": ("GET", "/api/status/{status}/"),
    "collections": ("GET", "/api/collections/"),
    "collection": ("GET", "/api/collections/{collection}/"),
    "manifest": ("GET", "/api/collections/{collection}/manifest/"),
    "objects": ("GET", "/api/collections/{collection}/objects/"),
    "add": ("POST", "/api/collections/{collection}/objects/"),
    "object": ("GET", "/api/collections/{collection}/objects/{object}/"),
    "delete": ("DELETE", "/api/collections/{collection}/objects/{object}/"),
    "versions": ("GET", "/api/collections/{collection}/objects/{object}/versions/"),
}
PAGES = ("manifest", "objects", "object", "versions")
IN_A_COLLECTION = tuple(name for name, (_, path) in ENDPOINTS.items() if "{collection}" in path)
WITH_A_MATCH = {"manifest", "objects", "object", "delete", "versions"}


class Place:
    """A collection with one object in it, and the status of its POST."""

    def __init__(self, client, collection):
        self.thing = stix.indicator()
        self.status = add(client, collection, self.thing)["id"]
        self.collection = collection

    def target(self, endpoint, **other):
        names = {"collection": self.collection, "object": self.thing["id"], "status": self.status, **other}
        return ENDPOINTS[endpoint][1].format(**names)

    def ask(self, client, endpoint, query="", other=None, **more):
        method = ENDPOINTS[endpoint][0]
        target = self.target(endpoint, **(other or {})) + query
        if method == "POST":
            return client.post(target, stix.envelope(self.thing), **more)
        return client.ask(method, target, **more)


@pytest.fixture
def place(client, collection):
    return Place(client, collection)


@pytest.fixture(scope="module")
def lasting(exchange, clients):
    """A place for requests that change nothing."""
    access = {"reader": "read", "writer": "write", "both": "both"}
    return Place(clients["both"], exchange.add_collection("lasting", **access))


# ---- 2xx ---------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_this_endpoint_answers_with_its_own_success(client, place, endpoint):
    assert place.ask(client, endpoint).status == (202 if endpoint == "add" else 200)


@pytest.mark.parametrize("endpoint", PAGES)
def test_this_page_carries_both_date_added_headers(client, lasting, endpoint):
    answer = lasting.ask(client, endpoint)
    assert TIMESTAMP.match(answer.one("X-TAXII-Date-Added-First"))
    assert TIMESTAMP.match(answer.one("X-TAXII-Date-Added-Last"))


def test_discovery_is_at_the_root_of_the_server(exchange, client):
    assert exchange.url.endswith(f"{exchange.host}:{exchange.port}/taxii2/")
    assert client.get("/taxii2/").json()["api_roots"]


# ---- 401 ---------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_this_endpoint_answers_401_to_nobody_in_particular(clients, lasting, endpoint):
    answer = lasting.ask(clients[None], endpoint)
    assert answer.status == 401
    assert answer.every("WWW-Authenticate")


@pytest.mark.parametrize(
    "authorization", ["Basic", "Basic !!!", "Basic Og==", "Basic YQ==", "Bearer", "Bearer nonsense", "Negotiate x"]
)
def test_credentials_that_say_nothing_are_answered_401(exchange, authorization):
    client = exchange.stranger(auth=authorization)
    answer = client.get("/taxii2/")
    assert answer.status == 401
    assert answer.every("WWW-Authenticate")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_this_endpoint_tells_nobody_in_particular_whether_a_thing_exists(clients, lasting, endpoint):
    there = lasting.ask(clients[None], endpoint)
    strange = {"collection": uuid.uuid4(), "object": stix.new_id("indicator"), "status": uuid.uuid4()}
    not_there = lasting.ask(clients[None], endpoint, other=strange)
    assert (there.status, there.body) == (not_there.status, not_there.body)


# ---- 403 and 404: permissions ----------------------------------------------------------

# account's access -> endpoint -> status. What an account may not see at all is not there (404);
# what it may see in part says so (403). The row of DELETE is TAXII 2.1 section 5.7's own table.
PERMISSIONS = {
    "none": dict.fromkeys(IN_A_COLLECTION, 404),
    "read": {
        "collection": 200,
        "manifest": 200,
        "objects": 200,
        "add": 403,
        "object": 200,
        "delete": 403,
        "versions": 200,
    },
    "write": {
        "collection": 200,
        "manifest": 403,
        "objects": 403,
        "add": 202,
        "object": 403,
        "delete": 403,
        "versions": 403,
    },
    "both": {
        "collection": 200,
        "manifest": 200,
        "objects": 200,
        "add": 202,
        "object": 200,
        "delete": 200,
        "versions": 200,
    },
}


@pytest.mark.parametrize("endpoint", IN_A_COLLECTION)
@pytest.mark.parametrize("access", PERMISSIONS)
def test_this_access_decides_what_this_endpoint_answers(clients, place, access, endpoint):
    assert place.ask(clients[access], endpoint).status == PERMISSIONS[access][endpoint]


@pytest.mark.parametrize("access, status", [("none", 404), ("read", 403), ("write", 403), ("both", 200)])
def test_the_delete_permission_table_holds_for_objects_that_are_there(clients, place, access, status):
    assert place.ask(clients[access], "delete").status == status
    left = clients["both"].get(object_at(place.collection, place.thing)).status
    assert left == (404 if access == "both" else 200)


@pytest.mark.parametrize("access, status", [("none", 404), ("read", 403), ("write", 403), ("both", 404)])
def test_the_delete_permission_table_holds_for_objects_that_are_not_there(clients, untouched, access, status):
    assert clients[access].delete(object_at(untouched, stix.new_id("indicator"))).status == status


def test_what_was_refused_was_not_added(clients, untouched):
    for access in ("none", "read"):
        assert clients[access].post(objects_of(untouched), stix.envelope(stix.indicator())).status in (403, 404)
    assert clients["both"].get(objects_of(untouched)).json() == {}


def test_a_status_is_there_for_the_account_that_asked_and_for_no_other(clients, lasting):
    assert clients["both"].get(lasting.target("status")).status == 200
    assert clients["read"].get(lasting.target("status")).status == 404
    assert clients["none"].get(lasting.target("status")).status == 404


# ---- 404 --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint", [name for name in ENDPOINTS if name not in ("discovery", "api-root", "collections")]
)
def test_this_endpoint_answers_404_for_what_is_not_there(client, lasting, endpoint):
    strange = {"collection": uuid.uuid4(), "object": stix.new_id("indicator"), "status": uuid.uuid4()}
    if endpoint in ("object", "delete", "versions"):
        assert lasting.ask(client, endpoint, other={"object": strange["object"]}).status == 404
    assert lasting.ask(client, endpoint, other=strange).status == 404


@pytest.mark.parametrize(
    "target", ["/", "/api2/", "/taxii/", "/api/x/", "/api/collections/a/b/", "/api2/collections/", "/api/status/"]
)
def test_another_path_is_answered_404(client, target):
    assert client.get(target).status == 404


# ---- 406 --------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_this_endpoint_answers_406_to_an_accept_it_cannot_please(client, lasting, endpoint):
    assert lasting.ask(client, endpoint, accept="text/html").status == 406
    assert client.get(object_at(lasting.collection, lasting.thing)).status == 200


# ---- 400 --------------------------------------------------------------------------------

BAD_QUERIES = {
    "limit": ["limit=0", "limit=-1", "limit=ten", "limit=1.5", "limit=", "limit=1&limit=2", "limit=+1", "limit=0x10"],
    "added_after": [
        "added_after=",
        "added_after=now",
        "added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z",
    ],
    "next": ["next=", "next=1", "next=nonsense", "next=zzzzzzzzzzzzz"],
    "version": ["match[version]=", "match[version]=newest", "match[version]=all,last", "match[version]=last,last"]
    + ["match[version]=last&match[version]=first", "match[version]=2024-05-01", "match[version]=first,,last"]
    + ["match[version]=2024-05-01T00:00:00.000Z,2024-05-01T00:00:00.000Z", "match[version]=all,2024-05-01T00:00:00Z"],
    "spec_version": [
        "match[spec_version]=",
        "match[spec_version]=two",
        "match[spec_version]=2.1&match[spec_version]=2.0",
    ],
    "id": ["match[id]=", f"match[id]={stix.new_id('a')}&match[id]={stix.new_id('a')}", "match[id]=,"],
    "type": ["match[type]=", "match[type]=indicator&match[type]=indicator"],
    "any": ["limit=%zz", "match[type]=%ff", "match[type]=%00"],
}
KNOWS = {
    "manifest": ["limit", "added_after", "next", "version", "spec_version", "id", "type", "any"],
    "objects": ["limit", "added_after", "next", "version", "spec_version", "id", "type", "any"],
    "object": ["limit", "added_after", "next", "version", "spec_version", "any"],
    "versions": ["limit", "added_after", "next", "spec_version", "any"],
    "delete": ["version", "spec_version", "any"],
}


@pytest.mark.parametrize(
    "endpoint, query",
    [(name, query) for name, fields in KNOWS.items() for field in fields for query in BAD_QUERIES[field]],
)
def test_this_malformed_filter_is_answered_400(client, lasting, endpoint, query):
    assert lasting.ask(client, endpoint, "?" + query).status == 400
    assert client.get(object_at(lasting.collection, lasting.thing)).status == 200


@pytest.mark.parametrize("endpoint", ["collections", "collection", "manifest", "objects", "object", "versions"])
def test_an_unknown_parameter_is_ignored(client, lasting, endpoint):
    assert lasting.ask(client, endpoint, "?match[colour]=blue&colour=blue&match[x_y]=1").status == 200


# ---- 405, 413, 415, 422, and 416 which is no more -------------------------------------------


@pytest.mark.parametrize(
    "endpoint, method",
    [
        (endpoint, method)
        for endpoint in ("discovery", "api-root", "collections", "collection", "manifest", "versions", "objects")
        for method in ("PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "BREW")
        if (endpoint, method) != ("objects", "POST")  # that is the add endpoint
    ],
)
def test_another_method_is_answered_405_with_the_methods_there_are(client, lasting, endpoint, method):
    answer = client.ask(method, lasting.target(endpoint), headers=[("Content-Type", TAXII)], body=b"")
    assert answer.status == 405
    assert {"GET", "HEAD"} <= {word.strip() for word in answer.one("Allow").split(",")}


def test_post_and_delete_are_named_where_they_are_allowed(client, lasting):
    assert "POST" in client.ask("PUT", lasting.target("objects"), body=b"").one("Allow")
    assert "DELETE" in client.ask("PUT", lasting.target("object"), body=b"").one("Allow")


def test_a_body_over_max_content_length_is_answered_413_before_it_is_sent(client, untouched):
    most = client.get("/api/").json()["max_content_length"]
    head = client.head_of(
        "POST", objects_of(untouched), [("Content-Type", TAXII), ("Content-Length", str(most + 1))], TAXII, None
    )
    client.get("/taxii2/")  # the connection is open now
    client.connection.send(head)
    answer = client.connection.receive()
    assert answer.status == 413
    assert answer.json()["http_status"] == "413"
    client.close()


def test_a_chunked_body_that_outgrows_max_content_length_is_answered_413(own_exchange):
    exchange = own_exchange(plain=True, options=["--max-content", "64k"]).start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    assert client.get("/api/").json()["max_content_length"] == 65536
    headers = [("Content-Type", TAXII), ("Transfer-Encoding", "chunked")]
    client.connection.send(client.head_of("POST", objects_of(collection), headers, TAXII, None))
    client.connection.send(b'c000\r\n{"objects":[' + b" " * (0xC000 - 12) + b"\r\n")
    client.connection.send(b"c000\r\n" + b" " * 0xC000 + b"\r\n")
    assert client.connection.receive().status == 413


def test_a_body_of_max_content_length_is_not_answered_413(client, collection):
    most = client.get("/api/").json()["max_content_length"]
    start, end = b'{"objects":[', b"]}"
    thing = stix.indicator()
    inner = json.dumps(thing).encode()
    body = start + inner + b" " * (most - len(start) - len(inner) - len(end)) + end
    assert len(body) == most
    assert client.post(objects_of(collection), body).status == 202
    assert client.get(object_at(collection, thing)).status == 200


def test_a_chunked_body_is_taken(client, collection):
    thing = stix.indicator()
    body = json.dumps(stix.envelope(thing)).encode()
    headers = [("Content-Type", TAXII), ("Transfer-Encoding", "chunked")]
    client.get("/taxii2/")
    client.connection.send(client.head_of("POST", objects_of(collection), headers, TAXII, None))
    for at in range(0, len(body), 7):
        piece = body[at : at + 7]
        client.connection.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
    client.connection.send(b"0\r\n\r\n")
    assert client.connection.receive().status == 202
    assert client.get(object_at(collection, thing)).status == 200


def test_a_client_that_expects_100_continue_gets_it(exchange, client, collection):
    thing = stix.indicator()
    body = json.dumps(stix.envelope(thing)).encode()
    headers = [("Content-Type", TAXII), ("Content-Length", str(len(body))), ("Expect", "100-continue")]
    client.get("/taxii2/")
    connection = client.connection
    connection.send(client.head_of("POST", objects_of(collection), headers, TAXII, None))
    assert connection._line() == "HTTP/1.1 100 Continue"
    while connection._line():
        pass
    connection.send(body)
    assert connection.receive().status == 202


def test_a_body_with_nothing_usable_in_it_is_answered_422(client, untouched):
    assert client.post(objects_of(untouched), stix.envelope(stix.broken())).status == 422
    assert client.post(objects_of(untouched), {"objects": ["indicator", 7, None]}).status == 422
    assert client.get(objects_of(untouched)).json() == {}


def test_ranges_are_no_part_of_taxii_2_1_and_never_answered_416(client, lasting):
    for endpoint in PAGES:
        answer = lasting.ask(client, endpoint, headers=[("Range", "items 900-999"), ("If-Range", '"x"')])
        assert answer.status == 200
        assert not answer.has("Content-Range")


# ---- DELETE -----------------------------------------------------------------------------------


def test_a_deleted_object_is_gone_from_objects_manifest_and_versions(client, place):
    other = stix.indicator()
    add(client, place.collection, other)
    answer = place.ask(client, "delete")
    assert (answer.status, answer.body) == (200, b"")
    assert place.ask(client, "object").status == 404
    assert place.ask(client, "versions").status == 404
    assert [row["id"] for row in client.get(manifest_of(place.collection)).json()["objects"]] == [other["id"]]
    assert [row["id"] for row in client.get(objects_of(place.collection)).json()["objects"]] == [other["id"]]
    assert client.get(f"{objects_of(place.collection)}?match[id]={place.thing['id']}").json() == {}


def test_a_second_delete_is_answered_404(client, place):
    assert place.ask(client, "delete").status == 200
    assert place.ask(client, "delete").status == 404


def test_deleting_takes_all_versions_unless_some_are_named(client, place):
    add(client, place.collection, stix.later(place.thing, 1), stix.later(place.thing, 2))
    assert place.ask(client, "delete").status == 200
    assert place.ask(client, "object", "?match[version]=all").status == 404


@pytest.mark.parametrize(
    "which, left", [("first", [1, 2]), ("last", [0, 1]), ("first,last", [1]), (stix.instant(1), [0, 2]), ("all", [])]
)
def test_only_the_versions_named_are_deleted(client, place, which, left):
    add(client, place.collection, stix.later(place.thing, 1), stix.later(place.thing, 2))
    assert place.ask(client, "delete", f"?match[version]={which}").status == 200
    answer = place.ask(client, "versions")
    if left:
        assert answer.json()["versions"] == [stix.instant(number) for number in left]
    else:
        assert answer.status == 404


def test_deleting_a_version_that_is_not_there_is_answered_404_and_takes_nothing(client, place):
    assert place.ask(client, "delete", "?match[version]=1999-01-01T00:00:00.000Z").status == 404
    assert place.ask(client, "object").status == 200


def test_after_the_newest_version_is_deleted_the_one_before_is_served(client, place):
    add(client, place.collection, stix.later(place.thing, 1))
    assert place.ask(client, "delete", "?match[version]=last").status == 200
    assert place.ask(client, "object").json()["objects"] == [place.thing]


def test_deleting_in_one_collection_leaves_the_others_alone(client, place, new_collection):
    other = new_collection()
    add(client, other, place.thing)
    assert place.ask(client, "delete").status == 200
    assert client.get(object_at(other, place.thing)).json()["objects"] == [place.thing]


def test_a_deleted_object_may_be_added_again(client, place):
    assert place.ask(client, "delete").status == 200
    add(client, place.collection, place.thing)
    assert place.ask(client, "object").json()["objects"] == [place.thing]


# ---- HEAD ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", [name for name, (method, _) in ENDPOINTS.items() if method == "GET"])
def test_head_answers_like_get_without_the_body(client, lasting, endpoint):
    got, head = lasting.ask(client, endpoint), client.head(lasting.target(endpoint))
    different = {"date"}
    assert head.status == got.status
    assert [(name.lower(), value) for name, value in head.fields if name.lower() not in different] == [
        (name.lower(), value) for name, value in got.fields if name.lower() not in different
    ]


def test_head_of_an_error_has_no_body_either(client):
    assert client.head("/api/nothing/").status == 404
    assert client.get("/taxii2/").status == 200


# ---- health -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/healthz", "/readyz"])
def test_health_needs_no_credentials(clients, target):
    assert clients[None].raw("GET", target, accept=None).status == 200


def test_metrics_need_credentials(clients):
    assert clients[None].raw("GET", "/metrics", accept=None).status == 401
    assert clients["none"].raw("GET", "/metrics", accept=None).status == 200


def test_versions_of_two_objects_do_not_mix(client, place):
    other = stix.later(stix.indicator(), 9)
    add(client, place.collection, other)
    assert client.get(versions_of(place.collection, other)).json()["versions"] == [stix.instant(9)]
