"""What was told stands in a log: `accord verify` and a verifier that shares no line with it agree, erased entries too."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from exchange import binary

OTHER = pathlib.Path(__file__).with_name("tlog_verify.py")


def probe():
    found = binary() and binary().parent / "accord_probe"
    return found if found and found.exists() else None


pytestmark = pytest.mark.skipif(probe() is None, reason="accord_probe is not built beside breakwater")


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True)


def make(folder, count, erased=0):
    done = run(probe(), folder, count, erased)
    assert done.stdout == "ok\n" and done.returncode == 0, done.stdout
    return folder


def ours(folder, *words):
    return run(binary(), "accord", "verify", "--folder", folder, "--policy", folder / "policy", *words)


def other(what, *words):
    done = run(sys.executable, OTHER, what, *words)
    return done.returncode == 0, done.stdout.strip()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """700 entries in three batches, the first 300 of which are erased."""
    return make(tmp_path_factory.mktemp("accord") / "log", 700, 300)


@pytest.fixture
def log(told, tmp_path):
    """A copy to damage."""
    return pathlib.Path(shutil.copytree(told, tmp_path / "log"))


def test_a_log_whose_contents_are_partly_erased_verifies_with_both(told):
    done = ours(told, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["entries"] == 700
    assert other("log", told, told / "policy") == (True, "ok")
    assert "cosigned by bw1ally (Ed25519) at 2026-11-18T11:06:41.000000Z" in ours(told).stdout


def test_the_proof_of_an_erased_entry_still_verifies_for_who_kept_it(told):
    for index in (0, 699):
        assert other("proof", told / f"proof-{index}", told / "policy", told / f"entry-{index}") == (True, "ok")
    assert not other("proof", told / "proof-0", told / "policy", told / "entry-699")[0]


def test_the_key_of_what_was_erased_is_gone_and_the_other_is_not(told):
    began = 1795000000 // 86400
    assert [path.name for path in (told / "keys").iterdir()] == [str(began + 1000)]


def test_a_silent_edit_is_refused_by_both_and_named(log):
    for name in ("tile/0/000", "tile/0/002.p/188", "tile/1/000.p/2"):
        path = log / name
        before = path.read_bytes()
        path.write_bytes(before[:40] + bytes([before[40] ^ 1]) + before[41:])
        done = ours(log)
        assert done.returncode == 1 and "EDITED" in done.stderr
        assert not other("log", log, log / "policy")[0]
        path.write_bytes(before)


def test_a_log_cut_short_is_refused_by_both_and_named(log):
    (log / "tile/0/001").unlink()
    done = ours(log)
    assert done.returncode == 1 and "CUT_SHORT" in done.stderr and "tile/0/001" in done.stderr
    assert not other("log", log, log / "policy")[0]


def test_a_checkpoint_without_one_of_its_signers_is_refused(log):
    head, _, lines = (log / "checkpoint").read_text().rpartition("\n\n")
    lines = lines.splitlines(keepends=True)
    assert len(lines) == 3
    for left_out, name in enumerate(("DENIED", "DENIED", "MISSING")):
        kept = [line for number, line in enumerate(lines) if number != left_out]
        (log / "checkpoint").write_text(head + "\n\n" + "".join(kept))
        done = ours(log)
        assert done.returncode == 1 and name in done.stderr


def test_what_to_verify_has_to_be_said(tmp_path):
    assert run(binary(), "accord", "verify").returncode == 2
    assert run(binary(), "accord", "verify", "--folder", tmp_path).returncode == 2
    assert run(binary(), "accord", "verify", "--folder", tmp_path, "--policy", tmp_path / "none").returncode == 3
