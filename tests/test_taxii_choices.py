"""Conformance 4.5: what the standard leaves open, as docs/taxii.md decides it."""

import pytest
import stix
from exchange import add, manifest_of, object_at, objects_of, versions_of

EPOCH = "1970-01-01T00:00:00.000000Z"


@pytest.mark.parametrize("where", [objects_of, manifest_of])
def test_an_empty_page_repeats_the_added_after_of_its_request_in_both_headers(client, untouched, where):
    asked = "2026-01-31T12:00:00.123456Z"
    answer = client.get(f"{where(untouched)}?added_after={asked}")
    assert answer.json() == {}
    assert answer.one("X-TAXII-Date-Added-First") == answer.one("X-TAXII-Date-Added-Last") == asked


@pytest.mark.parametrize("where", [objects_of, manifest_of])
def test_an_empty_page_without_added_after_names_the_beginning_of_time(client, untouched, where):
    answer = client.get(where(untouched))
    assert answer.one("X-TAXII-Date-Added-First") == answer.one("X-TAXII-Date-Added-Last") == EPOCH


def test_polling_with_the_header_of_an_empty_page_loses_nothing(client, collection):
    after = client.get(objects_of(collection)).one("X-TAXII-Date-Added-Last")
    thing = stix.indicator()
    add(client, collection, thing)
    answer = client.get(f"{objects_of(collection)}?added_after={after}")
    assert answer.json()["objects"] == [thing]
    after = answer.one("X-TAXII-Date-Added-Last")
    answer = client.get(f"{objects_of(collection)}?added_after={after}")
    assert answer.json() == {}
    assert answer.one("X-TAXII-Date-Added-Last") == after


def test_a_filter_that_matches_nothing_gives_an_empty_envelope(client, collection):
    add(client, collection, stix.indicator())
    for query in ("match[type]=malware", f"match[id]={stix.new_id('indicator')}", "added_after=2999-01-01T00:00:00Z"):
        answer = client.get(f"{objects_of(collection)}?{query}")
        assert (answer.status, answer.json()) == (200, {})


def test_an_object_that_is_not_there_is_answered_404(client, untouched):
    unknown = stix.new_id("indicator")
    assert client.get(object_at(untouched, unknown)).status == 404
    assert client.get(versions_of(untouched, unknown)).status == 404


def test_an_object_that_is_there_with_a_filter_that_matches_nothing_gives_an_empty_envelope(client, collection):
    add(client, collection, thing := stix.indicator())
    for query in ("match[version]=1999-01-01T00:00:00Z", "match[spec_version]=2.0", "added_after=2999-01-01T00:00:00Z"):
        answer = client.get(f"{object_at(collection, thing)}?{query}")
        assert (answer.status, answer.json()) == (200, {})


def test_good_and_bad_objects_in_one_post_give_202_and_each_its_line(client, collection):
    good = [stix.indicator(1), stix.malware(), stix.ipv4()]
    bad = [stix.broken(), {**stix.indicator(), "created": "never"}, {"type": "indicator", "spec_version": "2.1"}]
    answer = client.post(objects_of(collection), stix.envelope(good[0], bad[0], good[1], bad[1], good[2], bad[2]))
    assert answer.status == 202
    status = answer.json()
    assert (status["success_count"], status["failure_count"], status["total_count"]) == (3, 3, 6)
    assert [line["id"] for line in status["successes"]] == [thing["id"] for thing in good]
    assert [line["id"] for line in status["failures"]][:2] == [thing["id"] for thing in bad[:2]]
    assert all(line["message"] for line in status["failures"])
    assert client.get(objects_of(collection)).json()["objects"] == good


def test_only_bad_objects_give_422_with_the_reason(client, untouched):
    answer = client.post(objects_of(untouched), stix.envelope(stix.broken()))
    assert answer.status == 422
    assert answer.json()["description"]


def test_a_bundle_in_the_envelope_is_no_object(client, collection):
    bundle = {"type": "bundle", "id": stix.new_id("bundle"), "objects": [stix.indicator()]}
    assert client.post(objects_of(collection), stix.envelope(bundle)).status == 422
    assert client.post(objects_of(collection), bundle).status in (202, 422)
    ids = [thing["id"] for thing in client.get(objects_of(collection)).json().get("objects", [])]
    assert bundle["id"] not in ids


def test_after_deleting_what_more_announced_the_next_page_may_be_empty(client, collection):
    things = [stix.indicator(number) for number in range(3)]
    add(client, collection, *things)
    page = client.get(f"{objects_of(collection)}?limit=2").json()
    assert page["more"] is True
    assert client.delete(object_at(collection, things[2])).status == 200
    answer = client.get(f"{objects_of(collection)}?limit=2&next={page['next']}")
    assert (answer.status, answer.json()) == (200, {})


def test_a_manifest_page_names_its_next_too_so_that_the_oasis_client_can_walk_it(client, collection):
    """TAXII 2.1 section 7.1 allows the property; without it that client asks for the first page for ever."""
    add(client, collection, stix.indicator(1), stix.indicator(2), stix.indicator(3))
    page = client.get(f"{manifest_of(collection)}?limit=2").json()
    assert page["more"] is True and page["next"]
    rest = client.get(f"{manifest_of(collection)}?limit=2&next={page['next']}").json()
    assert len(rest["objects"]) == 1 and "next" not in rest
