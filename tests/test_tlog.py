"""Transparency logs: what Breakwater writes, a verifier that shares no line with it reads, and both refuse the same."""

import itertools
import pathlib
import shutil
import subprocess
import sys

import pytest
from exchange import binary

OTHER = pathlib.Path(__file__).with_name("tlog_verify.py")


def probe():
    found = binary() and binary().parent / "tlog_probe"
    return found if found and found.exists() else None


pytestmark = pytest.mark.skipif(probe() is None, reason="tlog_probe is not built beside breakwater")


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0, done.stdout.strip()


def verdicts(what, *words):
    """Ours and the other's, which must agree; and what ours said."""
    ours, said = run(probe(), what, *words)
    other, words = run(sys.executable, OTHER, what, *words)
    assert ours == other, f"ours: {said}; the other: {words}"
    return ours, said


def make(folder, *sizes):
    is_made, said = run(probe(), "make", folder, *sizes)
    assert is_made, said
    return folder


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A log with tiles of three levels, grown in batches."""
    return make(tmp_path_factory.mktemp("tlog") / "log", 1, 255, 256, 300, 65536, 66000)


@pytest.fixture
def log(grown, tmp_path):
    """A copy to damage."""
    return pathlib.Path(shutil.copytree(grown, tmp_path / "log"))


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 700])
def test_a_log_of_any_size_verifies_with_both(tmp_path, size):
    make(tmp_path, size)
    assert verdicts("log", tmp_path, tmp_path / "policy") == (True, "ok")
    for index in {0, size // 2, size - 1} if size else ():
        assert verdicts("proof", tmp_path / f"proof-{index}", tmp_path / "policy", tmp_path / f"entry-{index}") == (True, "ok")


def test_a_log_that_grew_in_batches_verifies_with_both(log):
    assert verdicts("log", log, log / "policy") == (True, "ok")
    for index in (0, 33000, 65999):
        assert verdicts("proof", log / f"proof-{index}", log / "policy", log / f"entry-{index}") == (True, "ok")


def current(log):
    """The tiles and bundles of the latest checkpoint; those of earlier ones may be edited and nobody asks for them."""
    partial = {"tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1", "tile/entries/257.p/208"}
    names = sorted(str(path.relative_to(log)) for path in (log / "tile").rglob("*") if path.is_file())
    return [name for name in names if ".p/" not in name or name in partial]


def test_a_silent_edit_of_any_file_is_refused_by_both_and_named(log):
    names = current(log)
    for name in names[::61] + [name for name in names if ".p/" in name]:
        path = log / name
        before = path.read_bytes()
        at = len(before) // 2
        path.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
        is_good, said = verdicts("log", log, log / "policy")
        assert not is_good
        assert said.split()[0] in ("EDITED", "CUT_SHORT")
        if ".p/" not in name:
            assert said.split()[1] == name
        path.write_bytes(before)
    assert verdicts("log", log, log / "policy") == (True, "ok")


def test_a_log_cut_short_is_refused_by_both_and_named(log):
    names = current(log)
    for name in names[::61] + [name for name in names if ".p/" in name]:
        path = log / name
        before = path.read_bytes()
        path.unlink()
        is_good, said = verdicts("log", log, log / "policy")
        assert not is_good and said == f"CUT_SHORT {name}"
        path.write_bytes(before[:-1])
        is_good, said = verdicts("log", log, log / "policy")
        assert not is_good and said == f"CUT_SHORT {name}"
        path.write_bytes(before)


def test_a_checkpoint_without_one_of_its_signers_is_refused_by_both(log):
    text = (log / "checkpoint").read_text()
    head, _, lines = text.rpartition("\n\n")
    lines = lines.splitlines(keepends=True)
    for kept in itertools.combinations(lines, 2):
        (log / "checkpoint").write_text(head + "\n\n" + "".join(kept))
        is_good, said = verdicts("log", log, log / "policy")
        assert not is_good and said.split()[0] in ("DENIED", "MISSING")


def test_no_byte_of_a_checkpoint_may_change(log):
    before = (log / "checkpoint").read_bytes()
    for at in [*range(0, 90, 4), *range(90, len(before) - 8, 331)]:
        (log / "checkpoint").write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
        assert not verdicts("log", log, log / "policy")[0]


def test_no_byte_of_a_proof_may_change_and_it_proves_one_entry(log):
    proof = log / "proof-33000"
    before = proof.read_bytes()
    end = before.index(b"\n\n")
    for at in [*range(0, 23), *range(before.index(b"index"), end + 2, 29)]:
        proof.write_bytes(before[:at] + bytes([before[at] ^ 1]) + before[at + 1:])
        assert not verdicts("proof", proof, log / "policy", log / "entry-33000")[0]
    proof.write_bytes(before)
    assert verdicts("proof", proof, log / "policy", log / "entry-0") == (False, "PROOF tile/0/000.p/1")
    assert verdicts("proof", proof, log / "policy", log / "entry-33000") == (True, "ok")
