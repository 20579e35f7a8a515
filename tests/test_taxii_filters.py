"""Conformance 4.4: sorting, filtering, versions and spec versions."""

import pytest
import stix
from exchange import add, manifest_of, object_at, objects_of, versions_of, walk, walk_ids

STIX_TYPES = (
    "attack-pattern campaign course-of-action grouping identity incident indicator infrastructure "
    "intrusion-set location malware malware-analysis note observed-data opinion report threat-actor tool "
    "vulnerability relationship sighting artifact autonomous-system directory domain-name email-addr "
    "email-message file ipv4-addr ipv6-addr mac-addr mutex network-traffic process software url user-account "
    "windows-registry-key x509-certificate extension-definition language-content marking-definition"
).split()


def ids(answer):
    assert answer.status == 200, answer
    return [thing["id"] for thing in answer.json().get("objects", [])]


@pytest.fixture
def things(client, collection):
    """Two indicators, a malware, a campaign, an address and a marking, in this order."""
    things = [stix.indicator(1), stix.indicator(2), stix.malware(), stix.campaign(), stix.ipv4(), stix.statement()]
    add(client, collection, *things)
    return things


def names(things, *numbers):
    return [things[number]["id"] for number in numbers]


# ---- 4.4.1 sorting ----------------------------------------------------------------------


def test_objects_and_manifest_stand_in_the_order_they_were_added(client, collection):
    things = [stix.indicator(number) for number in range(30)]
    for at in range(0, 30, 3):
        add(client, collection, *things[at : at + 3])
    assert ids(client.get(objects_of(collection))) == [thing["id"] for thing in things]
    manifest = client.get(manifest_of(collection)).json()["objects"]
    assert [row["id"] for row in manifest] == [thing["id"] for thing in things]
    added = [row["date_added"] for row in manifest]
    assert added == sorted(added) and len(set(added)) == len(added)


def test_a_version_that_arrives_late_is_listed_when_it_was_added(client, collection):
    thing = stix.indicator()
    add(client, collection, stix.later(thing, 5))
    add(client, collection, stix.later(thing, 3))
    rows = client.get(f"{manifest_of(collection)}?match[version]=all").json()["objects"]
    assert [row["version"] for row in rows] == [stix.instant(5), stix.instant(3)]
    assert client.get(object_at(collection, thing)).json()["objects"][0]["modified"] == stix.instant(5)


# ---- 4.4.2 added_after ----------------------------------------------------------------------


def test_added_after_is_strictly_after(client, collection, things):
    rows = client.get(manifest_of(collection)).json()["objects"]
    for at, row in enumerate(rows):
        answer = client.get(f"{objects_of(collection)}?added_after={row['date_added']}")
        assert ids(answer) == [thing["id"] for thing in things[at + 1 :]]
    before = rows[0]["date_added"].replace("Z", "")
    earlier = f"{before[:-6]}{max(int(before[-6:]) - 1, 0):06}Z"
    if earlier < rows[0]["date_added"]:
        assert ids(client.get(f"{objects_of(collection)}?added_after={earlier}")) == [thing["id"] for thing in things]


def test_added_after_has_nothing_to_do_with_times_inside_objects(client, collection):
    future = stix.indicator(modified="2999-01-01T00:00:00.000Z")
    add(client, collection, future)
    assert ids(client.get(f"{objects_of(collection)}?added_after=2998-01-01T00:00:00.000000Z")) == []
    assert ids(client.get(f"{objects_of(collection)}?added_after=1971-01-01T00:00:00.000000Z")) == [future["id"]]


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"])
def test_added_after_a_time_before_everything_gives_everything(client, collection, things, text):
    assert len(ids(client.get(f"{objects_of(collection)}?added_after={text}"))) == len(things)


# ---- 4.4.3 limit ------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 5, 6, 7, 100, 10**9, 10**30])
@pytest.mark.parametrize("where", [objects_of, manifest_of])
def test_never_more_than_limit_and_more_is_true_exactly_when_more_remains(client, collection, things, where, limit):
    page = client.get(f"{where(collection)}?limit={limit}").json()
    assert len(page["objects"]) == min(limit, len(things))
    assert page.get("more", False) is (limit < len(things))


def test_limit_counts_versions_of_one_object_too(client, collection):
    thing = stix.indicator()
    add(client, collection, thing, stix.later(thing, 1), stix.later(thing, 2))
    page = client.get(f"{versions_of(collection, thing)}?limit=2").json()
    assert page["versions"] == [stix.START, stix.instant(1)] and page["more"] is True
    page = client.get(f"{object_at(collection, thing)}?match[version]=all&limit=2").json()
    assert len(page["objects"]) == 2 and page["more"] is True


# ---- 4.4.5 match: id and type ---------------------------------------------------------------------


def test_match_type_gives_that_type_alone(client, collection, things):
    assert ids(client.get(f"{objects_of(collection)}?match[type]=indicator")) == names(things, 0, 1)
    assert ids(client.get(f"{manifest_of(collection)}?match[type]=malware")) == names(things, 2)


def test_values_with_a_comma_between_them_are_or(client, collection, things):
    assert ids(client.get(f"{objects_of(collection)}?match[type]=malware,campaign")) == names(things, 2, 3)
    both = ",".join(names(things, 4, 0))
    assert ids(client.get(f"{objects_of(collection)}?match[id]={both}")) == names(things, 0, 4)


def test_two_fields_are_and(client, collection, things):
    both = ",".join(names(things, 0, 2, 4))
    assert ids(client.get(f"{objects_of(collection)}?match[id]={both}&match[type]=malware,indicator")) == names(
        things, 0, 2
    )
    assert ids(client.get(f"{objects_of(collection)}?match[id]={things[0]['id']}&match[type]=malware")) == []


def test_brackets_may_be_percent_encoded(client, collection, things):
    assert ids(client.get(f"{objects_of(collection)}?match%5Btype%5D=malware%2Ccampaign")) == names(things, 2, 3)


def test_an_id_that_is_not_there_matches_nothing(client, collection, things):
    assert ids(client.get(f"{objects_of(collection)}?match[id]={stix.new_id('indicator')}")) == []
    assert ids(client.get(f"{objects_of(collection)}?match[id]=no-stix-id")) == []


@pytest.mark.parametrize("kind", STIX_TYPES)
def test_this_type_of_stix_2_1_is_never_an_error(client, untouched, kind):
    assert client.get(f"{objects_of(untouched)}?match[type]={kind}").status == 200


def test_a_type_of_somebody_elses_is_no_error_either_and_finds_its_objects(client, collection):
    custom = {**stix.campaign(), "type": "x-ship-log", "id": stix.new_id("x-ship-log")}
    assert client.get(f"{objects_of(collection)}?match[type]=x-ship-log,x-nobody").json() == {}
    add(client, collection, custom, stix.campaign())
    assert ids(client.get(f"{objects_of(collection)}?match[type]=x-ship-log,x-nobody")) == [custom["id"]]
    assert ids(client.get(f"{objects_of(collection)}?match[type]=x-nobody")) == []


def test_140_ids_in_one_request_are_served(client, collection):
    things = [stix.indicator(number) for number in range(140)]
    add(client, collection, *things)
    wanted = [thing["id"] for thing in things]
    assert ids(client.get(f"{objects_of(collection)}?match[id]={','.join(reversed(wanted))}&limit=1000")) == wanted


# ---- 4.4.6 match[version] -----------------------------------------------------------------------------


@pytest.fixture
def versions(client, collection):
    """An indicator in versions 0 to 4, between two others."""
    thing = stix.indicator()
    made = [thing, *(stix.later(thing, number) for number in range(1, 5))]
    add(client, collection, stix.malware("before"), *made, stix.malware("after"))
    return made


@pytest.mark.parametrize(
    "which, numbers",
    [
        (None, [4]),
        ("last", [4]),
        ("first", [0]),
        ("all", [0, 1, 2, 3, 4]),
        ("first,last", [0, 4]),
        ("last,first", [0, 4]),
        (stix.instant(2), [2]),
        (f"{stix.instant(1)},{stix.instant(3)}", [1, 3]),
        (f"first,{stix.instant(3)},last", [0, 3, 4]),
        (f"last,{stix.instant(4)}", [4]),
        ("2024-05-01T00:00:02Z", [2]),
        ("2024-05-01T00:00:02.000000Z", [2]),
        ("1999-01-01T00:00:00.000Z", []),
    ],
)
def test_match_version_picks_these_versions(client, collection, versions, which, numbers):
    only = f"match[id]={versions[0]['id']}"
    more = f"&match[version]={which}" if which else ""
    assert client.get(f"{objects_of(collection)}?{only}{more}").json().get("objects", []) == [
        versions[n] for n in numbers
    ]
    rows = client.get(f"{manifest_of(collection)}?{only}{more}").json().get("objects", [])
    assert [row["version"] for row in rows] == [versions[number]["modified"] for number in numbers]
    one = client.get(f"{object_at(collection, versions[0])}?{more[1:]}" if more else object_at(collection, versions[0]))
    assert one.status == 200
    assert one.json().get("objects", []) == [versions[number] for number in numbers]


def test_without_match_version_only_the_newest_of_each_object_is_served(client, collection, versions):
    assert len(ids(client.get(objects_of(collection)))) == 3
    assert len(ids(client.get(f"{objects_of(collection)}?match[version]=all"))) == 7
    assert len(ids(client.get(f"{objects_of(collection)}?match[version]=first"))) == 3


def test_last_is_the_newest_modified_not_the_last_to_arrive(client, collection):
    thing = stix.indicator()
    add(client, collection, stix.later(thing, 9), stix.later(thing, 2), stix.later(thing, 5))
    assert client.get(object_at(collection, thing)).json()["objects"][0]["modified"] == stix.instant(9)
    first = client.get(f"{object_at(collection, thing)}?match[version]=first").json()["objects"]
    assert first[0]["modified"] == stix.instant(2)


def test_versions_finer_than_a_millisecond_are_told_apart(client, collection):
    thing = stix.indicator()
    fine = [
        {**thing, "modified": f"2024-05-02T00:00:00.{digits}Z"}
        for digits in ("123", "1234", "12345", "123456", "1234567")
    ]
    add(client, collection, *fine)
    assert client.get(f"{versions_of(collection, thing)}").json()["versions"] == [row["modified"] for row in fine]
    for row in fine:
        got = client.get(f"{object_at(collection, thing)}?match[version]={row['modified']}").json()["objects"]
        assert got == [row]


def test_an_object_without_modified_is_matched_by_its_created(client, collection):
    marking = stix.statement()
    add(client, collection, marking, stix.indicator())
    assert ids(client.get(f"{objects_of(collection)}?match[version]={marking['created']}")) == [marking["id"]]


def test_two_contents_under_the_id_of_an_address_are_two_versions(client, collection):
    thing = stix.ipv4()
    add(client, collection, thing)
    add(client, collection, {**thing, "defanged": True})
    versions = client.get(versions_of(collection, thing)).json()["versions"]
    assert len(versions) == len(set(versions)) == 2
    assert client.get(object_at(collection, thing)).json()["objects"] == [{**thing, "defanged": True}]
    assert client.get(f"{object_at(collection, thing)}?match[version]=all").json()["objects"] == [
        thing,
        {**thing, "defanged": True},
    ]


# ---- 4.4.7 match[spec_version] ---------------------------------------------------------------------------


@pytest.fixture
def specs(client, collection):
    """One object in 2.0 and 2.1, one in 2.0 alone, one in 2.1 alone."""
    shared_id = stix.new_id("indicator")
    made = {
        "both 2.0": stix.old_indicator(object_id=shared_id),
        "both 2.1": stix.indicator(object_id=shared_id, modified=stix.instant(60)),
        "2.0": stix.old_indicator(2),
        "2.1": stix.indicator(3),
    }
    add(client, collection, *made.values())
    return made


@pytest.mark.parametrize(
    "which, wanted",
    [
        (None, ["both 2.1", "2.0", "2.1"]),
        ("2.1", ["both 2.1", "2.1"]),
        ("2.0", ["both 2.0", "2.0"]),
        # asked for both, a client gets the newest of each: an object's 2.0 and 2.1 versions are two rows of versions
        ("2.0,2.1", ["both 2.0", "both 2.1", "2.0", "2.1"]),
        ("2.2", []),
    ],
)
def test_match_spec_version_serves_no_other(client, collection, specs, which, wanted):
    query = f"?match[spec_version]={which}" if which else ""
    got = client.get(objects_of(collection) + query).json().get("objects", [])
    assert got == [specs[name] for name in wanted]


def test_all_versions_of_both_spec_versions_are_served_when_asked_for(client, collection, specs):
    got = client.get(f"{objects_of(collection)}?match[spec_version]=2.0,2.1&match[version]=all").json()["objects"]
    assert got == list(specs.values())


def test_versions_are_filtered_by_spec_version(client, collection, specs):
    thing = specs["both 2.0"]
    assert client.get(f"{versions_of(collection, thing)}?match[spec_version]=2.0").json()["versions"] == [stix.START]
    both = client.get(f"{versions_of(collection, thing)}?match[spec_version]=2.0,2.1").json()["versions"]
    assert both == [stix.START, stix.instant(60)]


# ---- filters together --------------------------------------------------------------------------------------


def test_filters_and_pages_together_lose_nothing(client, collection):
    things = []
    for number in range(40):
        thing = stix.indicator(number) if number % 3 else stix.malware(f"loader {number}")
        things += [thing, stix.later(thing, number + 1)]
    add(client, collection, *things)
    wanted = [thing["id"] for thing in things if thing["type"] == "malware"]
    for by in ("next", "added_after"):
        assert (
            walk_ids(client, objects_of(collection), by, limit=3, **{"match[type]": "malware", "match[version]": "all"})
            == wanted
        )
        newest = [thing["id"] for thing in things[1::2]]
        assert walk_ids(client, objects_of(collection), by, limit=7) == newest


def test_each_page_obeys_its_limit(client, collection):
    add(client, collection, *(stix.indicator(number) for number in range(25)))
    sizes = [len(answer.json()["objects"]) for answer in walk(client, objects_of(collection), limit=10)]
    assert sizes == [10, 10, 5]


# ---- 4.4.9 headers, 4.4.10 duplicates, 4.4.11 custom properties -----------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_date_added_headers_name_the_first_and_last_row_of_the_page(client, collection, things, limit):
    rows = client.get(f"{manifest_of(collection)}?limit={limit}")
    answer = client.get(f"{objects_of(collection)}?limit={limit}")
    for got in (rows, answer):
        assert got.one("X-TAXII-Date-Added-First") == rows.json()["objects"][0]["date_added"]
        assert got.one("X-TAXII-Date-Added-Last") == rows.json()["objects"][-1]["date_added"]


def test_an_exact_duplicate_is_no_error_and_changes_nothing(client, collection):
    thing = stix.indicator()
    add(client, collection, thing)
    before = client.get(manifest_of(collection)).body
    status = add(client, collection, thing)
    assert status["failure_count"] == 0
    add(client, collection, thing, thing, thing)
    assert client.get(manifest_of(collection)).body == before


def test_a_duplicate_in_other_words_is_a_duplicate_still(client, collection):
    thing = stix.indicator()
    add(client, collection, thing)
    before = client.get(objects_of(collection)).body
    add(client, collection, dict(reversed(thing.items())))
    assert client.get(objects_of(collection)).body == before


def test_other_content_under_the_same_version_fails_and_the_first_stays(client, collection):
    thing = stix.indicator()
    add(client, collection, thing)
    other = stix.malware()
    status = client.post(objects_of(collection), stix.envelope({**thing, "name": "another name"}, other)).json()
    assert (status["success_count"], status["failure_count"]) == (1, 1)
    assert status["failures"][0]["id"] == thing["id"] and status["failures"][0]["message"]
    assert client.get(object_at(collection, thing)).json()["objects"] == [thing]


def test_a_revoked_object_takes_no_later_version(client, collection):
    thing = stix.indicator()
    add(client, collection, thing, {**stix.later(thing, 1), "revoked": True})
    status = client.post(objects_of(collection), stix.envelope(stix.later(thing, 2), stix.malware())).json()
    assert [line["id"] for line in status["failures"]] == [thing["id"]]
    assert client.get(object_at(collection, thing)).json()["objects"][0]["revoked"] is True


def test_custom_properties_of_the_envelope_are_ignored(client, collection):
    body = {"x_example_com_batch": {"number": 7}, "x_more": [], **stix.envelope(stix.indicator())}
    assert client.post(objects_of(collection), body).status == 202


def test_more_and_next_in_a_posted_envelope_are_ignored(client, collection):
    body = {"more": True, "next": "anything", **stix.envelope(stix.indicator())}
    assert client.post(objects_of(collection), body).status == 202


def test_custom_properties_of_objects_are_kept(client, collection):
    thing = stix.indicator(x_example_com_score={"impact": "high", "list": [1, 2, {"a": None}]})
    add(client, collection, thing)
    assert client.get(object_at(collection, thing)).json()["objects"] == [thing]
