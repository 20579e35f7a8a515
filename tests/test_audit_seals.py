"""The node signs where its audit log stands: a log that was made anew as a whole still shows."""

import hashlib
import json
import sqlite3
import time

import pytest
from exchange import run

PASSPHRASE = "only for this story"


@pytest.fixture
def sealed(own_exchange, tmp_path):
    """An exchange whose log holds at least one signature; stopped again."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    exchange = own_exchange(options=("--passphrase-file", passphrase))
    # its keys are under a passphrase that init made; this story needs one it knows
    folder = tmp_path / "known"
    run("init", folder, "--passphrase-file", passphrase)
    exchange.folder = folder
    exchange.start()
    exchange.add_collection("to be told about", alias="told")
    assert wait_for_seal(exchange), exchange.words()
    assert exchange.stop() == 0
    return exchange


def lines(exchange):
    with sqlite3.connect(exchange.folder / "store" / "entries.db") as db:
        return [(seq, json.loads(line)) for seq, line in db.execute("SELECT seq, line FROM audit ORDER BY seq")]


def wait_for_seal(exchange, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if any(line["action"] == "audit-head" for _, line in lines(exchange)):
            return True
        time.sleep(0.2)
    return False


def verify(exchange, *more):
    done = exchange.command("audit", "verify", "--format", "json", *more, check=False)
    return done.returncode, json.loads(done.stdout.splitlines()[0]) if done.stdout else done.stderr


def make_anew(exchange, change):
    """Rewrites the log as somebody could who may write the store: every hash fits again."""
    with sqlite3.connect(exchange.folder / "store" / "entries.db") as db:
        prev = bytes(32)
        for seq, text in db.execute("SELECT seq, line FROM audit ORDER BY seq").fetchall():
            body = change(text.rsplit(',"hash":', 1)[0])
            old_prev = json.loads(body + "}")["prev"]
            body = body.replace(f'"prev":"{old_prev}"', f'"prev":"{prev.hex()}"')
            prev = hashlib.sha256(prev + body.encode()).digest()
            db.execute("UPDATE audit SET line = ? WHERE seq = ?", (f'{body},"hash":"{prev.hex()}"}}', seq))


def test_a_signature_in_the_log_fits_the_node(sealed):
    status, found = verify(sealed)
    assert status == 0 and found["whole"] is True
    assert found["seals"] >= 1


def test_a_log_made_anew_with_fitting_hashes_is_found_out_by_its_signatures(sealed):
    make_anew(sealed, lambda body: body.replace("account-add", "account-del"))
    status, found = verify(sealed)
    assert status == 1 and found["whole"] is False
    assert "signature" in found["reason"]


def test_a_log_made_anew_without_a_change_is_the_same_log(sealed):
    make_anew(sealed, lambda body: body)
    assert verify(sealed)[0] == 0


def test_an_exported_log_is_checked_with_the_public_keys_alone(sealed, tmp_path):
    exported = tmp_path / "audit.jsonl"
    exported.write_text(sealed.command("audit", "show", "--format", "json").stdout)
    keys = sealed.folder / "keys" / "node.pub"
    done = run("audit", "verify", exported, "--node", keys, "--format", "json", "--data", tmp_path / "none")
    assert json.loads(done.stdout)["seals"] >= 1


def test_without_the_passphrase_the_exchange_serves_and_says_that_it_does_not_sign(own_exchange):
    exchange = own_exchange()
    exchange.start()
    assert "node keys stay locked" in exchange.words()
    assert exchange.stop() == 0
    assert not any(line["action"] == "audit-head" for _, line in lines(exchange))
