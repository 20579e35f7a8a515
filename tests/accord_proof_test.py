"""What two nodes really told each other verifies by itself, and an old copy of a log signs nothing."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
import stix
from accord_rig import GREEN, Partner, agree, meet, until, without_trouble

OTHER = pathlib.Path(__file__).with_name("tlog_verify.py")


def green(number):
    return stix.indicator(number, object_marking_refs=[GREEN])


def other(what, *words):
    done = subprocess.run([sys.executable, OTHER, what, *map(str, words)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@pytest.fixture
def partners(tmp_path):
    uk, us = Partner(tmp_path, "uk"), Partner(tmp_path, "us")
    try:
        uk.run("collection", "add", "Ransomware", "--alias", "ransomware", "--data", uk.data)
        us.run("collection", "add", "Seen", "--alias", "seen", "--data", us.data)
        meet(uk, us)
        agree(uk, us, "--witness", "ally")
        uk.start()
        us.start()
        yield uk, us
    finally:
        uk.stop()
        us.stop()


def cross(uk, us, *things):
    uk.add("ransomware", *things)
    until(lambda: all(us.has(thing) for thing in things), "nothing came", uk, us)


def test_what_crossed_is_proved_with_the_keys_alone(partners, tmp_path):
    uk, us = partners
    things = [green(number) for number in range(1, 6)]
    cross(uk, us, *things)
    assert json.loads(uk.accord("verify", "uk-us", "--format", "json"))["entries"] == 5  # beside the one who writes
    proofs = tmp_path / "proofs"
    proofs.mkdir()
    uk.accord("prove", "uk-us", things[3]["id"], "--to", str(proofs))
    entry, policy, proof = sorted(proofs.iterdir())
    assert things[3]["id"].encode() in entry.read_bytes()
    assert other("proof", proof, policy, entry) == "ok"
    entry.write_bytes(entry.read_bytes()[:-1])
    assert other("proof", proof, policy, entry) != "ok"
    assert other("log", uk.data / "accord/out/uk-us", policy) == "ok"
    uk.accord("prove", "uk-us", "indicator--00000000-0000-4000-8000-000000000000", "--to", str(proofs), status=3)
    without_trouble(uk, us)


def test_a_restored_copy_signs_nothing_and_says_so(partners, tmp_path):
    uk, us = partners
    cross(uk, us, green(1))
    uk.accords.stop()
    shutil.copytree(uk.data / "accord", tmp_path / "backup")
    uk.accords.start()
    cross(uk, us, green(2))
    uk.accords.stop()
    shutil.rmtree(uk.data / "accord")
    shutil.copytree(tmp_path / "backup", uk.data / "accord")
    uk.accords.start()
    kept, answer = green(3), green(4)
    uk.add("ransomware", kept)
    until(lambda: "this log is an old copy" in uk.accords.said(), "nobody noticed", uk, us)
    us.add("seen", answer)
    until(lambda: uk.has(answer), "the other direction stands still", uk, us)
    assert not us.has(kept)
    assert json.loads(uk.accord("verify", "uk-us", "--format", "json"))["entries"] == 1
