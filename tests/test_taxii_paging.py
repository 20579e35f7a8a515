"""Conformance 4.4.4 and 4.6: `next` and `added_after` are one lossless walk."""

import itertools
import threading

import pytest
import stix
from exchange import add, manifest_of, object_at, objects_of, versions_of, walk, walk_ids

MANY = 257


@pytest.fixture
def many(client, collection):
    things = [stix.indicator(number) for number in range(MANY)]
    add(client, collection, *things)
    return [thing["id"] for thing in things]


def added_of(client, collection, **params):
    return [
        row["date_added"]
        for answer in walk(client, manifest_of(collection), "added_after", **params)
        for row in answer.json().get("objects", [])
    ]


@pytest.mark.parametrize("limit", [1, 2, 10, 100, 256, 257, 258])
@pytest.mark.parametrize("by", ["next", "added_after"])
def test_walking_in_pages_of_this_size_gives_every_object_once_in_order(client, collection, many, by, limit):
    assert walk_ids(client, objects_of(collection), by, limit=limit) == many


@pytest.mark.parametrize("by", ["next", "added_after"])
def test_manifest_pages_give_every_row_once_in_order(client, collection, many, by):
    assert walk_ids(client, manifest_of(collection), by, limit=50) == many


@pytest.mark.parametrize("by", ["next", "added_after"])
def test_pages_of_versions_give_every_version_once_in_order(client, collection, by):
    thing = stix.indicator()
    made = [thing, *(stix.later(thing, number) for number in range(1, 23))]
    add(client, collection, *made)
    got = [
        version
        for answer in walk(client, versions_of(collection, thing), by, limit=5)
        for version in answer.json()["versions"]
    ]
    assert got == [version["modified"] for version in made]
    got = [
        row["modified"]
        for answer in walk(client, object_at(collection, thing), by, limit=5, **{"match[version]": "all"})
        for row in answer.json()["objects"]
    ]
    assert got == [version["modified"] for version in made]


def test_both_walks_see_the_same_pages(client, collection, many):
    pages = [
        [answer.body.split(b'"objects"')[1] for answer in walk(client, objects_of(collection), by, limit=31)]
        for by in ("next", "added_after")
    ]
    assert pages[0] == pages[1]


def test_next_and_added_after_may_be_mixed_within_one_walk(client, collection, many):
    got, at = [], {}
    for turn in range(1000):
        query = "&".join(f"{name}={value}" for name, value in at.items())
        answer = client.get(f"{objects_of(collection)}?limit=13&{query}")
        page = answer.json()
        got += [thing["id"] for thing in page["objects"]]
        if not page.get("more"):
            break
        at = {"next": page["next"]} if turn % 2 else {"added_after": answer.one("X-TAXII-Date-Added-Last")}
    assert got == many


def test_next_goes_with_the_added_after_it_came_with(client, collection, many):
    added = added_of(client, collection)
    assert walk_ids(client, objects_of(collection), limit=20, added_after=added[99]) == many[100:]


def test_every_date_added_is_later_than_the_one_before(client, collection, many):
    add(client, collection, *(stix.indicator(number) for number in range(20)))
    added = added_of(client, collection, limit=100)
    assert len(added) == MANY + 20
    assert all(earlier < later for earlier, later in itertools.pairwise(added))


def test_date_added_stays_what_it_was(client, collection, many):
    before = added_of(client, collection, limit=100)
    add(client, collection, stix.indicator())
    assert added_of(client, collection, limit=100)[:-1] == before


def test_what_is_added_during_a_walk_comes_at_its_end(client, collection, many):
    got, extra = [], []
    for answer in walk(client, objects_of(collection), limit=20):
        got += [thing["id"] for thing in answer.json()["objects"]]
        if len(extra) < 10:
            extra.append(stix.indicator(len(extra)))
            add(client, collection, extra[-1])
    assert got == many + [thing["id"] for thing in extra]


def test_a_new_version_during_a_walk_is_seen_and_nothing_else_is_lost(client, collection, many):
    got = []
    changed = many[200]
    for turn, answer in enumerate(walk(client, objects_of(collection), limit=20)):
        got += [thing["id"] for thing in answer.json()["objects"]]
        if turn == 0:
            add(client, collection, stix.indicator(object_id=changed, modified=stix.instant(3)))
    assert got == many[:200] + many[201:] + [changed]


def test_what_is_deleted_during_a_walk_takes_nothing_else_with_it(client, collection, many):
    got = []
    gone = [many[25], many[39], many[40], many[60]]
    for turn, answer in enumerate(walk(client, objects_of(collection), limit=20)):
        got += [thing["id"] for thing in answer.json().get("objects", [])]
        if turn == 0:
            for thing in gone:
                assert client.delete(object_at(collection, thing)).status == 200
    assert got == [thing for thing in many if thing not in gone]


def test_when_everything_that_was_left_is_deleted_the_walk_ends_with_an_empty_page(client, collection):
    things = [stix.indicator(number) for number in range(4)]
    add(client, collection, *things)
    page = client.get(f"{objects_of(collection)}?limit=2").json()
    assert page["more"] is True
    for thing in things[2:]:
        assert client.delete(object_at(collection, thing)).status == 200
    assert client.get(f"{objects_of(collection)}?limit=2&next={page['next']}").json() == {}


def test_the_same_page_asked_for_twice_is_the_same(client, collection, many):
    first = client.get(f"{objects_of(collection)}?limit=10").json()
    again = client.get(f"{objects_of(collection)}?limit=10&next={first['next']}").body
    assert client.get(f"{objects_of(collection)}?limit=10&next={first['next']}").body == again


def test_a_next_that_was_begun_elsewhere_is_answered_400_or_served_never_500(client, collection, many):
    page = client.get(f"{objects_of(collection)}?limit=10").json()
    for text in (
        page["next"] + "0",
        page["next"][:-1],
        page["next"].upper(),
        "f" * len(page["next"]),
        "0" * len(page["next"]),
    ):
        assert client.get(f"{objects_of(collection)}?limit=10&next={text}").status in (200, 400)


def test_a_walk_goes_on_over_a_restart(own_exchange):
    exchange = own_exchange().start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    things = [stix.indicator(number) for number in range(50)]
    add(client, collection, *things)
    first = client.get(f"{objects_of(collection)}?limit=20")
    before = added_of(client, collection)
    assert exchange.stop() == 0
    exchange.start()
    client.close()
    rest = walk_ids(client, objects_of(collection), limit=20, next=first.json()["next"])
    assert [thing["id"] for thing in first.json()["objects"]] + rest == [thing["id"] for thing in things]
    assert added_of(client, collection) == before
    add(client, collection, stix.indicator())
    assert added_of(client, collection)[-1] > before[-1]


def test_readers_that_follow_writers_see_every_object_once(exchange, collection):
    """Four writers in small POSTs, two readers that keep asking by added_after and by next."""
    wanted = [[stix.indicator(number) for number in range(60)] for _ in range(4)]
    total = sum(map(len, wanted))
    done = threading.Event()
    seen = {"next": [], "added_after": []}
    problems = []

    def write(things):
        client = exchange.client("both")
        try:
            for at in range(0, len(things), 5):
                add(client, collection, *things[at : at + 5])
        except BaseException as problem:
            problems.append(problem)

    def follow(by):
        client = exchange.client("reader")
        at = "1970-01-01T00:00:00.000000Z"
        try:
            while True:
                last_round = done.is_set()
                for answer in (
                    walk(client, objects_of(collection), by, limit=7, added_after=at)
                    if by == "next"
                    else walk(client, f"{objects_of(collection)}", by, limit=7, added_after=at)
                ):
                    page = answer.json().get("objects", [])
                    seen[by] += [thing["id"] for thing in page]
                    if page:
                        at = answer.one("X-TAXII-Date-Added-Last")
                if last_round:
                    return
        except BaseException as problem:
            problems.append(problem)

    writers = [threading.Thread(target=write, args=(things,)) for things in wanted]
    readers = [threading.Thread(target=follow, args=(by,)) for by in seen]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert not problems, problems
    for by, ids in seen.items():
        assert len(ids) == len(set(ids)) == total, by
        for things in wanted:
            mine = {thing["id"] for thing in things}
            assert [thing for thing in ids if thing in mine] == [thing["id"] for thing in things]
