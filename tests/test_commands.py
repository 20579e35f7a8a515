"""What an operator types, with a server running and without: the same answers, and nothing lost either way."""

import json
import re
import sqlite3

import pytest
from exchange import run
from stix import indicator, ipv4, later, malware


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(params=["with a server", "without one"])
def place(request, own_exchange):
    """An exchange with the collection "shared"; half of the stories have a server running on it."""
    exchange = own_exchange()
    exchange.number = exchange.add_collection("Shared things", alias="shared")
    if request.param == "with a server":
        exchange.start()
    return exchange


def put(exchange, *things, collection="shared"):
    text = "\n".join(json.dumps(thing) for thing in things)
    return exchange.command("import", "--collection", collection, "-", stdin=text, check=False)


def exported(exchange, *options):
    return lines(exchange.command("export", "--format-out", "jsonl", *options).stdout)


def ids(things):
    return [thing["id"] for thing in things]


# ---- import --------------------------------------------------------------------------


def test_an_import_names_what_it_refused_and_why(place):
    first, gone = indicator(1), {**malware(), "revoked": True}
    put(place, first, gone)
    bad = {**indicator(2), "pattern": "[nonsense"}
    done = put(place, {**first, "name": "another name"}, later(gone, 3), bad, indicator(3))
    assert done.returncode == 1
    told = {line.split(": ")[1]: line for line in done.stderr.splitlines() if line.startswith("refused: ")}
    assert set(told) == {first["id"], gone["id"], bad["id"]}
    assert "already there with other content" in told[first["id"]]
    assert "revoked" in told[gone["id"]] and "pattern" in told[bad["id"]]
    assert "1 not valid, 1 conflicting, 1 revoked" in done.stdout


# ---- export ------------------------------------------------------------------------


def test_a_bundle_holds_the_last_version_of_everything_and_has_a_new_id(place):
    first = indicator(1)
    put(place, first, later(first, 2), malware())
    one = json.loads(place.command("export", "--collection", "shared").stdout)
    two = json.loads(place.command("export").stdout)
    assert one["type"] == "bundle" and one["id"] != two["id"]
    assert sorted(ids(one["objects"])) == sorted(ids(two["objects"]))
    assert later(first, 2)["modified"] in [thing.get("modified") for thing in one["objects"]]
    assert len(one["objects"]) == 2


def test_an_empty_collection_is_a_bundle_without_a_list(place):
    assert set(json.loads(place.command("export").stdout)) == {"type", "id"}


def test_the_filters_are_those_of_taxii(place):
    first, other = indicator(1), malware()
    put(place, first, later(first, 2), other)
    assert ids(exported(place, "--match-type", "malware")) == [other["id"]]
    assert ids(exported(place, "--match-id", first["id"], "--match-version", "all")) == [first["id"]] * 2
    assert exported(place, "--match-version", "first", "--match-type", "indicator") == [first]
    assert len(exported(place, "--limit", "1")) == 1
    assert exported(place, "--added-after", "2100-01-01T00:00:00Z") == []
    assert place.command("export", "--match-version", "newest", check=False).returncode == 2


def test_a_version_in_two_collections_is_exported_once(place):
    place.add_collection("Other", alias="other")
    thing = indicator(1)
    put(place, thing)
    put(place, thing, collection="other")
    assert exported(place) == [thing]


# ---- show, search ---------------------------------------------------------------------


def test_show_tells_what_came_and_went(place):
    first = indicator(1, labels=["old", "both"])
    second = {**later(first, 2), "labels": ["both", "new"], "description": "seen again"}
    put(place, first, second)
    shown = lines(place.command("show", first["id"], "--format", "json").stdout)
    assert [version["object"] for version in shown] == [first, second]
    changes = {change["property"]: change["change"] for change in shown[1]["changes"]}
    assert changes == {"modified": "changed", "name": "changed", "labels": "changed", "description": "added"}
    text = place.command("show", first["id"]).stdout
    assert '- labels: "old"' in text and '+ labels: "new"' in text and '+ description: "seen again"' in text
    assert "both" not in text.split("version ")[2]
    assert json.loads(place.command("show", first["id"], "--version", "first").stdout) == first
    assert place.command("show", "indicator--none", check=False).returncode == 3


def test_a_title_is_enough_when_it_is_the_only_one(place):
    thing = indicator(1)
    put(place, thing, collection="Shared things")
    assert exported(place, "--collection", "Shared things") == [thing]
    place.add_collection("Shared things")
    done = place.command("export", "--collection", "Shared things", check=False)
    assert done.returncode == 3 and "several" in done.stderr


def test_a_value_a_word_and_an_id_are_found(own_exchange):
    exchange = own_exchange()
    exchange.add_collection("Shared things", alias="shared")
    address, loader = ipv4(), malware("quiet loader")
    put(exchange, address, loader, indicator(1))
    for text, wanted in [(address["value"], address), ("198[.]51[.]100[.]3", address), (loader["id"], loader)]:
        found = lines(exchange.command("search", text, "--format", "json").stdout)
        assert wanted["id"] in [hit.get("id") for hit in found], text
    found = lines(exchange.command("search", "loader", "quiet", "--format", "json").stdout)
    assert found[0]["id"] == loader["id"] and found[-1]["lag_rows"] == 0
    assert "nothing found" in exchange.command("search", "zeppelin").stdout


# ---- audit -------------------------------------------------------------------------------


def test_a_changed_line_of_the_log_is_named(place):
    put(place, indicator(1))
    log = place.command("audit", "show", "--format", "json").stdout
    assert run("audit", "verify", "-", stdin=log).returncode == 0
    there = log.splitlines()
    there[1] = there[1].replace("local", "loca1", 1)
    done = run("audit", "verify", "-", stdin="\n".join(there), check=False)
    assert done.returncode == 1 and "line 2" in done.stderr
    gone = run("audit", "verify", "-", stdin="\n".join(log.splitlines()[:1] + log.splitlines()[2:]), check=False)
    assert gone.returncode == 1 and "line 2" in gone.stderr


def test_the_log_can_be_asked_for_a_part(place):
    place.command("account", "add", "alice")
    place.command("account", "add", "bob")
    text = place.command("audit", "show", "--action", "account-add", "--limit", "2").stdout
    assert [line.rsplit(" ", 1)[1] for line in text.splitlines()] == ["alice", "bob"]
    assert place.command("audit", "show", "--since", "2100-01-01T00:00:00Z").stdout == ""


# ---- backup, restore, verify ----------------------------------------------------------------


def test_what_was_backed_up_comes_back(place, tmp_path):
    thing = indicator(1)
    put(place, thing, malware())
    key = place.make_key("admin")
    before = exported(place)
    place.command("backup", tmp_path / "backup")
    run("restore", tmp_path / "backup", "--data", tmp_path / "again")
    assert lines(run("export", "--format-out", "jsonl", "--data", tmp_path / "again").stdout) == before
    assert run("verify", "--data", tmp_path / "again").returncode == 0
    assert run("audit", "verify", "--data", tmp_path / "again").returncode == 0
    assert (tmp_path / "again" / "tls" / "cert.pem").read_bytes() == place.certificate.read_bytes()
    assert key not in (tmp_path / "backup" / "entries.db").read_bytes().decode("latin-1")
    again = place.command("backup", tmp_path / "backup", check=False)
    assert again.returncode == 3 and "something in it" in again.stderr


def test_a_damaged_backup_is_not_restored(place, tmp_path):
    put(place, indicator(1))
    place.command("backup", tmp_path / "backup")
    file = tmp_path / "backup" / "entries.db"
    whole = bytearray(file.read_bytes())
    whole[len(whole) // 2] ^= 1
    file.write_bytes(whole)
    done = run("restore", tmp_path / "backup", "--data", tmp_path / "again", check=False)
    assert done.returncode == 3 and "does not fit its hash" in done.stderr
    assert not (tmp_path / "again" / "store").exists()


def test_verify_finds_a_body_that_was_changed_behind_its_back(own_exchange):
    exchange = own_exchange()
    exchange.add_collection("Shared things", alias="shared")
    put(exchange, indicator(1), indicator(2))
    with sqlite3.connect(exchange.folder / "store" / "entries.db") as db:
        added, body = db.execute("SELECT added, body FROM entry_7 WHERE body IS NOT NULL LIMIT 1").fetchone()
        db.execute("UPDATE entry_7 SET body=? WHERE added=?", (body[:-2] + b"x}", added))
    db.close()
    done = exchange.command("verify", "--format", "json", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["bad_objects"] == 1


def test_what_is_erased_leaves_the_files_and_does_not_come_back_with_a_backup(place, tmp_path):
    thing = indicator(1, description="unmistakable-words-of-a-person")
    put(place, thing, malware())
    place.command("backup", tmp_path / "backup")
    assert place.command("erase", thing["id"], check=False).returncode == 2
    place.command("erase", thing["id"], "--reason", "asked for", "--yes")
    place.command("compact")
    for file in (place.folder / "store").iterdir():
        assert b"unmistakable-words" not in file.read_bytes(), file
    assert "erased here" in put(place, thing).stdout
    run("restore", tmp_path / "backup", "--data", tmp_path / "again", "--erasures-from", place.folder)
    assert thing["id"] not in run("export", "--data", tmp_path / "again").stdout
    assert place.command("verify").returncode == 0


def test_a_deleted_object_may_come_back(place):
    thing = indicator(1)
    put(place, thing)
    place.command("delete", thing["id"], "--collection", "shared", "--yes")
    assert exported(place) == []
    put(place, thing)
    assert exported(place) == [thing]


# ---- keys ----------------------------------------------------------------------------------------


def test_node_keys_are_backed_up_rotated_lost_and_found(own_exchange, tmp_path):
    exchange = own_exchange()
    old, new = tmp_path / "old", tmp_path / "new"
    data = tmp_path / "node"
    old.write_text(json.loads(run("init", data, "--format", "json").stdout)["node_key_passphrase"] + "\n")
    name = json.loads(run("keys", "show", "--data", data, "--format", "json").stdout)["node"]
    assert re.fullmatch(r"bw1[0-9a-f]{64}", name)
    made = run("keys", "backup", tmp_path / "backup", "--passphrase-file", old, "--data", data, "--format", "json")
    new.write_text(json.loads(made.stdout)["passphrase"] + "\n")
    check = ["keys", "restore-check", tmp_path / "backup", "--data", data]
    assert run(*check, "--passphrase-file", new).returncode == 0
    assert run(*check, "--passphrase-file", old, check=False).returncode == 1
    (data / "keys" / "node.keys").unlink()
    run("keys", "restore", tmp_path / "backup", "--passphrase-file", new, "--new-passphrase-file", old, "--data", data)
    turned = run("keys", "rotate", "--passphrase-file", old, "--data", data, "--format", "json")
    assert json.loads(turned.stdout)["before"] == name and json.loads(turned.stdout)["signed_by_both"]
    assert run(*check, "--passphrase-file", new, check=False).returncode == 1
    lost = run("keys", "rotate", "--lost", "--yes", "--new-passphrase-file", new, "--data", data, "--format", "json")
    assert not json.loads(lost.stdout)["signed_by_both"]
    assert len(list((data / "keys").glob("bw1*.keys"))) == 2
    assert run("audit", "verify", "--data", data).returncode == 0
    assert exchange.command("keys", "show").returncode == 0
