"""What a store survives: killed keepers, packs and objects that are gone, a catalogue of a newer Breakwater."""

import os
import random
import sqlite3
import subprocess
import time

import pytest
from guard_rig import KINDS, place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
def test_a_keeper_that_is_killed_again_and_again_loses_no_committed_version(place, kind):
    p = place(kind)
    (p.share / "first").write_bytes(b"of an earlier day")
    p.enroll()
    p.start("--mode", "observe")
    chance = random.Random(kind)
    committed = set()
    for turn in range(5):
        for n in range(40):
            size = chance.choice((300, 20_000, 200_000))
            (p.share / f"{turn} {n}").write_bytes(os.urandom(size))
        time.sleep(chance.uniform(0.0, 0.6))
        committed |= {row[0] for row in p.ask("SELECT number FROM version")}
        p.kill_worker("keep")
        assert committed <= {row[0] for row in p.ask("SELECT number FROM version")}
    p.until(lambda: all(p.versions_of(f"{turn} {n}") for turn in range(5) for n in range(40)))
    p.verify()
    p.stop()
    p.verify()


@kinds
def test_what_is_gone_from_a_store_is_named_and_its_files_are_taken_again(place, kind):
    p = place(kind)
    for n in range(30):
        (p.share / f"small {n}").write_bytes(os.urandom(5000))
        (p.share / f"large {n}").write_bytes(os.urandom(200_000))
    p.enroll()
    pack = next(path for path in (p.store / "packs").iterdir() if path.stat().st_size > 0)
    pack.unlink()
    next(path for path in (p.store / "objects").rglob("*") if path.is_file()).unlink()
    status, said = p.run("verify")
    assert status == 1 and "DAMAGED" in said and said.count("does not verify") >= 31, said
    p.start("--mode", "observe")
    assert "versions whose content is gone are forgotten" in p.words
    p.until(lambda: p.run("verify")[0] == 0)
    for n in range(30):
        assert p.versions_of(f"small {n}") and p.versions_of(f"large {n}")
    p.stop()


def test_a_store_of_a_newer_breakwater_is_refused_by_name(place):
    p = place("ext4")
    (p.share / "first").write_bytes(b"first")
    p.enroll()
    db = sqlite3.connect(p.store / "catalogue.db")
    db.execute("PRAGMA user_version=99")
    db.close()
    status, said = p.run("run")
    assert status == 3 and "newer Breakwater" in said and str(p.store) in said


@kinds
def test_who_may_write_beside_a_store_can_neither_rename_nor_remove_it(place, kind):
    p = place(kind)
    p.mount.chmod(0o777)  # the share is the whole file system
    (p.share / "first").write_bytes(b"first")
    p.enroll()
    p.start("--mode", "observe")
    away = p.mount / "away"
    for words in (["mv", p.store, away], ["rmdir", p.store], ["rm", "-rf", p.store]):
        subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", *words], check=False, capture_output=True)
        assert p.store.exists() and not away.exists(), words
    (p.share / "first").write_bytes(b"second")
    p.settle()
    assert len(p.versions_of("first")) == 2
    p.stop()
    p.verify()
    p.start("--mode", "observe")
    p.stop()
    p.guard("unenroll", "--yes", p.share)
    assert not p.store.exists()
