"""Conformance 4.3: the resources of TAXII 2.1, property by property."""

import re
import uuid

import pytest
import stix
from exchange import add, manifest_of, objects_of, versions_of
from wire import TAXII, TIMESTAMP, UUID4

MEDIA = re.compile(r"\Aapplication/stix\+json;version=2\.[01]\Z")


def check_details(lines, message=None):
    for line in lines:
        assert set(line) <= {"id", "version", "message"} and {"id", "version"} <= set(line), line
        assert all(isinstance(value, str) for value in line.values()), line
        if message:
            assert line["message"]


def test_discovery_has_a_title_and_roots_and_its_default_is_one_of_them(client):
    resource = client.get("/taxii2/").json()
    assert set(resource) <= {"title", "description", "contact", "default", "api_roots"}
    assert isinstance(resource["title"], str) and resource["title"]
    assert resource["default"] in resource["api_roots"]
    for root in resource["api_roots"]:
        assert re.match(r"\A(https://[^/?#]+)?/(?!/)[^?#]*\Z", root), root
        assert client.get(root).status == 200


def test_an_api_root_has_title_versions_and_a_positive_max_content_length(client):
    resource = client.get("/api/").json()
    assert set(resource) <= {"title", "description", "versions", "max_content_length"}
    assert isinstance(resource["title"], str) and resource["title"]
    assert TAXII in resource["versions"]
    assert type(resource["max_content_length"]) is int and resource["max_content_length"] > 0


@pytest.mark.parametrize(
    "access, can_read, can_write", [("read", True, False), ("write", False, True), ("both", True, True)]
)
def test_a_collection_says_what_this_account_may_do(clients, collection, access, can_read, can_write):
    resource = clients[access].get(f"/api/collections/{collection}/").json()
    assert set(resource) <= {"id", "title", "description", "alias", "can_read", "can_write", "media_types"}
    assert resource["id"] == collection and UUID4.match(resource["id"])
    assert resource["title"] == "story"
    assert (resource["can_read"], resource["can_write"]) == (can_read, can_write)
    assert all(MEDIA.match(media) for media in resource["media_types"])


def test_the_list_of_collections_says_the_same_as_each_collection(client, collection):
    listed = client.get("/api/collections/").json()["collections"]
    assert collection in [entry["id"] for entry in listed]
    for entry in listed[-3:]:
        assert client.get(f"/api/collections/{entry['id']}/").json() == entry


def test_collections_without_access_are_not_listed(clients, collection):
    for access in ("read", "write", "both"):
        assert collection in [entry["id"] for entry in clients[access].get("/api/collections/").json()["collections"]]
    assert clients["none"].get("/api/collections/").json() == {}


def test_collections_stand_in_the_same_order_every_time(client, new_collection):
    made = [new_collection(title) for title in ("b", "a", "c")]
    first = [entry["id"] for entry in client.get("/api/collections/").json()["collections"]]
    assert [number for number in first if number in made] == made
    for _ in range(5):
        assert [entry["id"] for entry in client.get("/api/collections/").json()["collections"]] == first


def test_an_alias_stands_in_for_the_id_everywhere(client, new_collection):
    alias = f"high-value-{uuid.uuid4().hex[:8]}"
    collection = new_collection("aliased", alias=alias)
    thing = stix.indicator()
    add(client, alias, thing)
    assert client.get(f"/api/collections/{alias}/").json() == client.get(f"/api/collections/{collection}/").json()
    assert client.get(f"/api/collections/{collection}/").json()["alias"] == alias
    for target in (objects_of, manifest_of, lambda where: versions_of(where, thing)):
        assert client.get(target(alias)).body == client.get(target(collection)).body
    assert client.delete(f"/api/collections/{alias}/objects/{thing['id']}/").status == 200
    assert client.get(objects_of(collection)).json() == {}


def test_an_alias_is_unique(exchange, new_collection):
    alias = f"once-{uuid.uuid4().hex[:8]}"
    new_collection("first", alias=alias)
    done = exchange.command("collection", "add", "second", "--alias", alias, check=False)
    assert done.returncode in (2, 3), done
    assert alias in done.stderr


def test_an_id_is_unique(exchange, collection):
    done = exchange.command("collection", "add", "second", "--id", collection, check=False)
    assert done.returncode in (2, 3), done
    assert collection in done.stderr


def test_a_title_comes_back_as_it_was_given(exchange, client):
    title = 'Ünïcødé "quoted" \\ 网络 <script>'
    number = exchange.add_collection(title, both="both")
    assert client.get(f"/api/collections/{number}/").json()["title"] == title


def test_a_manifest_row_has_id_date_added_version_and_a_media_type_of_the_collection(client, collection):
    things = [stix.indicator(), stix.old_indicator(), stix.ipv4(), stix.statement()]
    add(client, collection, *things)
    media_types = client.get(f"/api/collections/{collection}/").json()["media_types"]
    manifest = client.get(manifest_of(collection)).json()
    assert [row["id"] for row in manifest["objects"]] == [thing["id"] for thing in things]
    for row in manifest["objects"]:
        assert set(row) == {"id", "date_added", "version", "media_type"}
        assert TIMESTAMP.match(row["date_added"])
        assert row["media_type"] in media_types
    versions = [row["media_type"][-3:] for row in manifest["objects"]]
    assert versions == ["2.1", "2.0", "2.1", "2.1"]


def test_an_envelope_has_objects_and_more_and_next_only_when_there_is_more(client, collection):
    add(client, collection, stix.indicator(1), stix.indicator(2))
    whole = client.get(objects_of(collection)).json()
    assert set(whole) <= {"objects", "more"} and whole.get("more", False) is False
    page = client.get(f"{objects_of(collection)}?limit=1").json()
    assert set(page) == {"objects", "more", "next"}
    assert page["more"] is True and isinstance(page["next"], str) and page["next"]


def test_a_versions_resource_lists_versions_oldest_first(client, collection):
    thing = stix.indicator()
    add(client, collection, thing, stix.later(thing, 1), stix.later(thing, 2))
    resource = client.get(versions_of(collection, thing)).json()
    assert set(resource) == {"versions"}
    assert resource["versions"] == [stix.START, stix.instant(1), stix.instant(2)]


def test_a_status_counts_and_lists_what_became_of_each_object(client, collection):
    good, bad = stix.indicator(), stix.broken()
    answer = client.post(objects_of(collection), stix.envelope(good, bad))
    assert answer.status == 202
    status = answer.json()
    known = {"id", "status", "request_timestamp", "total_count", "success_count", "successes"}
    assert set(status) <= known | {"failure_count", "failures", "pending_count", "pendings"}
    assert UUID4.match(status["id"]) and status["status"] in ("complete", "pending")
    assert TIMESTAMP.match(status["request_timestamp"])
    assert (status["total_count"], status["success_count"], status["failure_count"], status["pending_count"]) == (
        2,
        1,
        1,
        0,
    )
    assert [(line["id"], line["version"]) for line in status["successes"]] == [(good["id"], good["modified"])]
    assert [(line["id"], line["version"]) for line in status["failures"]] == [(bad["id"], bad["modified"])]
    check_details(status["successes"])
    check_details(status["failures"], message=True)
    assert "pattern" in status["failures"][0]["message"]


def test_the_status_endpoint_gives_the_status_the_post_gave(client, collection):
    status = client.post(objects_of(collection), stix.envelope(stix.indicator(), stix.broken())).json()
    assert status["status"] == "complete"
    for _ in range(3):
        assert client.get(f"/api/status/{status['id']}/").json() == status


def test_the_counts_of_a_long_status_stay_true_and_its_lists_are_whole_or_left_out(client, collection):
    things = [stix.indicator(number) for number in range(12_000)]
    status = client.post(objects_of(collection), stix.envelope(*things)).json()
    assert status["total_count"] == status["success_count"] == len(things)
    # the OASIS client refuses a list that is shorter than its count
    if "successes" in status:
        assert [line["id"] for line in status["successes"]] == [thing["id"] for thing in things]


def test_version_of_an_object_without_modified_is_its_created(client, collection):
    marking = stix.statement()
    status = add(client, collection, marking)
    assert status["successes"][0]["version"] == marking["created"]
    assert client.get(versions_of(collection, marking)).json()["versions"] == [marking["created"]]
    assert client.get(manifest_of(collection)).json()["objects"][0]["version"] == marking["created"]


def test_version_of_an_object_without_any_time_is_the_same_wherever_it_is_told(client, collection):
    thing = stix.ipv4()
    told = {add(client, collection, thing)["successes"][0]["version"]}
    told.add(client.get(manifest_of(collection)).json()["objects"][0]["version"])
    told.update(client.get(versions_of(collection, thing)).json()["versions"])
    assert len(told) == 1
    version = told.pop()
    assert client.get(f"{objects_of(collection)}?match[version]={version}").json()["objects"] == [thing]


def test_an_error_says_what_and_why_with_its_status_as_a_string(client, collection):
    resource = client.get(f"{objects_of(collection)}?limit=0").json()
    assert set(resource) <= {
        "title",
        "description",
        "error_id",
        "error_code",
        "http_status",
        "external_details",
        "details",
    }
    assert resource["title"] and resource["http_status"] == "400"
    assert "limit" in resource["description"]


def test_an_error_does_not_repeat_hostile_text_raw(client):
    for target in ("/api/collections/%3Cscript%3E/", "/api/collections/%22%5C%0a/"):
        answer = client.get(target)
        assert answer.status == 404
        assert b"<script>" not in answer.body and b"\n" not in answer.body


def test_a_status_outlives_a_restart(own_exchange):
    exchange = own_exchange().start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    status = client.post(objects_of(collection), stix.envelope(stix.indicator(), stix.broken())).json()
    exchange.kill()
    exchange.start()
    client.close()
    assert client.get(f"/api/status/{status['id']}/").json() == status
