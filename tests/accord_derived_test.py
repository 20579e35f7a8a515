"""What goes as a derived object is named by its new id, and what is marked more strictly is not in it."""

import json

import stix
from accord_rig import GREEN, RED, agree, green, until, without_trouble
from accord_rig import partners  # noqa: F401


def arrived(partner):
    lines = partner.run("export", "--format-out", "jsonl", "--match-type", "malware", "--match-type", "relationship",
                        "--match-type", "indicator", "--data", partner.data)
    return [json.loads(line) for line in lines.splitlines()]


def test_references_follow_what_goes_as_another_and_marked_parts_stay(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally", "--we-tell", "supporting")
    uk.start()
    us.start()
    loader = stix.malware("loader", object_marking_refs=[GREEN], description="Ask anna.webb@example.org")
    uses = {"type": "relationship", "spec_version": "2.1", "id": stix.new_id("relationship"), "created": stix.START,
            "modified": stix.START, "relationship_type": "indicates", "object_marking_refs": [GREEN]}
    first = green(1)
    uses |= {"source_ref": first["id"], "target_ref": loader["id"]}
    marked = green(2, description="our agent in the port",
                   granular_markings=[{"marking_ref": RED, "selectors": ["description"]}])
    uk.add("ransomware", first, loader, uses, marked)
    until(lambda: us.has(first), "nothing came", uk, us)
    later = uses | {"id": stix.new_id("relationship"), "relationship_type": "based-on"}
    uk.add("ransomware", later)  # when what it names went long ago

    until(lambda: len(arrived(us)) == 5, "not all of it came", uk, us)
    here = arrived(us)
    [malware] = [thing for thing in here if thing["type"] == "malware"]
    assert malware["id"] != loader["id"] and "anna" not in malware["description"]
    relations = [thing for thing in here if thing["type"] == "relationship"]
    assert {thing["relationship_type"] for thing in relations} == {"indicates", "based-on"}
    assert all(thing["target_ref"] == malware["id"] and thing["source_ref"] == first["id"] for thing in relations)
    [part] = [thing for thing in here if thing["type"] == "indicator" and thing["id"] != first["id"]]
    assert part["name"] == marked["name"] and "description" not in part and "granular_markings" not in part
    for thing in (loader, uses, later, marked):
        assert not us.has(thing) and thing["id"] not in json.dumps(here)
    words = uk.accord("explain", "--to", "us", uses["id"])
    assert "derived" in words and "refers anew to what goes in place of" in words, words
    without_trouble(uk, us)
