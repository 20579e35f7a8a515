"""What stayed at home goes when what kept it has changed: a definition comes, a collection is marked, the accord is another."""

import os
import signal

import stix
from accord_rig import GREEN, agree, green, hand_over, until, without_trouble
from accord_rig import partners  # noqa: F401

AMBER = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
HANDLING = "extension-definition--230f8a5c-6c81-464a-b35e-71a2a0b507ba"


def definition():
    return {"type": "marking-definition", "spec_version": "2.1", "id": stix.new_id("marking-definition"), "created": stix.START,
            "object_marking_refs": [GREEN],
            "extensions": {HANDLING: {"extension_type": "property-extension", "purposes": ["defence", "incident-response"]}}}


def bearing(number, mark):
    return stix.indicator(number, object_marking_refs=[GREEN, mark["id"]])


def test_a_marking_that_is_defined_later_and_a_clerk_that_forgot_it(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally", "--we-tell", "supporting")
    uk.start()
    us.start()
    mark, other = definition(), definition()
    early, marker = bearing(1, mark), green(2)
    uk.add("ransomware", early, marker)
    until(lambda: us.has(marker), "nothing came", uk, us)
    assert not us.has(early)
    uk.add("ransomware", mark)
    until(lambda: us.has(early), "it was not looked at again", uk, us)
    for pid in us.accords.worker("clerk"):
        os.kill(pid, signal.SIGKILL)
    second = bearing(3, mark)
    uk.add("ransomware", second)
    until(lambda: us.has(second), "the clerk that came new refuses what bears it", uk, us)
    # while nobody looks, and the object before its definition in one bundle
    uk.accords.kill()
    us.accords.kill()
    third, fourth = bearing(4, mark), bearing(5, other)
    uk.add("ransomware", third, fourth, other)
    uk.accords.start()
    us.accords.start()
    until(lambda: us.has(third) and us.has(fourth), "nothing came after a start", uk, us)
    assert "entry refused" not in us.accords.said(), us.words()


def test_what_a_collection_is_marked_with_and_what_a_new_version_says_counts_for_what_stayed(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally", "--highest", "green")
    uk.start()
    us.start()
    unmarked, amber, marker = stix.indicator(1), stix.indicator(2, object_marking_refs=[AMBER]), green(3)
    uk.add("ransomware", unmarked, amber, marker)
    until(lambda: us.has(marker), "nothing came", uk, us)
    assert not us.has(unmarked) and not us.has(amber)
    uk.run("collection", "mark", "ransomware", "green", "--data", uk.data)
    until(lambda: us.has(unmarked), "it was not looked at again", uk, us)
    assert not us.has(amber)
    uk.signs("propose", "uk-us", "--highest", "amber")
    hand_over(uk, us)
    us.signs("sign", "uk-us")
    hand_over(us, uk)
    until(lambda: us.has(amber), "it was not looked at again", uk, us)
    assert uk.accord("verify", "uk-us").startswith("Verifies: 3 entries")  # nothing went twice
    without_trouble(uk, us)
