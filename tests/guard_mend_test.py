"""A damaged catalogue is named, refused, and mended: nothing is deleted, and what was kept comes back."""

import datetime
import json
import os
import sqlite3

import pytest
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def furnish(p, count=40):
    contents = {}
    for n in range(count):
        name = f"file {n}"
        contents[name] = os.urandom(300_000 if n % 10 == 0 else 3000 + n)
        (p.share / name).write_bytes(contents[name])
    p.enroll()
    return contents


def spoil(path, at, size):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(os.urandom(size))


def mend(p):
    status, said = p.run("mend", "--format", "json")
    assert status in (0, 1), said
    return status, json.loads(said)[0]


def test_a_damaged_catalogue_is_named_refused_and_mended(place):
    p = place("xfs")
    contents = furnish(p)
    assert "whole" in p.guard("mend")
    spoil(p.store / "catalogue.db", 0, 5000)
    for verb in ("verify", "run"):
        status, said = p.run(verb)
        assert status != 0 and "guard mend" in said and str(p.store) in said, said
    said = p.guard("mend")
    assert "damaged-1" in said and "40 versions" in said, said
    assert (p.store / "damaged-1" / "catalogue.db").stat().st_size > 0
    p.verify()
    for name in contents:
        (p.share / name).write_bytes(b"spoiled")
        p.guard("restore", "--file", p.share / name, "--yes")
    assert {name: (p.share / name).read_bytes() for name in contents} == contents
    p.start("--mode", "observe")
    assert "forgotten" not in p.words
    p.verify()
    p.stop()


def test_contents_without_a_name_come_back_under_their_numbers(place):
    p = place("ext4")
    contents = furnish(p)
    for path in p.store.glob("catalogue.db*"):
        path.unlink()
    status, said = p.run("enroll", p.share, "--quiet")
    assert status != 0 and "guard mend" in said, said
    status, done = mend(p)
    assert status == 1 and done["nameless"] == len(contents) and done["lost"] == 0, done
    p.verify()
    gone = datetime.datetime.fromisoformat(done["gone"])
    before = (gone - datetime.timedelta(microseconds=1)).astimezone(datetime.timezone.utc).isoformat()
    lost = p.mount / "breakwater-lost"
    p.guard("restore", "--tree", lost, "--at", before, "--yes")
    assert sorted(path.read_bytes() for path in lost.iterdir()) == sorted(contents.values())
    assert all(path.stat().st_mode & 0o777 == 0o600 and path.stat().st_uid == 0 for path in lost.iterdir())
    p.enroll()  # the files get copies with their names again
    p.verify()
    assert all(p.versions_of(name) for name in contents)


def test_a_catalogue_with_holes_gives_what_is_left(place):
    p = place("btrfs")
    contents = furnish(p, 400)
    with sqlite3.connect(p.store / "catalogue.db") as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'version'").fetchone()[0]
    db.close()
    leaves = []
    with open(p.store / "catalogue.db", "rb") as file:
        for page in range(pages):
            if file.seek(page * 16384) >= 0 and file.read(1) == b"\x0d" and page + 1 != root:
                leaves.append(page)
    for page in leaves[::3]:
        spoil(p.store / "catalogue.db", page * 16384, 16384)
    status, done = mend(p)
    assert status == 1, done
    assert done["versions"] + done["nameless"] >= len(contents) and done["lost"] == 0, done
    p.verify()
    p.start("--mode", "observe")
    p.verify()
    assert all(p.versions_of(name) for name in contents)
    p.stop()


def test_nobody_mends_beside_a_running_guard(place):
    p = place("ext4")
    furnish(p, 3)
    p.start("--mode", "observe")
    status, said = p.run("mend")
    assert status == 3 and "stop it" in said, said
    p.stop()
