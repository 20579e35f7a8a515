"""Four writers, paging readers, and kill -9 of any process at random moments.

What was acknowledged is there, once, as it was sent; each walk that began
after an acknowledgement finds it. BW_KILL_ROUNDS sets how many processes die
(hundreds for an evening), BW_SEED the dice.
"""

import json
import os
import random
import signal
import threading
import time

import stix
from exchange import PASSWORD, manifest_of, objects_of, wait_until
from wire import Gone, check_answer

ROUNDS = int(os.environ.get("BW_KILL_ROUNDS", "14"))
SEED = int(os.environ.get("BW_SEED", "20260131"))
PATIENCE = 120  # seconds in which a request must at last be answered


class Story:
    def __init__(self, exchange, collection):
        self.exchange = exchange
        self.collection = collection
        self.lock = threading.Lock()
        self.acknowledged = {}  # (id, version) -> object
        self.sent = {}  # the same, before the answer is known
        self.over = threading.Event()
        self.problems = []
        self.walks = {"next": 0, "added_after": 0}
        self.interrupted = 0

    def patiently(self, client, method, target, **more):
        """Asks until there is an answer that is no 503. Every answer, 503 too, must be a proper one."""
        deadline = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < deadline, f"no answer to {method} {target}"
            try:
                answer = client.raw(method, target, **more)
            except (OSError, Gone):
                client.close()
                self.interrupted += 1
                time.sleep(0.02)
                continue
            check_answer(answer, method)
            if answer.status != 503:
                return answer
            self.interrupted += 1
            time.sleep(0.02)

    # ---- writers ----

    def write(self, number):
        dice = random.Random(SEED * 1000 + number)
        client = self.exchange.client("both")
        mine = []
        while not self.over.is_set():
            things = [stix.indicator(dice.randrange(256)) for _ in range(dice.randrange(1, 30))]
            if mine and dice.random() < 0.3:
                old = dice.choice(mine)
                things.append(stix.later(old, dice.randrange(1, 80_000)))
            mine += things[:2]
            keys = {(thing["id"], thing["modified"]): thing for thing in things}
            with self.lock:
                for key in [key for key in keys if key in self.sent]:
                    del keys[key]  # the dice made a version twice
                self.sent.update(keys)
            if keys:
                self.write_one(client, list(keys.values()))

    def write_one(self, client, things):
        body = json.dumps(stix.envelope(*things)).encode()
        headers = [("Content-Type", "application/taxii+json;version=2.1")]
        target = objects_of(self.collection)
        answer = self.patiently(client, "POST", target, headers=headers, body=body)
        assert answer.status == 202, answer
        status = answer.json()
        while status["status"] == "pending":
            answer = self.patiently(client, "GET", f"/api/status/{status['id']}/")
            if answer.status == 404:
                return  # the status was lost with its server before anything was acknowledged
            status = answer.json()
        assert status["failure_count"] == 0 and status["success_count"] == len(things), status
        with self.lock:
            self.acknowledged.update({(thing["id"], thing["modified"]): thing for thing in things})

    # ---- readers ----

    def read(self, by):
        dice = random.Random(f"{SEED} {by}")
        client = self.exchange.client("reader")
        while not self.over.is_set():
            self.walk(client, by, dice.choice([20, 100, 500, 2000]))

    def walk(self, client, by, limit):
        """All versions, page by page; what was acknowledged before the walk began must be among them."""
        with self.lock:
            before = set(self.acknowledged)
        seen, at, last = set(), "", ""
        while True:
            answer = self.patiently(
                client, "GET", f"{objects_of(self.collection)}?match[version]=all&limit={limit}{at}"
            )
            assert answer.status == 200, answer
            page = answer.json()
            things = page.get("objects", [])
            assert len(things) <= limit
            for thing in things:
                key = (thing["id"], thing["modified"])
                assert key not in seen, f"{key} came twice in one walk by {by}"
                seen.add(key)
            if things:
                first, newest = (answer.one(f"X-TAXII-Date-Added-{end}") for end in ("First", "Last"))
                assert last < first <= newest
                last = newest
            if not page.get("more", False):
                break
            at = f"&next={page['next']}" if by == "next" else f"&added_after={answer.one('X-TAXII-Date-Added-Last')}"
        with self.lock:
            assert seen <= set(self.sent), "an object that nobody sent"
        assert before <= seen, f"a walk by {by} lost {len(before - seen)} of {len(before)}: {list(before - seen)[:3]}"
        self.walks[by] += 1

    # ---- the killer ----

    def victims(self):
        kinds = sorted({name for name in self.exchange.workers().values() if name.startswith("bw-")})
        assert len(kinds) >= 4, kinds
        return [*kinds, "parent"]

    def kill_one(self, kind, dice):
        if kind == "parent":
            self.exchange.kill()
            self.exchange.start()
            return
        wait_until(lambda: kind in self.exchange.workers().values(), f"{kind} does not come back")
        pid = dice.choice([pid for pid, name in self.exchange.workers().items() if name == kind])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in self.exchange.workers(), f"{kind} is not reaped")

    def guarded(self, work, *args):
        def body():
            try:
                work(*args)
            except BaseException as problem:  # noqa: BLE001 any end of a thread must be told
                self.problems.append(problem)
                self.over.set()

        thread = threading.Thread(target=body, name=f"{work.__name__} {args}")
        thread.start()
        return thread

    # ---- the end ----

    def check(self):
        client = self.exchange.client("both")
        rows, at = [], ""
        while True:
            answer = self.patiently(client, "GET", f"{objects_of(self.collection)}?match[version]=all&limit=1000{at}")
            page = answer.json()
            rows += page.get("objects", [])
            if not page.get("more"):
                break
            at = f"&next={page['next']}"
        found = {(thing["id"], thing["modified"]): thing for thing in rows}
        assert len(found) == len(rows), "an object stands there twice"
        assert set(self.acknowledged) <= set(found) <= set(self.sent)
        assert all(found[key] == self.sent[key] for key in found), "an object came back changed"
        manifest, at = [], ""
        while True:
            answer = self.patiently(client, "GET", f"{manifest_of(self.collection)}?match[version]=all&limit=1000{at}")
            manifest += answer.json().get("objects", [])
            if not answer.json().get("more"):
                break
            at = f"&added_after={answer.one('X-TAXII-Date-Added-Last')}"
        assert [(row["id"], row["version"]) for row in manifest] == [(row["id"], row["modified"]) for row in rows]


def test_whatever_is_killed_nothing_acknowledged_is_lost_and_every_walk_is_lossless(own_exchange):
    exchange = own_exchange(plain=True).start()
    exchange.add_account("both", PASSWORD)
    exchange.add_account("reader", PASSWORD)
    story = Story(exchange, exchange.add_collection(both="both", reader="read"))
    dice = random.Random(SEED)
    threads = [story.guarded(story.write, number) for number in range(4)]
    threads += [story.guarded(story.read, by) for by in story.walks]
    try:
        deck = []
        for _ in range(ROUNDS):
            if not deck:
                deck = story.victims()
                dice.shuffle(deck)
            time.sleep(dice.uniform(0.05, 0.8))
            if story.over.is_set():
                break
            story.kill_one(deck.pop(), dice)
    finally:
        story.over.set()
        for thread in threads:
            thread.join()
    assert not story.problems, f"seed {SEED}: {story.problems}"
    story.check()
    assert story.acknowledged and all(story.walks.values()), (len(story.acknowledged), story.walks)
    assert exchange.stop() == 0
    assert exchange.command("verify").returncode == 0
    assert exchange.command("audit", "verify").returncode == 0
    exchange.start()
    story.check()


def test_a_request_in_flight_when_its_worker_dies_ends_in_a_clean_503(own_exchange):
    """Big POSTs, and the reader and the keeper die while they work on them."""
    exchange = own_exchange(plain=True).start()
    exchange.add_account("both", PASSWORD)
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    assert client.get("/taxii2/").status == 200
    refused = 0
    for turn in range(40):
        kind = ("reader", "keeper")[turn % 2]
        things = [stix.indicator(number) for number in range(4000)]
        body = json.dumps(stix.envelope(*things)).encode()
        head = client.head_of(
            "POST", objects_of(collection), [("Content-Type", "application/taxii+json;version=2.1")], "*/*", body
        )
        if client.connection is None or not client.connection.usable:
            exchange.wait_until_answering(client)
        client.connection.send(head + body)
        time.sleep(0.002 * (turn % 10))
        os.kill(exchange.worker(kind), signal.SIGKILL)
        answer = client.connection.receive()
        check_answer(answer, "POST")
        assert answer.status in (202, 503), answer
        if answer.status == 503:
            refused += 1
            assert answer.has("Retry-After")
            again = None
            while again is None or again.status == 503:
                again = client.post(objects_of(collection), body)
                time.sleep(0.02)
            assert again.status == 202 and again.json()["failure_count"] == 0
        wait_until(lambda kind=kind: any(name == f"bw-{kind}" for name in exchange.workers().values()), f"no {kind}")
        if refused >= 4:
            break
    assert refused, "no worker died at the right moment in forty turns"
