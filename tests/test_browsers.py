"""A browser replays the Basic credentials it remembers: other sites must not be able to change anything with them."""

import pytest
import stix
from exchange import add, object_at, objects_of


def own_origin(exchange):
    return f"https://{exchange.host}:{exchange.port}"


FOREIGN = [
    "https://evil.example",
    "http://127.0.0.1",
    "null",
    "",
    "https://127.0.0.1",
    "https://127.0.0.1.evil.example",
    "file://",
]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_post_from_another_origin_is_answered_403_and_adds_nothing(client, untouched, origin):
    answer = client.post(objects_of(untouched), stix.envelope(stix.indicator()), headers=[("Origin", origin)])
    assert answer.status == 403
    assert client.get(objects_of(untouched)).json() == {}


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_delete_from_another_origin_is_answered_403_and_takes_nothing(client, collection, origin):
    add(client, collection, thing := stix.indicator())
    assert client.delete(object_at(collection, thing), headers=[("Origin", origin)]).status == 403
    assert client.get(object_at(collection, thing)).status == 200


def test_the_same_host_by_another_scheme_or_port_is_another_origin(exchange, client, untouched):
    for origin in (own_origin(exchange).replace("https", "http"), f"https://{exchange.host}:1"):
        answer = client.post(objects_of(untouched), stix.envelope(stix.indicator()), headers=[("Origin", origin)])
        assert answer.status == 403


def test_two_origins_are_answered_400(exchange, client, untouched):
    headers = [("Origin", own_origin(exchange)), ("Origin", "https://evil.example")]
    answer = client.post(objects_of(untouched), stix.envelope(stix.indicator()), headers=headers)
    assert answer.status == 400
    client.close()


def test_our_own_pages_may_post_and_delete(exchange, client, collection):
    thing = stix.indicator()
    headers = [("Origin", own_origin(exchange))]
    assert client.post(objects_of(collection), stix.envelope(thing), headers=headers).status == 202
    assert client.delete(object_at(collection, thing), headers=headers).status == 200


def test_programs_that_send_no_origin_may_post_and_delete(client, collection):
    thing = stix.indicator()
    assert client.post(objects_of(collection), stix.envelope(thing)).status == 202
    assert client.delete(object_at(collection, thing)).status == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
)
def test_what_a_form_can_send_without_asking_is_answered_415(client, untouched, content_type):
    answer = client.post(objects_of(untouched), stix.envelope(stix.indicator()), content_type=content_type)
    assert answer.status == 415


def test_no_answer_gives_another_origin_leave_to_read_it(exchange, client, untouched):
    for method, headers in (
        ("OPTIONS", [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "DELETE")]),
        ("GET", [("Origin", "https://evil.example")]),
        ("GET", [("Origin", own_origin(exchange))]),
    ):
        answer = client.ask(method, objects_of(untouched), headers=headers)
        assert not any(name.lower().startswith("access-control-") for name, _ in answer.fields)


def test_answers_may_not_be_taken_for_pages_or_kept_by_shared_caches(client, untouched):
    answer = client.get(objects_of(untouched))
    assert answer.one("X-Content-Type-Options") == "nosniff"
    assert "private" in answer.one("Cache-Control") or "no-store" in answer.one("Cache-Control")


def test_state_changes_only_by_post_and_delete(client, collection):
    add(client, collection, thing := stix.indicator())
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH"):
        headers = [("X-HTTP-Method-Override", "DELETE"), ("X-Method-Override", "DELETE")]
        client.ask(method, f"{object_at(collection, thing)}?_method=DELETE", headers=headers)
    assert client.get(object_at(collection, thing)).status == 200
