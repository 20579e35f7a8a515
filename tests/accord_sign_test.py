"""Two nodes agree: propose, read, sign, change, end. Documents go by file; nothing takes effect before both have signed."""

import base64
import json

import pytest
from peer_meet_test import Node, invite


class Party(Node):
    def accord(self, *words, status=0):
        return self.run("accord", *words, "--data", self.data, status=status)

    def signs(self, *words, status=0):
        return self.accord(*words, "--yes", "--passphrase-file", self.passphrase, status=status)

    def list(self):
        return {row["id"]: row for row in map(json.loads, self.accord("list", "--format", "json").splitlines())}

    def text(self):
        return json.loads(self.accord("show", "uk-us", "--format", "json"))


@pytest.fixture
def parties(tmp_path):
    uk, us = Party(tmp_path, "uk"), Party(tmp_path, "us")
    uk.file = us.file = tmp_path / "documents"
    try:
        url = invite(uk, "--as", "us")
        us.begin("accept", "--label", "United States", "--as", "uk", url)
        aloud, heard = uk.code(), us.code()
        assert uk.type(heard) == 0 and us.type(aloud) == 0
        yield uk, us
    finally:
        uk.close()
        us.close()


FIRST = ("propose", "uk-us", "--with", "us", "--name", "The United Kingdom", "--basis", "Charter of 10 June 2021",
         "--we-tell", "indicators", "--we-tell", "sightings", "--we-tell-from", "ransomware",
         "--they-tell", "sightings", "--they-tell-from", "seen", "--witness", "ally")


def hand_over(giver, taker, status=0):
    giver.file.write_text(giver.accord("export", "uk-us"))
    return taker.accord("receive", giver.file, status=status)


def agree(uk, us):
    uk.signs(*FIRST)
    hand_over(uk, us)
    us.signs("sign", "uk-us")
    hand_over(us, uk)
    assert uk.list()["uk-us"]["state"] == us.list()["uk-us"]["state"] == "in-force"


def test_an_accord_takes_effect_when_both_have_signed_it_and_not_before(parties):
    uk, us = parties
    said = uk.signs(*FIRST)
    assert "The United Kingdom" in said and "90 days" in said
    assert uk.list()["uk-us"]["state"] == "proposed" and uk.list()["uk-us"]["waits_for"] == "the other side"
    assert "nothing of 'uk-us' waits" in uk.signs("sign", "uk-us", status=3)
    assert "accord sign" in hand_over(uk, us)
    assert us.list()["uk-us"]["state"] == "proposed" and us.list()["uk-us"]["waits_for"] == "us"
    assert "nothing was done" in us.accord("sign", "uk-us", "--passphrase-file", us.passphrase, status=3)  # nobody typed yes
    assert us.list()["uk-us"]["state"] == "proposed"
    us.signs("sign", "uk-us")
    assert us.list()["uk-us"]["state"] == "in-force" and uk.list()["uk-us"]["state"] == "proposed"
    hand_over(us, uk)
    assert uk.list()["uk-us"]["state"] == "in-force"
    assert uk.text() == us.text() and uk.text()["flows"][0]["collections"] == ["ransomware"]
    assert "accord-sign" in us.run("audit", "show", "--data", us.data)


def test_a_new_version_is_read_before_it_is_signed_and_the_old_one_holds_until_then(parties):
    uk, us = parties
    agree(uk, us)
    us.signs("propose", "uk-us", "--keep-days", "30", "--highest", "green")
    hand_over(us, uk)
    changes = uk.accord("diff", "uk-us")
    assert "30 days" in changes and "90 days" in changes
    assert uk.list()["uk-us"]["version"] == 1 and uk.text()["flows"][0]["retention_days"] == 90
    assert "waits for a signature already" in uk.signs("propose", "uk-us", "--keep-days", "5", status=3)
    uk.signs("sign", "uk-us")
    hand_over(uk, us)
    for party in parties:
        assert party.list()["uk-us"]["version"] == 2 and party.text()["flows"][0]["retention_days"] == 30
        assert party.text()["previous"] is not None


def test_an_old_version_and_a_second_text_of_one_number_are_refused(parties):
    uk, us = parties
    uk.signs(*FIRST)
    first = uk.accord("export", "uk-us")
    hand_over(uk, us)
    us.signs("sign", "uk-us")
    hand_over(us, uk)
    uk.signs("propose", "uk-us", "--keep-days", "10")
    us.signs("propose", "uk-us", "--keep-days", "20")
    assert "another text" in hand_over(uk, us, status=3)
    us.accord("withdraw", "uk-us")
    hand_over(uk, us)
    us.signs("sign", "uk-us")
    us.file.write_text(first)
    assert "older than the one in force" in us.accord("receive", us.file, status=3)
    assert us.list()["uk-us"]["version"] == 2


def test_one_signature_ends_it_for_ever(parties):
    uk, us = parties
    agree(uk, us)
    before = uk.accord("export", "uk-us")
    assert "--reason" in us.signs("end", "uk-us", status=2)
    us.signs("end", "uk-us", "--reason", "A change of law.")
    hand_over(us, uk)
    for party in parties:
        assert party.list()["uk-us"]["state"] == "ended" and party.list()["uk-us"]["end_reason"] == "A change of law."
    uk.file.write_text(before)  # as from a backup
    assert "is ended, and stays so" in uk.accord("receive", uk.file, status=3)
    assert "is ended, and stays so" in uk.signs("propose", "uk-us", "--keep-days", "9", status=3)
    assert uk.list()["uk-us"]["state"] == "ended"


def test_suspending_is_ones_own_affair_and_undone(parties):
    uk, us = parties
    agree(uk, us)
    uk.accord("suspend", "uk-us")
    assert uk.list()["uk-us"]["state"] == "suspended" and us.list()["uk-us"]["state"] == "in-force"
    uk.accord("resume", "uk-us")
    assert uk.list()["uk-us"]["state"] == "in-force"


def test_what_was_changed_or_signed_by_others_is_refused(parties, tmp_path):
    uk, us = parties
    uk.signs(*FIRST)
    envelope = json.loads(uk.accord("export", "uk-us"))
    text = base64.b64decode(envelope["payload"])
    for change in (text.replace(b'"retention_days":90', b'"retention_days":91'), text.replace(b"2021", b"2022")):
        assert change != text
        us.file.write_text(json.dumps({**envelope, "payload": base64.b64encode(change).decode()}))
        assert "neither party has signed" in us.accord("receive", us.file, status=3)
    us.file.write_text(json.dumps({**envelope, "signatures": envelope["signatures"][:1]}))  # one algorithm of the two
    assert "neither party has signed" in us.accord("receive", us.file, status=3)
    for noise in ("", "{}", "[1]", "x" * 1000, json.dumps({**envelope, "payloadType": "text/plain"})):
        us.file.write_text(noise)
        us.accord("receive", us.file, status=3)
    stranger = Party(tmp_path, "stranger")
    stranger.file = us.file
    assert "no party" in hand_over(uk, stranger, status=3)
    assert us.list() == {} and stranger.list() == {}


def test_whoever_was_not_met_cannot_be_agreed_with(parties):
    uk, us = parties
    uk.signs(*FIRST)
    us.peer("remove", "uk")
    assert "meet it first" in hand_over(uk, us, status=3)


def test_what_is_missing_is_said(parties):
    uk, _ = parties
    assert "--with PEER" in uk.signs("propose", "new", status=2)
    assert "is none of: indicators" in uk.signs(*FIRST[:-2], "--we-tell", "rumours", status=2)
    assert "no accord 'none'" in uk.accord("show", "none", status=3)
    assert "no accords yet" in uk.accord("list")
    assert "no accord yet" in uk.signs("propose", "a b", "--with", "us", "--name", "x", "--basis", "y", status=2)
