"""Two nodes exchange: real processes, two data folders, real TLS, under an accord that both have signed."""

import http.client
import json
import os
import shutil
import signal
import ssl

import pytest
import stix
from accord_rig import CACHES_PORT, PARTNERS_PORT, RED, Witness, agree, green, until, without_trouble
from accord_rig import partners  # noqa: F401


def test_an_indicator_crosses_and_what_may_not_stays(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    first, secret, note = green(1), stix.indicator(2, object_marking_refs=[RED]), green(3)
    uk.add("ransomware", first, secret, note)
    until(lambda: us.has(first) and us.has(note), "nothing came", uk, us)
    assert json.loads(us.object(first["id"]).splitlines()[0])["id"] == first["id"]
    assert not us.has(secret)
    answer = green(4)
    us.add("seen", answer)
    until(lambda: uk.has(answer), "nothing came back", uk, us)
    until(lambda: "accord-take" in us.audit() and "accord-tell" in uk.audit(), "not in the audit log", uk, us)
    # what came from there does not go back there
    assert uk.accords.said().count("delivered") >= 1
    without_trouble(uk, us)
    assert uk.accords.stop() == 0 and us.accords.stop() == 0


def test_an_operator_has_to_cosign_where_the_accord_says_so(partners, tmp_path):
    uk, us = partners
    witness = Witness(tmp_path)
    agree(uk, us, *witness.operators())
    uk.start()
    us.start()
    thing = green(1)
    uk.add("ransomware", thing)
    until(lambda: "witness did not cosign" in uk.accords.said(), "no witness was asked", uk, us)
    assert not us.has(thing)  # the ally alone does not suffice
    witness.run("trust", *uk.accord("log-keys", "uk-us").split(), *us.accord("log-keys", "uk-us").split())
    try:
        witness.daemon.start()
        until(lambda: us.has(thing), "nothing came", uk, us)
        assert witness.daemon.stop() == 0
        again = green(2)
        uk.add("ransomware", again)
        witness.daemon.start()
        until(lambda: us.has(again), "nothing came after the witness was back", uk, us)
        assert "split" not in witness.daemon.said()
    finally:
        witness.daemon.kill()
    without_trouble(uk, us)


def test_whoever_is_killed_goes_on_where_it_was(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    number = 0
    for victim, name in ((uk, "ledger"), (us, "ledger"), (uk, "hall"), (us, "courier"), (us, "clerk"), (uk, "notary")):
        for pid in victim.accords.worker(name):
            os.kill(pid, signal.SIGKILL)
        number += 1
        thing = green(number)
        uk.add("ransomware", thing)
        until(lambda wanted=thing: us.has(wanted), f"nothing came after {name} was killed", uk, us)
    for daemon in (us.accords, uk.accords, us.serve, uk.serve):
        daemon.kill()
        daemon.start()
        number += 1
        thing = green(number)
        uk.add("ransomware", thing)
        until(lambda wanted=thing: us.has(wanted), f"nothing came after {daemon.words[0]} was killed", uk, us)


def test_an_end_and_a_new_version_take_effect_while_they_run(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    first = green(1)
    uk.add("ransomware", first)
    until(lambda: us.has(first), "nothing came", uk, us)
    # a proposal concerns nobody who works
    uk.signs("propose", "uk-us", "--keep-days", "30")
    uk.accord("withdraw", "uk-us")
    again = green(3)
    uk.add("ransomware", again)
    until(lambda: us.has(again), "nothing came", uk, us)
    assert "documents have changed" not in uk.accords.said(), uk.words()
    uk.accord("suspend", "uk-us")
    until(lambda: "accord suspend" in uk.audit() or "accord-suspend" in uk.audit(), "not noted", uk)
    until(lambda: uk.accords.said().count("documents have changed") >= 1, "the suspension was not seen", uk, us)
    late = green(2)
    uk.add("ransomware", late)
    uk.accord("resume", "uk-us")
    until(lambda: us.has(late), "nothing came after it went on", uk, us)
    us.signs("end", "uk-us", "--reason", "A change of law.")
    until(lambda: uk.list()["uk-us"]["state"] == "ended", "the end did not arrive by itself", uk, us)


def test_a_backup_that_is_restored_signs_no_fork(partners, tmp_path):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    first, lost, later = green(1), green(2), green(3)
    uk.add("ransomware", first)
    until(lambda: us.has(first), "nothing came", uk, us)
    uk.accords.stop()
    shutil.copytree(uk.data / "accord", tmp_path / "backup")
    uk.accords.start()
    uk.add("ransomware", lost)
    until(lambda: us.has(lost), "nothing came", uk, us)
    uk.accords.stop()
    shutil.rmtree(uk.data / "accord")
    shutil.copytree(tmp_path / "backup", uk.data / "accord")
    uk.accords.start()
    uk.add("ransomware", later)
    until(lambda: "this log is an old copy: nothing is signed" in uk.accords.said(), "it is not noticed", uk, us)
    until(lambda: "accord-old-copy" in uk.audit(), "it is not in the audit log", uk, us)
    assert not us.has(later)
    answer = green(4)  # the other direction goes on
    us.add("seen", answer)
    until(lambda: uk.has(answer), "nothing came back", uk, us)


def test_strangers_are_not_let_in_and_caches_get_tiles_alone(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.start()
    us.start()
    thing = green(1)
    uk.add("ransomware", thing)
    until(lambda: us.has(thing), "nothing came", uk, us)
    cache = http.client.HTTPConnection(uk.host, CACHES_PORT)
    cache.request("GET", "/log/v1/uk-us/checkpoint")
    answer = cache.getresponse()
    origin, size, *_ = answer.read().decode().split("\n")
    assert answer.status == 200 and origin == f"{uk.own_name()}/uk-us" and int(size) == 1
    assert "max-age=1" in answer.getheader("Cache-Control")
    cache.request("GET", "/log/v1/uk-us/tile/0/000.p/1")
    answer = cache.getresponse()
    assert answer.status == 200 and len(answer.read()) == 32 and "immutable" in answer.getheader("Cache-Control")
    for path in ("/accord/v1/papers", "/accord/v1/uk-us/passage", "/log/v1/other/checkpoint", "/log/v1/uk-us/tile/0/001"):
        cache.request("GET", path)
        answer = cache.getresponse()
        assert answer.status == 404 and answer.read(), path
    cache.close()
    stranger = http.client.HTTPSConnection(uk.host, PARTNERS_PORT, context=ssl._create_unverified_context())
    with pytest.raises(OSError):
        stranger.request("GET", "/accord/v1/papers")
        stranger.getresponse()


def test_without_a_server_and_without_a_partner_it_waits_and_says_so(partners):
    uk, us = partners
    agree(uk, us, "--witness", "ally")
    uk.accords.start()
    until(lambda: "no server runs on this data folder" in uk.accords.said(), "it is not said", uk)
    uk.serve.start()
    until(lambda: "store opened" in uk.accords.said(), "the server is not seen", uk)
    until(lambda: "partner not reached" in uk.accords.said(), "it is not said that the partner is away", uk)
    thing = green(1)
    uk.add("ransomware", thing)
    us.start()
    until(lambda: us.has(thing), "nothing came when the partner was there", uk, us)


def test_what_is_wrong_with_a_command_line_is_said(partners):
    uk, _ = partners
    assert "cannot listen on 'here'" in uk.accord("run", "--listen", "here", status=2)
    assert "no witness in" in uk.run("witness", "run", "--data", uk.data, "--listen", f"{uk.host}:7482", status=3)
    assert "--name" in uk.run("witness", "init", "--data", uk.data / "w", status=2)
    assert "no key of a log" in uk.run("witness", "trust", "--data", uk.data, "x+y+z", status=2)
