"""What became of what a partner told: taken, or refused and why; and what was taken in verifies."""

import json

from accord_again_test import bearing, definition
from accord_rig import agree, green, until, without_trouble
from accord_rig import partners  # noqa: F401


def test_a_node_says_what_it_took_and_what_it_refused_and_verifies_what_it_was_told(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")  # without supporting: the definition stays at home, and over there nobody knows the marking
    assert "nothing was told" in us.accord("verify", "--received", "uk-us", status=3)
    uk.start()
    us.start()
    mark, fine = definition(), green(1)
    strange = bearing(2, mark)
    uk.add("ransomware", fine, strange, mark)
    until(lambda: us.has(fine) and "entry refused" in us.accords.said(), "nothing came", uk, us)
    until(lambda: "refused" in us.accord("explain", "--from", "uk", strange["id"]), "it is not written down", uk, us)
    words = us.accord("explain", "--from", "uk", strange["id"])
    assert "under accord uk-us refused" in words and "one that nobody here understands" in words
    assert strange["id"] not in "".join(path.read_text(errors="replace") for path in (us.data / "accord/in/uk-us").iterdir())
    words = us.accord("explain", "--from", "uk", fine["id"])
    assert "taken under accord uk-us as entry" in words and "TLP:GREEN" in words
    [row] = json.loads(us.accord("explain", "--from", "uk", "--format", "json", strange["id"]))
    assert row["verdict"] == "refused" and row["accord"] == "uk-us"
    assert "nothing of it is known here" in us.accord("explain", "--from", "uk", green(9)["id"])
    assert "--to PEER says to whom" in us.accord("explain", fine["id"], status=2)
    words = us.accord("verify", "--received", "uk-us")
    assert words.startswith("Verifies: 2 entries told us, 2 of them taken in") and f"{uk.own_name()}/uk-us" in words
    assert words.count("cosigned by") == 2
    row = json.loads(us.accord("verify", "--received", "--format", "json", "uk-us"))
    assert row["verifies"] and row["entries"] == row["taken"] == 2
    us.accords.stop()
    place = us.data / "accord/in/uk-us/place"
    kept = bytearray(place.read_bytes())
    kept[len(kept) // 2] ^= 1
    place.write_bytes(kept)
    assert "CORRUPT" in us.accord("verify", "--received", "uk-us", status=1)
    without_trouble(uk, us)
