"""Bait: laid files look like their neighbours, reading them means nothing, destroying one stops who does it."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile

import pytest
from exchange import patience
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

OWNERS = (4711, 4712)
WORDS = ("agreed", "autumn", "budget", "class", "consent", "draft", "evidence", "exam", "garden", "governors", "history",
         "homework", "improve", "invoice", "kitchen", "lesson", "letter", "library", "maths", "medical", "meeting",
         "minutes", "music", "office", "parents", "policy", "printer", "progress", "project", "pupils", "reading",
         "report", "results", "review", "safety", "school", "science", "sports", "summer", "support", "targets", "term",
         "training", "transport", "visit", "winter")
TYPES = ('<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
         'content-types"><Default Extension="xml" ContentType="application/xml"/></Types>')


def sentence(dice, count):
    return " ".join(dice.choice(WORDS) for _ in range(count))


def write_document(path, dice):
    body = "".join(f"<w:p><w:r><w:t>{sentence(dice, 12)} {dice.randrange(100)}</w:t></w:r></w:p>" for _ in range(60))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", TYPES)
        made.writestr("word/document.xml", f'<?xml version="1.0"?><w:document xmlns:w="x"><w:body>{body}</w:body>'
                                           "</w:document>")


def write_text(path, dice):
    path.write_text("".join(f"{sentence(dice, 10).capitalize()}, {dice.randrange(2000)}.\n" for _ in range(80)))


def fill(folder, count, dice):
    folder.mkdir(parents=True)
    for n in range(count):
        ending, write = (".docx", write_document) if n % 3 else (".txt", write_text)
        path = folder / f"{dice.choice(WORDS)} {dice.choice(WORDS)} {n:03}{ending}"
        write(path, dice)
        os.chown(path, dice.choice(OWNERS), 4711)
        path.chmod(dice.choice((0o640, 0o600, 0o660)))
        when = dice.randrange(1600000000 * 10**9, 1700000000 * 10**9)
        os.utime(path, ns=(when, when))
    os.chown(folder, *2 * OWNERS[:1])
    folder.chmod(0o777)


def seed(p):
    dice = random.Random(4)
    for folder, count in (("Plans", 110), ("Letters/2024/May", 60), ("Minutes", 50), (".hidden", 60), ("scratch", 60)):
        fill(p.share / folder, count, dice)
    for folder in (p.mount, p.share, *p.mount.parents):
        if str(folder) not in ("/", "/tmp"):
            folder.chmod(folder.stat().st_mode | 0o711)


def baits(p):
    return json.loads(p.guard("bait", "list", "--format", "json"))


def rights(path):
    status = path.stat()
    acl = os.getxattr(path, "system.posix_acl_access") if "system.posix_acl_access" in os.listxattr(path) else None
    return status.st_uid, status.st_gid, status.st_mode, acl


def all_files(p):
    return [path for path in p.share.rglob("*") if path.is_file()]


def as_user(uid, script, *words):
    return subprocess.Popen(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all",
                             sys.executable, "-c", textwrap.dedent(script), *map(str, words)], start_new_session=True)


@pytest.fixture
def share(place, request):
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    p = place(getattr(request, "param", "ext4"))
    seed(p)
    return p


@pytest.mark.parametrize("share", ["ext4", "xfs", "btrfs"], indirect=True)
def test_bait_looks_like_the_files_beside_it_and_goes_with_unenroll(share):
    p = share
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in all_files(p)}
    folders = {path.parent: path.parent.stat().st_mtime_ns for path in before}
    if shutil.which("setfacl") is not None:
        for path in list(before)[::2]:
            subprocess.run(["setfacl", "-m", "u:4712:r", path], check=True)
    p.enroll()
    assert baits(p) == []
    p.guard("exclude", p.share / "scratch")
    p.guard("bait", "lay", p.share)
    laid = [one["path"] for one in baits(p)]
    assert len(laid) == 4 == p.status()["bait"]  # two in the largest folder, one in the others
    for path in {path for path in all_files(p) if path not in before}:
        assert str(path) in laid
        neighbours = [other for other in before if other.parent == path.parent and other.suffix == path.suffix]
        assert neighbours and path.parent.name not in (".hidden", "scratch")
        assert rights(path) in [rights(other) for other in neighbours]
        assert set(os.listxattr(path)) <= {name for other in neighbours for name in os.listxattr(other)}
        times = [other.stat().st_mtime_ns for other in neighbours]
        assert min(times) <= path.stat().st_mtime_ns <= max(times)
        words = {word for other in neighbours for word in re.findall("[a-z]+", other.stem)}
        assert set(re.findall("[a-z]+", path.stem)) <= words
        if path.suffix == ".docx":
            with zipfile.ZipFile(path) as made:
                assert made.testzip() is None
                said = re.sub("<[^>]*>", " ", made.read("word/document.xml").decode())
        else:
            said = path.read_text()
        assert set(re.findall("[a-z]+", said.lower())) <= set(WORDS) and not re.search("[0-9]", said)
        assert "breakwater" not in path.read_bytes().decode("latin-1").lower()
    assert {folder: folder.stat().st_mtime_ns for folder in folders} == folders
    mine = p.share / "Plans" / "mine.txt"  # moved by somebody, and changed by somebody
    os.rename(laid[0], mine)
    with open(laid[1], "ab") as out:
        out.write(b"and now it is a note of mine")
    said = p.guard("unenroll", "--yes", p.share)
    assert f"{len(laid) - 1} bait files are removed" in said and f"'{laid[1]}' was bait" in said
    assert {path for path in all_files(p) if path not in before} == {type(mine)(laid[1])}
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_reading_copying_and_throwing_away_is_silence_and_destroying_one_is_not(share):
    p = share
    p.guard("enroll", p.share, "--quiet", "--bait")
    p.start("--mode", "enforce")
    laid = [one["path"] for one in baits(p)]
    assert len(laid) == 5
    for path in all_files(p):
        path.read_bytes()
    shutil.copytree(p.share / "Plans", p.share / "Copy of Plans")
    os.unlink(laid[0])
    p.guard("bait", "lay", "--quiet")
    assert os.path.dirname(laid[0]) not in [os.path.dirname(one["path"]) for one in baits(p) if one["path"] not in laid]
    p.settle()
    assert p.status()["verdicts"] == 0 and p.status()["open"] == []
    victim = next(path for path in laid[1:] if path.endswith(".docx"))
    was = open(victim, "rb").read()
    attacker = as_user(os.stat(victim).st_uid, """
        import os, sys, time
        with open(sys.argv[1], "r+b", buffering=0) as file:
            file.write(os.urandom(os.fstat(file.fileno()).st_size))
        time.sleep(3600)
    """, victim)
    try:
        assert attacker.wait(120 * patience()) < 0, p.words[-3000:]
    finally:
        attacker.kill()
    p.until(lambda: p.status()["open"] != [])
    assert "canary" in p.guard("explain", "last")
    p.guard("restore", "--incident", "last", "--yes")
    assert open(victim, "rb").read() == was
    assert {one["path"]: one["state"] for one in baits(p)}[victim] == "as laid"
    left = len([one for one in baits(p) if one["state"] == "as laid"])
    assert f"{left} removed, 0 left" in p.guard("bait", "remove")
    assert baits(p) == [] and not os.path.exists(victim)


def test_papers_that_cannot_be_imitated_are_named_as_the_reason(place):  # noqa: F811
    p = place("ext4")
    folder = p.share / "Notes"
    folder.mkdir()
    for n in range(60):
        (folder / f"note {n:02}.txt").write_text("too short")
    p.enroll()
    said = p.guard("bait", "lay", p.share)
    assert "0 bait files laid of the 1 it may have: 1 folder holds papers, but none that could be imitated" in said, said
    assert "256 bytes to 192 KiB" in said, said
