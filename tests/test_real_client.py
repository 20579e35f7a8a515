"""The OASIS taxii2-client drives every endpoint over TLS."""

import datetime
import json
import lzma

import pytest
import stix
from exchange import PASSWORD, add

taxii2client = pytest.importorskip("taxii2client", reason="the OASIS taxii2-client is not installed")
requests = pytest.importorskip("requests")
v21 = pytest.importorskip("taxii2client.v21")


@pytest.fixture(autouse=True)
def no_environment_of_others(monkeypatch):
    """requests listens to these before it listens to us."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def connection(exchange):
    """How that client is told who we are and whom to trust."""
    return {"user": "both", "password": PASSWORD, "verify": str(exchange.certificate)}


@pytest.fixture
def oasis(exchange, connection):
    with v21.Server(exchange.url, **connection) as server:
        yield server


def collection_of(server, number):
    return next(entry for entry in server.default.collections if entry.id == number)


def test_it_discovers_the_server_and_its_api_root(oasis):
    assert oasis.title
    assert oasis.default.url in [root.url for root in oasis.api_roots]
    assert oasis.default.title and oasis.default.max_content_length > 0
    assert "application/taxii+json;version=2.1" in oasis.default.versions


def test_it_lists_collections_with_what_it_may_do(oasis, collection):
    entry = collection_of(oasis, collection)
    assert (entry.title, entry.can_read, entry.can_write) == ("story", True, True)
    entry.refresh()
    assert entry.id == collection and entry.media_types


def test_it_adds_objects_and_waits_for_their_status(oasis, collection):
    entry = collection_of(oasis, collection)
    status = entry.add_objects(stix.envelope(stix.indicator(), stix.malware(), stix.broken()))
    assert status.status == "complete"
    assert (status.total_count, status.success_count, status.failure_count, status.pending_count) == (3, 2, 1, 0)
    again = oasis.default.get_status(status.id)
    assert [line["id"] for line in again.successes] == [line["id"] for line in status.successes]
    status.refresh()
    assert bool(status)


def test_it_gets_objects_and_one_object_and_its_versions_and_the_manifest(oasis, collection):
    entry = collection_of(oasis, collection)
    thing = stix.indicator()
    newer = stix.later(thing, 1)
    entry.add_objects(stix.envelope(thing, newer))
    assert entry.get_objects()["objects"] == [newer]
    assert entry.get_object(thing["id"])["objects"] == [newer]
    assert entry.get_object(thing["id"], version="all")["objects"] == [thing, newer]
    assert entry.object_versions(thing["id"])["versions"] == [thing["modified"], newer["modified"]]
    assert [row["version"] for row in entry.get_manifest(version=["first", "last"])["objects"]] == [
        thing["modified"],
        newer["modified"],
    ]


def test_its_filters_work(oasis, collection):
    entry = collection_of(oasis, collection)
    things = [stix.indicator(), stix.malware(), stix.campaign()]
    entry.add_objects(stix.envelope(*things))
    assert entry.get_objects(type=["malware", "campaign"])["objects"] == things[1:]
    assert entry.get_objects(id=things[0]["id"], type="indicator")["objects"] == things[:1]
    assert entry.get_objects(spec_version="2.0") == {}
    first = entry.get_manifest()["objects"][0]["date_added"]
    when = datetime.datetime.strptime(first, "%Y-%m-%dT%H:%M:%S.%f%z")
    assert entry.get_objects(added_after=when)["objects"] == things[1:]
    assert entry.get_objects(version=datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC))["objects"] == things


def test_it_deletes_an_object(oasis, collection):
    entry = collection_of(oasis, collection)
    thing = stix.indicator()
    entry.add_objects(stix.envelope(thing))
    entry.delete_object(thing["id"])
    with pytest.raises(requests.exceptions.HTTPError) as refused:
        entry.get_object(thing["id"])
    assert refused.value.response.status_code == 404


def test_it_is_told_what_it_may_not_do(exchange, collection):
    how = {"user": "reader", "password": PASSWORD, "verify": str(exchange.certificate)}
    with v21.Server(exchange.url, **how) as server:
        entry = collection_of(server, collection)
        assert not entry.can_write
        with pytest.raises(taxii2client.exceptions.AccessError):
            entry.add_objects(stix.envelope(stix.indicator()))
        entry._can_write = True  # the server, too, says no
        with pytest.raises(requests.exceptions.HTTPError) as refused:
            entry.add_objects(stix.envelope(stix.indicator()))
        assert refused.value.response.status_code == 403


def test_it_does_not_get_in_with_a_wrong_password(exchange):
    class FromElsewhere(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args, **more):
            super().init_poolmanager(*args, source_address=("127.7.7.7", 0), **more)

    with v21.Server(exchange.url, user="both", password="wrong", verify=str(exchange.certificate)) as server:
        server._conn.session.mount("https://", FromElsewhere())
        with pytest.raises(requests.exceptions.HTTPError) as refused:
            server.refresh()
    assert refused.value.response.status_code == 401


def test_its_token_is_an_api_key(exchange, collection):
    token = taxii2client.TokenAuth(exchange.make_key("both")) if hasattr(taxii2client, "TokenAuth") else None
    token = token or taxii2client.common.TokenAuth(exchange.make_key("both"))
    with v21.Server(exchange.url, auth=token, verify=str(exchange.certificate)) as server:
        assert collection_of(server, collection).title == "story"


@pytest.mark.parametrize("per_request", [1, 7, 50])
def test_its_as_pages_walks_objects_and_manifest_losslessly(exchange, client, oasis, collection, per_request):
    things = [stix.indicator(number) for number in range(50)]
    add(client, collection, *things)
    entry = collection_of(oasis, collection)
    for get in (entry.get_objects, entry.get_manifest):
        got = []
        for page in v21.as_pages(get, per_request=per_request):
            got += [row["id"] for row in page["objects"]]
            assert len(got) <= len(things), "it was given the same page again"
        assert got == [thing["id"] for thing in things]


def test_attack_goes_in_and_comes_back_the_same_through_it(attack_files, oasis, collection):
    """Every object of one ATT&CK release, posted in envelopes of 500 and pulled in pages of 300."""
    name = sorted(attack_files)[-1]
    with lzma.open(attack_files[name]) as file:
        things = json.load(file)["objects"]
    entry = collection_of(oasis, collection)
    for at in range(0, len(things), 500):
        status = entry.add_objects({"objects": things[at : at + 500]})
        assert status.failure_count == 0, status.failures[:3]
    pulled = [thing for page in v21.as_pages(entry.get_objects, per_request=300) for thing in page["objects"]]
    assert [thing["id"] for thing in pulled] == [thing["id"] for thing in things]
    assert pulled == things


def test_three_attack_releases_become_versions_of_the_same_objects(attack_files, exchange, oasis, collection):
    """ICS 16.1, 17.0 and 18.1 imported one after the other; what comes back is the newest of each object."""
    releases = [name for name in ("ics-attack-16.1", "ics-attack-17.0", "ics-attack-18.1") if name in attack_files]
    if len(releases) < 3:
        pytest.skip("the three ICS releases are not all there")
    newest, versions, revoked = {}, set(), set()
    for name in releases:
        with lzma.open(attack_files[name]) as file:
            bundle = file.read()
        path = exchange.folder.with_name(f"{name}.json")
        path.write_bytes(bundle)
        # MITRE changes some objects without a new version, and changed one after revoking it: those are reported
        assert exchange.command("import", "--collection", collection, path, check=False).returncode in (0, 1)
        for thing in json.loads(bundle)["objects"]:
            version = thing.get("modified", thing["created"])
            if (thing["id"], version) in versions or thing["id"] in revoked:
                continue
            versions.add((thing["id"], version))
            if thing.get("revoked"):
                revoked.add(thing["id"])
            if version >= newest.get(thing["id"], ("", None))[0]:
                newest[thing["id"]] = (version, thing)
    entry = collection_of(oasis, collection)
    pulled = [thing for page in v21.as_pages(entry.get_objects, per_request=1000) for thing in page["objects"]]
    assert {thing["id"]: thing for thing in pulled} == {number: thing for number, (_, thing) in newest.items()}
    assert len(pulled) == len(newest)
    rows = [
        row for page in v21.as_pages(entry.get_manifest, per_request=1000, version="all") for row in page["objects"]
    ]
    assert {(row["id"], row["version"]) for row in rows} == versions and len(rows) == len(versions)
