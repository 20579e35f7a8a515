"""What may hold personal data, but is not sure to, waits while everything runs; a person lets it go, or keeps it."""

import json

from accord_rig import agree, green, until, without_trouble
from accord_rig import partners  # noqa: F401


def test_what_a_person_releases_crosses_and_what_he_refuses_stays(partners):  # noqa: F811
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    # a number of eleven digits that may be a telephone's, and nothing beside it that says so
    one, two = (green(number, description="seen with 07700900461 in its mutex") for number in (1, 2))
    fine = green(3)
    uk.add("ransomware", one, two, fine)
    until(lambda: us.has(fine), "nothing came", uk, us)

    def held():
        return {row["id"]: row for row in map(json.loads, uk.accord("held", "list", "--format", "json").splitlines())}

    until(lambda: held().keys() == {one["id"], two["id"]}, "it does not wait", uk, us)
    assert not us.has(one) and not us.has(two)
    for thing, answer in ((one, "release"), (two, "refuse")):
        uk.accord("held", answer, "--reason", "it is a name of a mutex", "--by", "Ann", "uk-us", held()[thing["id"]]["key"])
    until(lambda: us.has(one), "what was released does not cross", uk, us)
    until(lambda: not held(), "the queue is not empty", uk, us)
    assert not us.has(two)

    def decided(thing):
        told = json.loads(uk.accord("explain", thing["id"], "--to", "us", "--format", "json"))[0]["decided"]
        return [row["verdict"] for row in told]

    until(lambda: decided(two) == ["held", "withheld"], "the answer is not in the log", uk, us)
    assert decided(one) == ["held", "sent"]
    assert "accord-release" in uk.audit() and "Ann" in uk.audit()
    without_trouble(uk, us)
