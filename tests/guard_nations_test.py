"""A school is attacked; what its guard learned crosses under an accord; a hospital in another country refuses the next
strain before its first file, and the school hears that it helped. Real Samba, real exchanges, real keys."""

import contextlib
import json
import pathlib

import pytest
from exchange import binary
from nations_rig import (ACCORD, ATTACKER, HONEST, NOTES, Exchange, Nations, Server, digests, touched, wait_for, why_not)
from stix import indicator

pytestmark = pytest.mark.skipif(binary() is None or why_not(binary()) is not None,
                                reason="no program" if binary() is None else str(why_not(binary())))


def let_pass(folder):
    """The users of the shares pass through."""
    for one in (folder, *folder.parents[:2]):
        one.chmod(one.stat().st_mode | 0o011)


@pytest.fixture
def nations(tmp_path):
    let_pass(tmp_path)
    with Nations(pathlib.Path(binary()).resolve(), tmp_path, files=60) as made:
        yield made
        for daemon in made.daemons():
            for bad in ("Sanitizer", "runtime error:", "Assertion", "makes no sense", "made no sense", "worker died"):
                assert bad not in daemon.said(), (daemon.name, daemon.said()[-4000:])


def objects_of(exchange, collection):
    said = exchange.run("export", "--collection", collection, "--format-out", "jsonl")
    return [json.loads(line) for line in said.splitlines() if line.strip()]


def test_a_schools_attack_becomes_a_hospitals_immunity(nations):
    school, hospital = nations.school, nations.hospital
    before, theirs = digests(school.home), digests(hospital.home)
    assert school.note("Your files are gone. Pay three coins to get them back.") >= 4
    attack = school.attack(strain=1)
    school.guard.wait("the first words of the incident are reported")
    wait_for(lambda: hospital.ready(NOTES), "the hospital was not warned", *nations.daemons())
    harmed, _ = school.harmed(before)
    assert 1 <= len(harmed) <= 10
    # another strain: other notes, another ending, other bytes; the names and the way are the same
    hospital.note("All your documents were taken by us! Write to the address below within two days.")
    hospital.guard.wait('rule="warned"')
    hospital.guard.wait("a client is kept out")
    second = hospital.attack(strain=2)
    assert touched(second) in (None, 0)
    assert {name: digests(hospital.home).get(name) for name in theirs} == theirs, "a file was lost"
    assert hospital.json("explain", "last")["records"][0]["rule"] == "warned"
    # and they hear that it helped
    school.guard.wait("what this server told helped elsewhere")
    assert school.json("report", "last")["report"]["helped"] >= 1
    assert "It helped elsewhere" in school.command("report", "last")
    touched(attack)
    # all of it is at the school's own exchange, and nothing that names anybody went further
    school.guard.wait("the incident is reported")
    kinds = {thing["type"] for thing in objects_of(nations.uk, "school")}
    assert {"incident", "observed-data", "indicator", "sighting"} <= kinds
    crossed = objects_of(nations.us, "from-uk")
    assert crossed and {thing["type"] for thing in crossed} <= {"indicator", "sighting"}
    text = json.dumps(crossed)
    for ours in (ATTACKER, school.rig.net, str(school.share), *(name.name for name in harmed)):
        assert ours not in text
    one = next(thing["id"] for thing in crossed if thing["type"] == "indicator")
    assert ACCORD in nations.uk.run("accord", "explain", one, "--to", "us")
    school.restore()
    assert {name: digests(school.home).get(name) for name in before} == before


def test_a_client_that_is_connected_is_met_when_others_warn_of_its_address(tmp_path):
    let_pass(tmp_path)
    program = pathlib.Path(binary()).resolve()
    with contextlib.ExitStack() as closing:
        server = Server(program, tmp_path, "server", seed=3, files=6, net="203.0.113")
        closing.callback(server.close)
        server.start()
        exchange = Exchange(program, tmp_path, "uk", 1, "allies")
        closing.callback(exchange.stop)
        exchange.start_serve(server.rig.network)
        closing.callback(server.close)
        server.run_guard(exchange, "allies")
        session = closing.enter_context(server.rig.session(HONEST, 1))
        assert session.works()
        warning = tmp_path / "warning.json"
        warning.write_text(json.dumps({"objects": [indicator(1, pattern=f"[ipv4-addr:value = '{server.rig.address(1)}']")]}))
        exchange.run("import", "--collection", "allies", warning)
        server.guard.wait(rf'what others warned of is here.* what="address" value="{server.rig.address(1)}" peer="allies"')
        assert session.works(), "one word ended somebody"
        assert server.json("status")["open"] == []
