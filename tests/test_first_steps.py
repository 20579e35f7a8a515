"""What the first hour with Breakwater brings: wrong folders, wrong accounts, wrong files, and what is said then."""

import gzip
import json
import os
import shutil
import subprocess

import pytest
import stix
from exchange import PASSWORD, Exchange, binary, run

NOBODY = 65534
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, and setpriv to stop being it"
)


def as_nobody(*words):
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return subprocess.run([*drop, binary(), *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def data(tmp_path):
    run("init", tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def open_path(tmp_path):
    """A folder that everybody may enter, the ones above it and the program included."""
    for folder in [tmp_path, *tmp_path.parents[:-2]]:
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o755)
    if as_nobody("--version").returncode != 0:
        pytest.skip("others may not run the program where it is")
    return tmp_path


@needs_root
def test_who_may_not_look_is_told_so_and_not_that_nothing_is_there(open_path):
    run("init", open_path / "data")
    for words in (["collection", "list"], ["serve"], ["keys", "show"], ["search", "x"]):
        done = as_nobody(*words, "--data", open_path / "data")
        assert done.returncode == 3, words
        assert "no permission" in done.stderr and "'root'" in done.stderr, done.stderr
        assert "there is no exchange" not in done.stderr


@needs_root
def test_root_makes_the_exchange_for_the_account_that_the_folder_belongs_to(open_path):
    data = open_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, NOBODY, NOBODY)
    run("init", data)
    assert {path.stat().st_uid for path in [data, *data.rglob("*")]} == {NOBODY}
    assert as_nobody("collection", "add", "A", "--data", data).returncode == 0


@needs_root
def test_nothing_that_root_does_in_an_accounts_folder_shuts_the_account_out(open_path):
    data, copy = open_path / "data", open_path / "copy"
    secret = open_path / "passphrase"
    secret.write_text("only for this story\n")
    secret.chmod(0o600)  # root's own, and root may still read it
    for folder in (data, copy):
        folder.mkdir(mode=0o700)
        os.chown(folder, NOBODY, NOBODY)
    run("init", data)
    run("collection", "add", "A", "--data", data)
    (open_path / "one.json").write_text(json.dumps(stix.indicator()))
    run("import", "--collection", "A", open_path / "one.json", "--data", data)
    run("search", "--data", data, "nothing that is there", check=False)  # makes the indexes
    run("keys", "rotate", "--lost", "--yes", "--new-passphrase-file", secret, "--data", data)
    run("compact", "--data", data)
    run("backup", open_path / "backup", "--data", data)
    run("restore", open_path / "backup", "--data", copy)
    for folder in (data, copy):
        assert {(path.stat().st_uid, path.stat().st_gid) for path in folder.rglob("*")} == {(NOBODY, NOBODY)}
        assert as_nobody("verify", "--data", folder).returncode == 0
        assert as_nobody("collection", "add", "B", "--data", folder).returncode == 0


def test_an_init_that_was_cut_short_says_how_to_begin_again(tmp_path):
    for name in ("tls", "keys"):
        (tmp_path / "data" / name).mkdir(parents=True)
    done = run("init", tmp_path / "data", check=False)
    assert done.returncode == 3
    advice = done.stderr.split("say init again: ")[1].strip()
    subprocess.run(advice, shell=True, check=True)
    run("init", tmp_path / "data")


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "\x1b[31mred", "x" * 256])
def test_a_title_is_one_line_with_something_to_see(data, title):
    done = run("collection", "add", title, "--data", data, check=False)
    assert done.returncode == 2
    assert "a title is one line of 1 to 255 bytes" in done.stderr
    assert run("collection", "list", "--format", "json", "--data", data).stdout == ""


@pytest.mark.parametrize(
    "name, content, tool",
    [
        ("a.json.gz", gzip.compress(b"{}"), "gzip -dc"),
        ("a.json", '{"type":"bundle"}'.encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
    ],
)
def test_a_file_that_is_packed_or_in_another_encoding_is_met_with_the_command_that_helps(
    data, tmp_path, name, content, tool
):
    (tmp_path / name).write_bytes(content)
    run("collection", "add", "A", "--data", data)
    done = run("import", "--collection", "A", "--data", data, tmp_path / name, check=False)
    assert done.returncode == 1
    assert f"{tool} {tmp_path / name} | breakwater import --collection 'A' -" in done.stderr
    done = run("validate", tmp_path / name, check=False)
    assert done.returncode == 1
    assert f"{tool} {tmp_path / name} | breakwater validate -" in done.stderr


def test_a_folder_in_place_of_a_file_is_called_a_folder(data, tmp_path):
    run("collection", "add", "A", "--data", data)
    for words in (["validate"], ["import", "--collection", "A", "--data", data]):
        done = run(*words, tmp_path, check=False)
        assert done.returncode == 3
        assert "is a folder" in done.stderr


def test_an_address_that_this_machine_does_not_have_is_named_as_that(data):
    done = run("serve", "--data", data, "--listen", "192.0.2.1:8443", check=False)
    assert done.returncode == 3
    assert "this machine has no such address" in done.stderr


def test_a_wrong_password_is_not_answered_with_give_one(exchange, data):
    exchange.add_account("first-steps")
    run("collection", "add", "A", "--data", data)
    words = ["pull", "--into", "A", "--data", data, "--cacert", exchange.folder / "tls" / "cert.pem"]
    done = run(*words, exchange.url, check=False)
    assert "say who you are" in done.stderr
    done = run(*words, "--user", "first-steps", "--password-stdin", exchange.url, stdin="wrong\n", check=False)
    assert "account and password must be those at the other server" in done.stderr
    done = run(*words[:-2], "--pin", "0" * 64, exchange.url, check=False)
    assert "somebody is in between" in done.stderr


def test_push_and_pull_know_a_collection_by_its_title_and_not_its_namesake(exchange, data, tmp_path):
    there = exchange.add_collection("There")
    exchange.add_account("both-ways")
    exchange.grant("both-ways", there, "both")
    far = ["--data", data, "--cacert", exchange.folder / "tls" / "cert.pem", "--user", "both-ways", "--password-stdin"]
    run("collection", "add", "Here", "--data", data)
    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps(stix.indicator()))
    run("import", "--collection", "Here", "--data", data, bundle)
    answer = json.loads(run("push", "--from", "Here", "--format", "json", *far, exchange.url, stdin=PASSWORD).stdout)
    assert answer["objects"] == 1
    run("collection", "remove", "--yes", "Here", "--data", data)
    run("collection", "add", "Here", "--data", data)
    for added in (1, 0):
        done = run("pull", "--into", "Here", "--format", "json", *far, exchange.url, stdin=PASSWORD)
        assert json.loads(done.stdout)["added"] == added
    run("collection", "remove", "--yes", "Here", "--data", data)
    run("collection", "add", "Here", "--data", data)
    done = run("pull", "--into", "Here", "--format", "json", *far, exchange.url, stdin=PASSWORD)
    assert json.loads(done.stdout)["added"] == 1, "a new collection starts from the start"


@pytest.mark.parametrize("words", [["add", "school"], ["password", "admin"]])
def test_a_password_that_is_guessed_at_once_is_refused(data, words):
    done = run("account", *words, "--password-stdin", "--data", data, stdin="hunter2\n", check=False)
    assert done.returncode == 3
    assert "at least 8 bytes" in done.stderr
    assert "with a password" not in run("account", "list", "--data", data).stdout


def test_an_account_without_a_way_in_says_so(data):
    assert "nobody can log in as it yet" in run("account", "add", "a", "--data", data).stderr
    assert run("account", "add", "b", "--api-key", "--data", data).stderr == ""
    assert run("account", "add", "c", "--password-stdin", "--data", data, stdin=PASSWORD + "\n").stderr == ""


def test_an_audit_log_without_signatures_is_not_praised_for_them(data):
    assert "not signed by the node" in run("audit", "verify", "--data", data).stdout


def test_a_wrong_passphrase_is_called_wrong(data, tmp_path):
    (tmp_path / "passphrase").write_text("not this one\n")
    exchange = Exchange(data, options=["--passphrase-file", tmp_path / "passphrase"])
    exchange.start()
    exchange.stop()
    assert "the passphrase is wrong" in exchange.words()
