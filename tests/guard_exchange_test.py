"""What others saw reaches a guard through its exchange: it holds sooner, ends nobody, and no ally can hurt it."""

import json
import os
import re
import subprocess
import sys
import uuid

import pytest
from exchange import add, binary, patience
from guard_approve_test import begin, is_over, program, state
from guard_restore_test import Server, why_not
from stix import instant, later

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

# leaves its note, writes the first new file beside the old one, and only then harms the old one
STRAIN = """
import os, sys, time
folder, note, ending, first = sys.argv[1:5]
with open(os.path.join(folder, note), "w") as file:
    file.write("Your files are gone. Pay.")
with open(os.path.join(folder, first + "." + ending), "wb") as file:
    file.write(os.urandom(os.path.getsize(os.path.join(folder, first))))
time.sleep(float(sys.argv[5]))
os.unlink(os.path.join(folder, first))
"""

# one known-good file, overwritten with noise; then it waits
NOISE = """
import os, sys, time
with open(sys.argv[1], "r+b") as file:
    file.write(os.urandom(os.path.getsize(sys.argv[1])))
time.sleep(float(sys.argv[2]))
"""

# every file of the folder, one after the other; then it waits
ALL = """
import os, sys, time
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), "r+b") as file:
        file.write(os.urandom(os.path.getsize(os.path.join(sys.argv[1], name))))
time.sleep(float(sys.argv[2]))
"""

# a day's work: old and new documents, with the names that a hostile ally warned of
WORK = """
import os, sys
folder, names = sys.argv[1], sys.argv[2:]
for name in names:
    path = os.path.join(folder, name)
    text = "a sentence of somebody's work about the budget of the school and its garden. " * 200
    with open(path, "w") as file:
        file.write(text)
    with open(path, "a") as file:
        file.write("and another line")
for name in names[::2]:
    os.rename(os.path.join(folder, name), os.path.join(folder, "moved " + name))
"""

LONG = 600 * patience()


def warning(pattern, **more):
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{uuid.uuid4()}", "created": instant(0),
        "modified": instant(0), "name": "seen elsewhere", "indicator_types": ["malicious-activity"], "pattern": pattern,
        "pattern_type": "stix", "valid_from": instant(0), "confidence": 85, **more,
    }


def seen(indicator):
    return {
        "type": "sighting", "spec_version": "2.1", "id": f"sighting--{uuid.uuid4()}", "created": instant(0),
        "modified": instant(0), "sighting_of_ref": indicator, "count": 1,
    }


class Ally:
    """An inbound collection of the guard's exchange, and somebody who fills it."""

    def __init__(self, exchange, name):
        self.name = name
        self.exchange = exchange
        self.collection = exchange.add_collection(name, alias=name, guard="read", ally="both")
        self.url = f"https://{exchange.host}:{{}}/api/collections/{name}/"

    def says(self, *things):
        add(self.exchange.client("ally"), self.collection, *things)


@pytest.fixture
def site(own_exchange, tmp_path):
    """An exchange with two allies, and a file server whose guard listens to both."""
    made = Site(own_exchange(), tmp_path)
    yield made
    made.server.close()


class Site:
    def __init__(self, exchange, folder):
        self.exchange = exchange
        for name in ("guard", "ally"):
            exchange.add_account(name)
        self.lake, self.hill = Ally(exchange, "lake"), Ally(exchange, "hill")
        self.key = folder / "key"
        self.key.write_text(exchange.make_key("guard") + "\n")
        self.key.chmod(0o600)
        exchange.start()
        (folder / "server").mkdir()
        self.server = Server(folder / "server", "xfs")
        for number in range(3):
            (self.server.share / f"drawing {number}.plan7").write_text("lines and circles of a drawing " * 300)
        self.server.guard("enroll", str(self.server.share))

    def start(self, *more):
        lines = [word for ally in (self.lake, self.hill) for word in ("--exchange", ally.url.format(self.exchange.port))]
        self.server.start("--mode", "enforce", *lines, "--key", self.key, "--cacert", self.exchange.certificate, *more)

    def report_to(self, name):
        """The words that have the guard report to a collection of the exchange, which is made."""
        self.told = self.exchange.add_collection(name, alias=name, guard="write")
        return ["--report-to", f"https://{self.exchange.host}:{self.exchange.port}/api/collections/{name}/"]

    def reported(self):
        """Types of what the exchange was told."""
        said = self.exchange.command("export", "--collection", self.told, "--format-out", "jsonl").stdout
        return {json.loads(line)["type"] for line in said.splitlines() if line.strip()}

    def words(self):
        return (self.server.folder / "words").read_text(errors="replace")

    def foreign(self):
        return self.server.json("foreign", "list")

    def peer(self, name):
        return next((peer for peer in self.foreign()["peers"] if peer["peer"] == name), None)

    def values(self):
        return {value["value"]: value["state"] for value in self.foreign()["values"]}

    def looked_for(self):
        """How many values the judge looks for now."""
        found = re.findall(r"looked for from now on.* values=(\d+)", self.words())
        return int(found[-1]) if found else None

    def until_looked_for(self, count):
        self.server.until(lambda: self.looked_for() == count)


def harm(way):
    return f"[x-breakwater-harm:value = '{way}']"


def test_two_things_others_warned_of_hold_before_the_first_file_is_lost(site):
    site.start()
    server = site.server
    warnings = [warning("[file:name = 'HOW_TO_PAY_US.txt']"), warning("[file:name LIKE '%.pwned7']")]
    site.lake.says(*warnings)
    site.until_looked_for(2)
    victim = server.share / "list 1.txt"
    before = victim.read_bytes()
    work = begin(program(server, "strain", STRAIN), server.share, "HOW_TO_PAY_US.txt", "pwned7", "list 1.txt", LONG)
    server.until(lambda: is_over(work) or state(work) == "T")
    assert not is_over(work), "others' word ended somebody"
    assert victim.read_bytes() == before
    server.until(lambda: server.status()["open"])
    told = server.json("explain", "last")
    record = told["records"][0]
    assert told["replays"] and record["rule"] == "warned" and record["measure"] == "held", told
    assert {(row["peer"], row["indicator"]) for row in record["files"]} == {("lake", thing["id"]) for thing in warnings}
    assert "lake" in server.guard("explain", "last")
    server.until(lambda: site.peer("lake")["met"] == 2)
    # all that the lake said is undone by one word, and so is what followed from it
    said = server.guard("foreign", "undo", "--peer", "lake")
    assert "goes on" in said, said
    server.until(lambda: state(work) != "T")
    assert server.status()["open"] == []
    assert site.peer("lake")["undone"] and site.peer("lake")["values"] == 0
    work.kill()
    work.wait()


def test_a_known_way_of_destroying_holds_at_the_first_file_and_only_then(site):
    site.start()
    server = site.server
    path = program(server, "noise", NOISE)
    first = begin(path, server.share / "list 1.txt", 0.1)
    server.until(lambda: is_over(first))
    assert server.status()["open"] == [], "one file alone was enough"
    site.hill.says(warning(harm("local changed random")))
    site.until_looked_for(1)
    second = begin(program(server, "other", NOISE), server.share / "list 2.txt", LONG)
    server.until(lambda: is_over(second) or state(second) == "T")
    assert not is_over(second), "others' word ended somebody"
    told = server.json("explain", "last")
    assert told["replays"] and told["records"][0]["rule"] == "warned", told
    server.guard("approve", "last", "--release")
    server.until(lambda: state(second) != "T")
    second.kill()
    second.wait()


def test_a_hostile_ally_hurts_nobody(site):
    site.start()
    server = site.server
    smbd = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    python = subprocess.run(["sha256sum", sys.executable], capture_output=True, text=True, check=True).stdout.split()[0]
    hostile = [warning(pattern) for pattern in (
        "[file:name LIKE '%.docx']", "[file:name LIKE '%.txt']", "[file:name LIKE '%.plan7']", "[file:name LIKE '%.t']",
        "[file:name = 'README.txt']", "[file:name = 'smbd']", "[file:name LIKE '%']", "[file:name MATCHES '.*']",
        "[ipv4-addr:value = '0.0.0.0/0']", "[ipv4-addr:value = '127.0.0.1']", "[ipv4-addr:value = '10.0.0.1']",
        "[ipv6-addr:value = '::/0']", f"[file:hashes.'SHA-256' = '{smbd}']", f"[file:hashes.'SHA-256' = '{python}']",
        harm("client smiles random"), harm("' OR '1'='1".replace("'", "\\'")), "[file:size > 0]",
        "[file:name = 'a\nitem 0 x 1 2 3 4 0 name y']",
    )]
    site.lake.says(*hostile, warning("[file:name LIKE '%.unsure1']", confidence=5),
                   warning("[file:name LIKE '%.over1']", valid_until=instant(1)))
    site.hill.says(warning("[file:name LIKE '%.pwned7']"))
    # of all that, the lake's own file's ending and one program's hash are left; the one is put aside, the other does nothing
    site.until_looked_for(1)
    server.until(lambda: site.values().get("plan7") == "own")
    assert set(site.values()) == {"plan7", python, "pwned7"}, site.values()
    assert site.peer("lake")["refused"] >= 16
    work = begin(program(server, "work", WORK), server.share, "plan.docx", "README.txt", "notes.txt", "drawing 7.plan7",
                 "smbd", "new.plan7", "x.unsure1", "y.over1")
    server.until(lambda: is_over(work))
    assert work.returncode == 0
    assert server.status()["open"] == []


def test_a_flood_stays_within_its_makers_room_and_nobody_else_waits(site):
    site.start()
    flood = [warning("[file:name IN (%s)]" % ",".join(f"'flood {n} {m}.bin9'" for m in range(200))) for n in range(60)]
    for at in range(0, len(flood), 20):
        site.lake.says(*flood[at:at + 20])
    site.hill.says(warning("[file:name LIKE '%.pwned7']"))
    site.server.until(lambda: site.values().get("pwned7") == "waits")
    site.server.until(lambda: (site.peer("lake") or {"refused": 0})["refused"] >= 7000)
    assert site.peer("lake")["values"] == 5000
    site.until_looked_for(5001)
    site.server.guard("foreign", "undo", "--peer", "lake")
    site.until_looked_for(1)


def test_what_is_revoked_replaced_or_said_again_counts_as_its_newest_version(site):
    site.start()
    one, two = warning("[file:name LIKE '%.first9']"), warning("[file:name LIKE '%.second9']")
    site.lake.says(one, two)
    site.server.until(lambda: set(site.values()) == {"first9", "second9"})
    site.lake.says({**later(one, 1), "pattern": "[file:name LIKE '%.third9']"}, {**later(two, 1), "revoked": True})
    site.server.until(lambda: set(site.values()) == {"third9"})
    # another ally takes nothing back
    site.hill.says({**later(one, 2), "revoked": True})
    site.hill.says(warning("[file:name LIKE '%.fourth9']"))
    site.server.until(lambda: "fourth9" in site.values())
    assert "third9" in site.values()


def test_workers_that_die_and_a_guard_that_begins_again_miss_nothing(site):
    site.start()
    for number, name in enumerate(("caller", "reader", "scribe", "judge")):
        site.lake.says(warning(f"[file:name LIKE '%.worker{number}']"))
        site.server.until(lambda number=number: f"worker{number}" in site.values())
        site.until_looked_for(number + 1)
        kill_worker(site.server, name)
    site.lake.says(warning("[file:name LIKE '%.worker4']"))
    site.until_looked_for(5)
    site.server.process.terminate()
    assert site.server.process.wait(60 * patience()) == 0
    site.lake.says(warning("[file:name LIKE '%.meanwhile']"))
    site.start()
    site.until_looked_for(6)
    site.server.until(lambda: set(site.values()) == {f"worker{n}" for n in range(5)} | {"meanwhile"})


def kill_worker(server, name):
    def worker():
        done = subprocess.run(["pgrep", "-P", str(server.process.pid), "-x", f"bw-{name}"], capture_output=True, text=True)
        return done.stdout.strip()

    before = worker()
    os.kill(int(before), 9)
    server.until(lambda: worker() not in ("", before))


def test_an_exchange_that_is_away_or_refuses_is_named_and_tried_again(site):
    site.start()
    site.lake.says(warning("[file:name LIKE '%.before9']"))
    site.until_looked_for(1)
    assert site.exchange.stop() == 0
    site.server.until(lambda: "cannot be reached" in site.words())
    site.exchange.start()
    site.lake.says(warning("[file:name LIKE '%.after9']"))
    site.until_looked_for(2)
    site.exchange.grant("guard", site.hill.collection, "none")
    site.server.until(lambda: "the exchange refuses the guard" in site.words())
    site.lake.says(warning("[file:name LIKE '%.still9']"))
    site.until_looked_for(3)


def test_what_may_leave_is_reported_when_a_person_says_so_and_until_the_exchange_has_it(site):
    words = site.report_to("ours")
    site.start(*words, "--report-when", "approved")
    server = site.server
    work = begin(program(server, "all", ALL), server.share, LONG)
    server.until(lambda: server.status()["open"])
    server.until(lambda: "report" in server.json("report", "last"))
    assert site.reported() == set() and "reported" not in server.json("report", "last")["report"]
    assert site.exchange.stop() == 0
    server.guard("report", "last", "--send")
    server.until(lambda: "the incident could not be reported yet; it is tried again" in site.words())
    site.exchange.start()
    server.until(lambda: "the incident is reported worker" in site.words())
    # what was found in the files comes too, where two seconds were enough to look
    assert {"incident", "identity", "indicator", "sighting"} <= site.reported()
    assert "It was reported, without names" in server.guard("report", "last")
    # what somebody else says of it is heard, and only of what this server told
    text = site.exchange.command("export", "--collection", site.told, "--format-out", "jsonl").stdout
    assert str(server.share) not in text
    told = next(thing for thing in map(json.loads, text.splitlines()) if thing["type"] == "indicator")
    site.hill.says(seen(f"indicator--{uuid.uuid4()}"), seen(told["id"]), seen(told["id"]))
    server.until(lambda: server.json("report", "last")["report"]["helped"] == 1)
    # a guard that begins again has said it, and says it no more
    server.process.terminate()
    assert server.process.wait(60 * patience()) == 0
    site.start(*words)
    assert site.words().count("the incident is reported worker") == 1
    if not is_over(work):
        work.kill()
    work.wait()


@pytest.mark.parametrize("words,meant", [
    (["--exchange", "https://a.example/api/"], "names no collection"),
    (["--exchange", "http://a.example/api/collections/x/"], "not https"),
    (["--key", "/nowhere"], "go with --exchange"),
    (["--report-to", "https://a.example/api/"], "names no collection"),
    (["--exchange", "https://a.example/api/collections/x/", "--report-when", "approved"], "goes with --report-to"),
    (["--exchange", "https://a.example/api/collections/x/", "--pin", "xyz"], "--pin"),
])
def test_what_cannot_be_listened_to_is_refused_at_the_start(tmp_path, words, meant):
    done = subprocess.run([binary(), "guard", "run", "--data", tmp_path, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and meant in done.stderr, done
