"""The exchange against a model of thirty lines: random writes, deletes and questions must be answered alike.

BW_SEED sets the dice, BW_MODEL_TURNS how many turns are played.
"""

import itertools
import os
import random
import urllib.parse

import stix
from exchange import add, manifest_of, object_at, objects_of, versions_of, walk

TURNS = int(os.environ.get("BW_MODEL_TURNS", "60"))
SEED = int(os.environ.get("BW_SEED", "20260131"))
TYPES = ("indicator", "malware", "campaign", "marking-definition", "x-nobody")


def version_of(thing):
    return thing.get("modified") or thing["created"]


def spec_of(thing):
    return thing.get("spec_version", "2.0")


class Model:
    """Rows in the order they were added; what is deleted is simply no longer there."""

    def __init__(self):
        self.rows = []

    def add(self, thing):
        self.rows.append(thing)

    def picked(self, versions, specs):
        """The rows that match[version] and match[spec_version] let through."""
        best, first, newest_spec = {}, {}, {}
        for row in self.rows:
            key = (row["id"], spec_of(row))
            if key not in best or version_of(row) > version_of(best[key]):
                best[key] = row
            if key not in first or version_of(row) < version_of(first[key]):
                first[key] = row
            newest_spec[row["id"]] = max(newest_spec.get(row["id"], ""), spec_of(row))
        for row in self.rows:
            key = (row["id"], spec_of(row))
            spec_fits = spec_of(row) in specs if specs else spec_of(row) == newest_spec[row["id"]]
            by_word = {"all": True, "last": best[key] is row, "first": first[key] is row}
            if spec_fits and any(by_word.get(word, version_of(row) == word) for word in versions):
                yield row

    def answer(self, ids=None, types=None, versions=("last",), specs=None):
        return [
            row
            for row in self.picked(versions, specs)
            if (ids is None or row["id"] in ids) and (types is None or row["type"] in types)
        ]

    def delete(self, number, versions):
        gone = [row for row in self.rows if row["id"] == number and row in list(self.picked(versions, ("2.0", "2.1")))]
        self.rows = [row for row in self.rows if row not in gone]
        return bool(gone)


class Player:
    def __init__(self, client, collection):
        self.client, self.collection = client, collection
        self.dice = random.Random(SEED)
        self.model = Model()
        self.everything = []  # whatever was ever sent, deleted or not
        self.counter = itertools.count(1)

    # ---- moves ----

    def fresh(self):
        number = next(self.counter)
        make = self.dice.choice(
            [
                lambda: stix.indicator(number),
                lambda: stix.malware(f"loader {number}"),
                lambda: stix.campaign(f"season {number}"),
                lambda: stix.statement(f"note {number}"),
                lambda: stix.old_indicator(number),
            ]
        )
        return make()

    def changed(self):
        """Another version, earlier or later, of something sent before; now and then in the other spec version."""
        old = self.dice.choice(self.everything)
        if "modified" not in old:
            return self.fresh()
        when = stix.instant(self.dice.randrange(1, 80_000))
        if old["type"] == "indicator" and self.dice.random() < 0.2:
            make = stix.old_indicator if spec_of(old) == "2.1" else stix.indicator
            return make(object_id=old["id"], modified=when)
        return {**old, "modified": when}

    def write(self):
        known = {(row["id"], version_of(row)) for row in self.everything}
        batch = []
        for _ in range(self.dice.randrange(1, 12)):
            thing = self.changed() if self.everything and self.dice.random() < 0.5 else self.fresh()
            if (thing["id"], version_of(thing)) not in known:
                known.add((thing["id"], version_of(thing)))
                batch.append(thing)
        again = self.dice.sample(self.model.rows, min(len(self.model.rows), self.dice.randrange(3)))
        add(self.client, self.collection, *batch, *again)
        for thing in batch:
            self.model.add(thing)
        self.everything += batch

    def delete(self):
        number = self.dice.choice(self.everything)["id"]
        versions = self.dice.choice([None, ("first",), ("last",), ("all",), ("first", "last")])
        query = f"?match[version]={','.join(versions)}&match[spec_version]=2.0,2.1" if versions else ""
        was_there = self.model.delete(number, versions or ("all",))
        answer = self.client.delete(object_at(self.collection, number) + query)
        assert answer.status == (200 if was_there else 404), (number, versions)

    # ---- questions ----

    def question(self):
        """(parameters of the URL, the same for the model)."""
        dice, url, asked = self.dice, {}, {}
        if dice.random() < 0.5:
            asked["ids"] = [row["id"] for row in dice.choices(self.everything, k=dice.randrange(1, 6))]
            url["match[id]"] = ",".join(asked["ids"])
        if dice.random() < 0.4:
            asked["types"] = dice.sample(TYPES, dice.randrange(1, 4))
            url["match[type]"] = ",".join(asked["types"])
        if dice.random() < 0.7:
            exact = {version_of(row) for row in dice.choices(self.everything, k=2)}
            asked["versions"] = dice.choice([("all",), ("first",), ("last", "first"), tuple(exact), ("last", *exact)])
            url["match[version]"] = ",".join(asked["versions"])
        if dice.random() < 0.4:
            asked["specs"] = dice.choice([("2.0",), ("2.1",), ("2.0", "2.1")])
            url["match[spec_version]"] = ",".join(asked["specs"])
        url = {name: urllib.parse.quote(value, safe=",:") for name, value in url.items()}
        return url, asked

    def ask(self):
        url, asked = self.question()
        wanted = self.model.answer(**asked)
        by, limit = self.dice.choice(["next", "added_after"]), self.dice.choice([1, 3, 10, 1000])
        pages = list(walk(self.client, objects_of(self.collection), by, limit=limit, **url))
        got = [thing for page in pages for thing in page.json().get("objects", [])]
        assert got == wanted, f"seed {SEED}: {url} by {by} in pages of {limit}"
        assert all(len(page.json().get("objects", [])) <= limit for page in pages)
        rows = [
            row
            for page in walk(self.client, manifest_of(self.collection), by, limit=limit, **url)
            for row in page.json().get("objects", [])
        ]
        assert [(row["id"], row["version"]) for row in rows] == [(row["id"], version_of(row)) for row in wanted]
        assert [row["date_added"] for row in rows] == sorted({row["date_added"] for row in rows})

    def ask_for_one(self):
        number = self.dice.choice(self.everything)["id"]
        wanted = self.model.answer(ids=[number], versions=("all",))
        answer = self.client.get(versions_of(self.collection, number))
        assert answer.status == (200 if wanted else 404)
        if wanted:
            assert answer.json()["versions"] == [version_of(row) for row in wanted]
        newest = self.client.get(object_at(self.collection, number))
        assert newest.status == (200 if wanted else 404)
        if wanted:
            assert newest.json()["objects"] == self.model.answer(ids=[number])


def test_random_writes_deletes_and_questions_are_answered_as_the_model_answers_them(own_exchange):
    exchange = own_exchange(plain=True).start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    player = Player(client, collection)
    for turn in range(TURNS):
        player.write()
        if turn % 3 == 2:
            player.delete()
        for _ in range(6):
            player.ask()
            player.ask_for_one()
        if turn == TURNS // 2:
            exchange.kill()
            exchange.start()
            client.close()
    assert exchange.stop() == 0
    assert exchange.command("verify").returncode == 0
