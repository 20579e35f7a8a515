"""What would cross, and why the rest would not: `accord preview` and `explain`, default markings, the hold queue."""

import hashlib
import json
import struct

import stix
from accord_rig import until
from accord_run_test import agree as agree_and_run, partners  # noqa: F401 (a fixture)
from accord_sign_test import FIRST, Party, agree, hand_over, parties  # noqa: F401 (a fixture)

GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
UNKNOWN = "marking-definition--3a1e0b5c-9f0f-4d0e-8d3e-0a8d7e4d0c11"


def sighting(of):
    return {"type": "sighting", "spec_version": "2.1", "id": stix.new_id("sighting"), "created": stix.START,
            "modified": stix.START, "sighting_of_ref": of["id"], "object_marking_refs": [GREEN]}


def green(**more):
    return stix.indicator(object_marking_refs=[GREEN], **more)


def bring(party, *things):
    file = party.data.parent / "things.json"
    file.write_text(json.dumps({"type": "bundle", "id": stix.new_id("bundle"), "objects": things}))
    party.run("import", "--collection", "ransomware", file, "--data", party.data)


def preview(party):
    return json.loads(party.accord("preview", "uk-us", "--format", "json"))


def explain(party, thing):
    return json.loads(party.accord("explain", thing["id"], "--to", "us", "--format", "json"))[0]


def test_a_preview_counts_what_would_cross_before_anybody_has_signed(parties):
    uk, us = parties
    uk.run("collection", "add", "ransomware", "--alias", "ransomware", "--data", uk.data)
    bring(uk, green(), green(description="Ask anna.webb@example.org"), stix.malware(object_marking_refs=[GREEN]),
          stix.indicator(object_marking_refs=[RED]), stix.indicator(object_marking_refs=[UNKNOWN]), stix.indicator())
    uk.signs(*FIRST)
    seen = preview(uk)
    assert seen["objects"] == 6 and seen["sent"]["objects"] == 1 and seen["held"]["objects"] == 0
    assert seen["derived"]["clauses"] == {"personal-data": 1}
    assert seen["withheld"]["clauses"] == {"kind": 1, "highest-tlp": 1, "unknown-marking": 1, "unmarked": 1}
    said = uk.accord("preview", "uk-us", "--examples", "1")
    assert "TLP:RED" in said and "anna.webb" not in said
    # nothing was written down by looking
    assert uk.list()["uk-us"]["state"] == "proposed"
    # a marking for what bears none
    uk.run("collection", "mark", "ransomware", "green", "--data", uk.data)
    assert preview(uk)["sent"]["objects"] == 2
    assert "TLP:GREEN" in uk.run("collection", "list", "--data", uk.data)
    uk.run("collection", "mark", "ransomware", "purple", "--data", uk.data, status=2)


def test_explain_names_the_clause_and_the_inputs(parties):
    uk, us = parties
    uk.run("collection", "add", "ransomware", "--alias", "ransomware", "--data", uk.data)
    agree(uk, us)
    secret, open_one = stix.indicator(object_marking_refs=[RED]), green()
    seen = sighting(secret)
    fine = sighting(open_one)
    strange = stix.indicator(object_marking_refs=[UNKNOWN])
    bring(uk, secret, open_one, seen, fine, strange)
    assert explain(uk, open_one)["verdict"] == explain(uk, fine)["verdict"] == "sent"
    told = explain(uk, secret)
    assert (told["verdict"], told["clause"]) == ("withheld", "highest-tlp") and "TLP:RED" in told["inputs"]
    # its markings would let it go; what it names does not
    assert (explain(uk, seen)["verdict"], explain(uk, seen)["clause"]) == ("withheld", "reference")
    assert explain(uk, strange)["unknown_markings"] == [UNKNOWN]
    assert "withheld" in uk.accord("explain", secret["id"], "--to", "us")
    assert "nothing is told" in uk.accord("explain", stix.indicator()["id"], "--to", "us")
    uk.accord("explain", secret["id"], "--to", "nobody", status=3)
    uk.accord("suspend", "uk-us")
    assert explain(uk, open_one)["clause"] == "stopped"


def block(data):
    return struct.pack(">I", len(data)) + data


def hold(party, thing, words):
    """As the ledger puts one in (accord/hold.h)."""
    held = party.data / "accord/out/uk-us/held"
    held.mkdir(parents=True, exist_ok=True)
    object_id, version = thing["id"].encode(), thing["modified"].encode()
    key = hashlib.sha256(object_id + b"\0" + version).hexdigest()[:32]
    (held / key).write_bytes(b"BWHELD1\n" + struct.pack(">QQ", 1, 2) + block(object_id) + block(version) + block(words))
    return key


def test_the_hold_queue_is_worked_from_the_command_line(parties):
    uk, us = parties
    uk.run("collection", "add", "ransomware", "--alias", "ransomware", "--data", uk.data)
    agree(uk, us)
    one, two = green(), green()
    first = hold(uk, one, b"telephone number in description (certainty 60 of 100)")
    second = hold(uk, two, b"name in description (certainty 55 of 100)")

    def rows():
        return {row["key"]: row for row in map(json.loads, uk.accord("held", "list", "--format", "json").splitlines())}

    assert set(rows()) == {first, second} and rows()[first]["state"] == "waits"
    assert "telephone number" in uk.accord("held", "show", "uk-us", first[:8])
    uk.accord("held", "release", "uk-us", first[:8], status=2)  # why?
    uk.accord("held", "release", "--reason", "a number for tests", "--by", "Ann", "uk-us", first[:8])
    uk.accord("held", "refuse", "--reason", "a person's name", "uk-us", second)
    seen = rows()
    assert seen[first]["state"] == "released" and seen[first]["by"] == "Ann" and seen[second]["state"] == "refused"
    assert "already" in uk.accord("held", "refuse", "--reason", "no", "uk-us", first, status=3)
    noted = uk.run("audit", "show", "--data", uk.data)
    assert "accord-release" in noted and "accord-refuse" in noted and one["id"] in noted
    uk.accord("held", "show", "uk-us", "00000000", status=3)
    uk.accord("held", "eat", status=2)


def test_what_was_decided_is_told_afterwards(partners):
    uk, us = partners
    agree_and_run(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    sent, kept = green(), stix.indicator(object_marking_refs=[RED])
    uk.add("ransomware", kept, sent)
    until(lambda: us.has(sent), "nothing came", uk, us)

    def told(thing):
        return json.loads(uk.accord("explain", thing["id"], "--to", "us", "--format", "json"))[0]["decided"]

    (decided,) = told(sent)
    assert (decided["verdict"], decided["clause"], decided["entry"]) == ("sent", "allowed", 0)
    (decided,) = told(kept)
    assert (decided["verdict"], decided["clause"]) == ("withheld", "highest-tlp") and "entry" not in decided
    assert "entry 0 of the log" in uk.accord("explain", sent["id"], "--to", "us")
