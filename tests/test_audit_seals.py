"""The node signs where its audit log stands: a log that was made anew as a whole still shows."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest
from exchange import binary, run, wait_until

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


def test_keys_that_were_rotated_under_a_running_server_sign_after_its_reload(own_exchange, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    exchange = own_exchange(options=("--passphrase-file", passphrase))
    folder = tmp_path / "known"
    run("init", folder, "--passphrase-file", passphrase)
    exchange.folder = folder
    exchange.start()
    exchange.add_collection("to be told about", alias="told")
    assert wait_for_seal(exchange), exchange.words()
    old = tmp_path / "old.pub"
    old.write_bytes((folder / "keys" / "node.pub").read_bytes())

    turned = json.loads(exchange.command("keys", "rotate", "--passphrase-file", passphrase, "--format", "json").stdout)
    assert turned["reload_needed"] and turned["node"] not in exchange.words()
    exchange.process.send_signal(signal.SIGHUP)
    wait_until(lambda: f'node="{turned["node"]}"' in exchange.words(), "the signer opens the new keys")
    sealed = len(lines(exchange))
    os.kill(exchange.worker("keeper"), signal.SIGKILL)  # the next one seals at once what there is
    wait_until(lambda: any(line["action"] == "audit-head" for _, line in lines(exchange)[sealed:]), "a second seal")
    assert exchange.stop() == 0

    assert verify(exchange)[0] == 0
    shown = exchange.command("audit", "show", "--format", "json").stdout.splitlines()
    seals = [at for at, line in enumerate(shown) if json.loads(line)["action"] == "audit-head"]
    tail = tmp_path / "tail.jsonl"
    tail.write_text("\n".join(shown[seals[-1] - 1:]) + "\n")
    check = ["audit", "verify", tail, "--format", "json", "--data", tmp_path / "none", "--node"]
    assert json.loads(run(*check, folder / "keys" / "node.pub").stdout)["seals"] == 1
    assert run(*check, old, check=False).returncode == 1


def test_keys_that_the_passphrase_does_not_open_leave_the_old_ones_in_place(own_exchange, tmp_path):
    passphrase, other = tmp_path / "passphrase", tmp_path / "other"
    passphrase.write_text(PASSPHRASE + "\n")
    other.write_text("another one\n")
    exchange = own_exchange(options=("--passphrase-file", passphrase))
    folder = tmp_path / "known"
    run("init", folder, "--passphrase-file", passphrase)
    exchange.folder = folder
    exchange.start()
    exchange.command("keys", "rotate", "--passphrase-file", passphrase, "--new-passphrase-file", other)
    exchange.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "those before them stay" in exchange.words(), "the signer says that they do not open")
    exchange.add_collection("to be told about", alias="told")
    assert wait_for_seal(exchange), exchange.words()
    passphrase.write_text("another one\n")
    exchange.process.send_signal(signal.SIGHUP)
    wait_until(lambda: exchange.words().count("node keys opened") == 2, "the passphrase is read again")
    assert exchange.stop() == 0
    assert verify(exchange)[0] == 0


def test_a_passphrase_comes_through_a_pipe(own_exchange, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    folder = tmp_path / "known"
    run("init", folder, "--passphrase-file", passphrase)
    shell = '"$0" keys backup "$2" --data "$1" --passphrase-file <(cat "$3") --new-passphrase-file <(echo other)'
    done = subprocess.run(["bash", "-c", shell, binary(), folder, tmp_path / "backup", passphrase],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    named = tmp_path / "fifo"
    os.mkfifo(named)
    exchange = own_exchange(options=("--passphrase-file", named))
    exchange.folder = folder
    with subprocess.Popen(["bash", "-c", 'cat "$0" > "$1"', passphrase, named]):
        exchange.start()
    assert "node keys opened" in exchange.words()
    assert exchange.stop() == 0
