"""Every step of keeping and of restoring, killed, refused room, refused by the disk, and cut off from power.

A shim (tests/shims/faults.c) counts the calls by which a program changes the store, or the share. The short form takes
some of them, spread over all; BW_FAULTS=all takes every one (an hour or two).
"""

import collections
import os
import pathlib
import random
import shutil
import sqlite3
import struct
import subprocess
import time
import uuid

import pytest
from exchange import binary, patience
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALL = os.environ.get("BW_FAULTS") == "all"


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no compiler to build the shim with")
    if binary() and b"__asan_init" in pathlib.Path(binary()).read_bytes():
        pytest.skip("a sanitized program takes no shim")
    built = tmp_path_factory.mktemp("shims") / "faults.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", built,
                    ROOT / "tests" / "shims" / "faults.c", "-ldl"], check=True, timeout=60 * patience())
    return built


def with_shim(shim, under, **orders):
    return {"LD_PRELOAD": str(shim), "BW_FAULT_UNDER": str(under),
            **{f"BW_FAULT{'_' if name else ''}{name.upper()}": str(value) for name, value in orders.items()}}


def some(count, wanted):
    """Which of so many calls: all of them, or some, the first and the last among them."""
    if ALL or count <= wanted:
        return range(1, count + 1)
    return sorted({1 + round(n * (count - 1) / (wanted - 1)) for n in range(wanted)})


def calls(p, shim, under, *words):
    """How many calls a command makes."""
    counter = p.folder / "count"
    counter.unlink(missing_ok=True)
    status, said = p.run(*words, env=with_shim(shim, under, count=counter))
    assert status == 0, said
    return counter.stat().st_size


def furnish(p, seed=1, count=10):
    chance = random.Random(seed)
    for n in range(count):
        (p.share / f"small {n}").write_bytes(chance.randbytes(500 + 100 * n))
    for n in range(3):
        (p.share / f"large {n}").write_bytes(chance.randbytes(150_000 + n))


def contents(p):
    return {path.name: path.read_bytes() for path in p.share.iterdir() if path.is_file()}


def kept(p):
    return {row[0] for row in p.ask("SELECT number FROM version")}


class Saved:
    """A store and a share as they are, to begin from again and again."""

    def __init__(self, p):
        self.p, self.image = p, p.folder / "saved"
        shutil.rmtree(self.image, ignore_errors=True)
        self.image.mkdir()
        for part in (p.store, p.share):
            subprocess.run(["cp", "-a", "--reflink=auto", part, self.image], check=True)

    def back(self):
        """In place where it can be: a file is known by its inode."""
        for part in (self.p.store, self.p.share):
            want = self.image / part.name
            for path in sorted(part.rglob("*"), reverse=True):
                if not (want / path.relative_to(part)).exists():
                    path.rmdir() if path.is_dir() else path.unlink()
            for path in sorted(want.rglob("*")):
                there = part / path.relative_to(want)
                if path.is_dir():
                    there.mkdir(exist_ok=True)
                elif not there.exists() or there.read_bytes() != path.read_bytes():
                    there.write_bytes(path.read_bytes())
                shutil.copystat(path, there)
        time.sleep(0.05)  # a file touched within the clock's grain of a walk is rightly taken twice


def turn(flag, to):
    """In place: the programs look at it in memory."""
    with open(flag, "r+b", buffering=0) as file:
        file.write(to)


FAULTS = [("kill", 1), ("torn", 1), ("full", 1), ("full", 10**6), ("io", 1)]


@pytest.mark.parametrize("kind", ("ext4", "xfs", "btrfs") if ALL else ("xfs",))
def test_an_enrolment_that_fails_at_any_step_loses_nothing_and_is_finished_by_the_next(place, shim, kind):
    p = place(kind)
    furnish(p)
    p.enroll()
    first = kept(p)
    (p.share / "small 1").write_bytes(b"changed since")
    (p.share / "large 1").write_bytes(os.urandom(200_000))
    (p.share / "new").write_bytes(os.urandom(4000))
    before = contents(p)
    saved = Saved(p)
    count = calls(p, shim, p.store, "enroll", p.share, "--quiet")
    assert count > 20
    for n, at in enumerate(some(count, 10)):
        for what, length in FAULTS if ALL else [FAULTS[n % len(FAULTS)]]:
            saved.back()
            p.run("enroll", p.share, "--quiet", env=with_shim(shim, p.store, **{"": what}, at=at, length=length))
            p.verify()
            assert first <= kept(p), (what, at)
            p.enroll()
            p.verify()
            assert contents(p) == before, "users' files are not touched"
            assert first <= kept(p) and len(p.versions_of("new")) == 1, (what, at)
            assert len(p.versions_of("small 1")) == 2 and len(p.versions_of("large 1")) == 2, (what, at)


def test_a_first_enrolment_that_fails_at_any_step_is_finished_by_the_next(place, shim):
    p = place("ext4")
    furnish(p, count=3)
    count = calls(p, shim, p.store, "enroll", p.share, "--quiet")
    for n, at in enumerate(some(count, 6)):
        shutil.rmtree(p.store)
        what, length = FAULTS[n % len(FAULTS)]
        p.run("enroll", p.share, "--quiet", env=with_shim(shim, p.store, **{"": what}, at=at, length=length))
        p.enroll()
        p.verify()
        assert len(kept(p)) == 6, (what, at)


@pytest.mark.parametrize("what, length", [("kill", 1), ("full", 8), ("torn", 1), ("io", 1)][:None if ALL else 2])
def test_a_keeper_that_fails_in_the_middle_of_its_work_goes_on(place, shim, what, length):
    p = place("xfs" if what in ("torn", "full") else "ext4")
    furnish(p, count=3)
    p.enroll()
    first = kept(p)
    chance = random.Random(what)
    flag = p.folder / "at work"
    for at in [chance.randrange(1, 115) for _ in range(6 if ALL else 1)]:
        flag.write_bytes(b"0")
        orders = with_shim(shim, p.store, process="bw-keep", at=at, length=length, **{"": what, "while": flag})
        p.start("--mode", "observe", env=orders)
        turn(flag, b"1")
        for n in range(25):
            (p.share / f"{at} {n}").write_bytes(os.urandom(chance.choice((300, 9000, 140_000))))
        if what == "io":  # what the disk refused is found by the next walk
            p.settle()
            p.stop()
            p.start("--mode", "observe")
        p.until(lambda: all(p.versions_of(f"{at} {n}") for n in range(25)))
        p.settle()
        turn(flag, b"0")
        p.verify()
        assert first <= kept(p)
        p.stop()
        p.verify()


@pytest.mark.parametrize("kind", ("ext4", "xfs", "btrfs") if ALL else ("ext4",))
def test_a_keeper_without_a_block_notes_all_in_memory_and_writes_it_down_when_there_is_one(place, shim, kind):
    p = place(kind)
    furnish(p, count=6)
    p.enroll()
    flag = p.folder / "is full"
    flag.write_bytes(b"0")
    p.start("--mode", "observe", env=with_shim(shim, p.store, process="bw-keep", at=1, length=10**9,
                                               **{"": "block", "while": flag}))
    keeper = p.worker("keep")
    last = p.ask("SELECT max(number) FROM version")[0][0]
    turn(flag, b"1")
    for n in range(20):
        (p.share / f"new {n}").write_bytes(os.urandom(3000))
    (p.share / "small 1").write_bytes(b"changed since")
    os.rename(p.share / "small 2", p.share / "moved")
    os.unlink(p.share / "small 3")
    p.until(lambda: "no block left" in p.words)
    p.settle()
    assert p.status()["unwritten"] == 1 and "NO BLOCK" in p.guard("status", status=1)
    assert p.ask("SELECT max(number) FROM version")[0][0] == last
    assert "written down" not in p.words
    turn(flag, b"0")
    p.until(lambda: "what waited for room is written down" in p.words)
    p.settle()
    assert p.status()["unwritten"] == 0
    assert all(p.versions_of(f"new {n}") for n in range(20)) and p.versions_of("small 1")[-1][0] > last
    assert p.ask("SELECT count(*) FROM file WHERE name = ? AND gone = 0", b"moved")[0][0] == 1
    gone = p.ask("SELECT f.gone FROM version v JOIN file f ON f.number = v.file WHERE v.name = ?", b"small 3")
    assert gone[0][0] != 0
    assert p.worker("keep") == keeper and p.words.count("no block left") == 1, p.words
    p.stop()
    p.verify()


# ---- restoring -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ("ext4", "xfs", "btrfs") if ALL else ("ext4", "btrfs"))
def test_a_restore_that_fails_at_any_step_leaves_every_file_whole(place, shim, kind):
    p = place(kind)
    furnish(p, count=4)
    os.link(p.share / "small 1", p.share / "small 1 again")
    p.enroll()
    good = contents(p)
    at_time = p.ask("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', max(taken) / 1e6 + 1, 'unixepoch') FROM version")[0][0]
    p.until(lambda: p.ask("SELECT 1 WHERE strftime('%Y-%m-%dT%H:%M:%fZ') > ?", at_time))
    for name in ("small 0", "small 1", "large 0"):
        with open(p.share / name, "r+b") as file:
            file.write(b"spoiled!" * 20)
    for name in ("small 2", "large 1"):
        (p.share / name).unlink()
    spoiled = contents(p)
    saved = Saved(p)
    words = ("restore", "--tree", p.share, "--at", at_time, "--yes")
    count = calls(p, shim, p.mount, *words)
    assert contents(p) == good and count > 15
    for n, at in enumerate(some(count, 6)):
        what, length = FAULTS[n % len(FAULTS)]
        for what, length in FAULTS if ALL else [(what, length)]:
            saved.back()
            p.run(*words, env=with_shim(shim, p.mount, at=at, length=length, **{"": what}))
            for name, content in contents(p).items():
                if name.startswith("small 1") and (what in ("kill", "torn") or length > 1):
                    continue  # it has several names and is written in place; its former content lies aside
                hidden = name.startswith(".breakwater-restore")
                whole = [*good.values(), *spoiled.values()] if hidden else [good.get(name), spoiled.get(name)]
                assert content in whole, (what, at, name)
            p.verify()
            p.guard(*words)
            found = contents(p)
            assert {name: found.get(name) for name in good} == good, (what, at)
            assert [name for name in found if name.startswith(".breakwater-restore")] == [], (what, at)


# ---- power ----------------------------------------------------------------------------------------------------------

Op = collections.namedtuple("Op", "kind inode offset length text data")


def read_log(path):
    ops, raw, at = [], path.read_bytes(), 0
    while at < len(raw):
        kind, inode, offset, length, text = struct.unpack_from("=cQQQI", raw, at)
        at += 29
        name = os.fsdecode(raw[at:at + text])
        at += text
        size = length if kind == b"w" else 0
        ops.append(Op(kind.decode(), inode, offset, length, name, raw[at:at + size]))
        at += size
    return ops


class Disk:
    """What a disk holds that forgets what was not synced: contents by inode, and names."""

    def __init__(self):
        self.files, self.names, self.folders = {}, {}, set()
        self.writes, self.renames = collections.defaultdict(list), []

    def apply_write(self, op):
        content = self.files.setdefault(op.inode, bytearray())
        if op.kind == "t":
            del content[op.offset:]
            content.extend(bytes(op.offset - len(content)))
        else:
            content.extend(bytes(max(0, op.offset - len(content))))
            content[op.offset:op.offset + len(op.data)] = op.data

    def apply_name(self, op):
        if op.kind in "ml":
            self.names[op.text] = op.inode
        elif op.kind == "d":
            self.folders.add(op.text)
        elif op.kind == "u":
            self.names.pop(op.text, None)
            self.folders.discard(op.text)
        else:
            one, other = op.text.split("\n")
            moved, displaced = self.names.pop(one, None), self.names.pop(other, None)
            if moved is not None:
                self.names[other] = moved
            if op.kind == "x" and displaced is not None:
                self.names[one] = displaced

    def take(self, op):
        """An op as it happens: it is on the disk when it was synced."""
        if op.kind in "wt":
            self.writes[op.inode].append(op)
        elif op.kind == "s":
            for write in self.writes.pop(op.inode, []):
                self.apply_write(write)
            mine = [name for name in self.renames if os.path.dirname(name.text.split("\n")[-1]) == op.text]
            for name in mine:
                self.renames.remove(name)
                self.apply_name(name)
        elif op.kind == "S":
            self.settle()
        else:
            self.renames.append(op)

    def settle(self):
        for writes in self.writes.values():
            for write in writes:
                self.apply_write(write)
        for name in self.renames:
            self.apply_name(name)
        self.writes.clear()
        self.renames.clear()

    def lose_power(self, how, chance):
        """nothing: what was not synced is gone. names: only contents are. some, torn: any part of it came through."""
        kept_names = {"nothing": 0, "names": len(self.renames)}.get(how, chance.randint(0, len(self.renames)))
        for name in self.renames[:kept_names]:  # a journal keeps their order
            self.apply_name(name)
        for writes in self.writes.values():
            if how not in ("some", "torn"):
                continue
            for write in [write for write in writes if chance.random() < 0.5]:
                if how == "torn" and write.kind == "w" and chance.random() < 0.5:
                    cut = chance.randrange(len(write.data) + 1) // 512 * 512
                    write = write._replace(data=write.data[:cut])
                self.apply_write(write)

    def write_to(self, store, top):
        for folder in sorted(self.folders):
            (top / os.path.relpath(folder, store)).mkdir(parents=True, exist_ok=True)
        for name, inode in self.names.items():
            path = top / os.path.relpath(name, store)
            if path.parent.exists() or name.count("/") == str(store).count("/") + 1:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.files.get(inode, b""))


def promised(ops, until, store, folder):
    """The versions that were on the disk, as whoever kept them was told."""
    synced = [n for n in range(until) if ops[n].kind == "s" and ops[n].text.endswith("/catalogue.db-wal")]
    last = max(synced, default=None)
    if last is None:
        return {}
    disk = Disk()
    for op in ops[:last + 1]:
        disk.take(op)
    disk.settle()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    disk.write_to(str(store), folder)
    with sqlite3.connect(folder / "catalogue.db") as db:
        row = db.execute("SELECT CAST(value AS TEXT) FROM setting WHERE name = 'synced'").fetchone()
        if row is None:
            return {}
        return dict(db.execute("SELECT number, size FROM version WHERE number <= ?", (int(row[0]),)).fetchall())


def record(p, shim):
    """A first enrolment, then a guard at work, then another enrolment: all that reached the store."""
    log = p.folder / "log"
    furnish(p, count=4)
    orders = with_shim(shim, p.store, log=log)
    status, said = p.run("enroll", p.share, "--quiet", env=orders)
    assert status == 0, said
    p.start("--mode", "observe", env=orders)
    for turn in range(2):
        for n in range(4):
            (p.share / f"{turn} {n}").write_bytes(os.urandom(700))
        (p.share / "large 1").write_bytes(os.urandom(140_000))
        p.until(lambda: p.versions_of(f"{turn} 3"))
        p.settle()
    p.stop()
    (p.share / "last").write_bytes(os.urandom(2000))
    assert p.run("enroll", p.share, "--quiet", env=orders)[0] == 0
    return read_log(log)


@pytest.mark.parametrize("kind", ("ext4", "xfs", "btrfs") if ALL else ("xfs",))
def test_a_power_cut_at_any_moment_costs_at_most_what_was_not_synced(place, shim, kind):
    p = place(kind)
    ops = record(p, shim)
    before = contents(p)
    boot = p.folder / "boot"
    chance = random.Random(7)
    assert len(ops) > 60 and sum(op.kind == "s" for op in ops) > 10
    for n, cut in enumerate(some(len(ops), 8)):
        for how in ("nothing", "names", "some", "torn") if ALL else (("nothing", "torn", "names", "some")[n % 4],):
            disk = Disk()
            for op in ops[:cut]:
                disk.take(op)
            disk.lose_power(how, chance)
            subprocess.run(["chattr", "-a", p.store], check=True)  # a guard that ran holds it
            shutil.rmtree(p.store)
            p.store.mkdir(mode=0o700)
            disk.write_to(str(p.store), p.store)
            boot.write_text(str(uuid.UUID(int=chance.getrandbits(128))))  # the machine was started again
            wanted = promised(ops, cut, p.store, p.folder / "promised")
            status, said = p.run("enroll", p.share, "--quiet", env=with_shim(shim, p.store, boot=boot))
            assert status == 0, (how, cut, said)
            p.verify()
            found = dict(p.ask("SELECT number, size FROM version"))
            assert {number: found.get(number) for number in wanted} == wanted, (how, cut)
            assert contents(p) == before
