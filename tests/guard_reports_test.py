"""After an attack: indicators, sealed evidence, a page, the duties' fields, and a bundle in the exchange that names nobody."""

import hashlib
import json
import os
import pathlib
import pwd
import random
import shutil
import subprocess
import sys
import tempfile
import time

import pytest
import samba_rig
from exchange import LOOK, Exchange, binary, patience

WITHIN = 60 * patience()  # seconds, for what takes one on a machine that is not busy
ROOTS = "/var/lib"  # where root alone may write and programs may run: Debian mounts /run without
COLLECTION = "guard-incidents"
NOTE = "Your files are encrypted. To decrypt them send 1 bitcoin; all files are lost otherwise. Contact us: x@example.onion"

# a user's name, and a file's, that must never leave; two that try to become markup or a line of their own
FOLDER = "headmistress"
NAMES = ["salaries <b>2026.txt", "list\n<script>alert(1).txt"]

ATTACK = """
import os, sys, time
os.setsid()
folder, note = sys.argv[1], sys.argv[2]
with open(os.path.join(folder, "READ_ME_NOW.txt"), "w") as f:
    f.write(note)
for name in sorted(n for n in os.listdir(folder) if n != "READ_ME_NOW.txt"):
    path = os.path.join(folder, name)
    with open(path, "r+b") as f:
        f.write(os.urandom(os.path.getsize(path)))
    os.rename(path, path + ".locked")
    time.sleep(0.05)
"""


def why_not():
    if os.geteuid() != 0:
        return "guarding needs root"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    return None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def volume(tmp_path):
    """An ext4 of its own, with files somebody cares for."""
    image, mount = tmp_path / "image", tmp_path / "mount"
    mount.mkdir()
    with open(image, "wb") as file:
        file.truncate(256 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-qF", image], check=True, capture_output=True)
    if subprocess.run(["mount", "-o", "loop", image, mount], check=False, capture_output=True).returncode != 0:
        pytest.skip("cannot mount here")
    folder = mount / "share" / FOLDER
    folder.mkdir(parents=True)
    chance = random.Random(7)
    words = "the school keeps its lists of pupils and their marks in plain sentences like these".split()
    for name in [*NAMES, *(f"minutes {n}.txt" for n in range(20))]:
        (folder / name).write_text(" ".join(chance.choice(words) for _ in range(3000)))
    yield mount / "share"
    subprocess.run(["umount", "-l", mount], check=True)


class Guard:
    def __init__(self, folder, data, share):
        self.folder, self.data, self.share = folder, data, share
        self.process = None
        self.words = open(folder / "guard.log", "w")

    def ask(self, *words, status=(0,)):
        done = subprocess.run([binary(), "guard", *words, "--data", self.data], capture_output=True, text=True)
        assert done.returncode in status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def incident(self):
        """The newest; without anything in it while there is none."""
        return (json.loads(self.ask("incidents", "--format", "json", status=(0, 1))) or [{}])[-1]

    def start(self, *words, inside=()):
        guard = [binary(), "guard", "run", "--data", self.data, "--mode", "enforce"]
        self.process = subprocess.Popen([*inside, *guard, *words],
                                        stdout=subprocess.PIPE, stderr=self.words, text=True)
        assert "guard ready" in self.process.stdout.readline(), self.log()

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            assert self.process.wait(WITHIN) == 0, self.log()
            self.process = None

    def log(self):
        return (self.folder / "guard.log").read_text()

    def until(self, claim):
        deadline = time.monotonic() + WITHIN
        while not claim():
            assert time.monotonic() < deadline, self.log()
            time.sleep(LOOK)

    def attack(self):
        done = subprocess.run([sys.executable, "-c", ATTACK, self.share / FOLDER, NOTE], timeout=WITHIN)
        assert done.returncode != 0, "the attacker was not stopped"
        self.until(lambda: "report" in self.incident())
        return self.incident()


@pytest.fixture
def guard(tmp_path, volume):
    made = Guard(tmp_path, tmp_path / "data", volume)
    yield made
    made.stop()


def validated(path):
    done = subprocess.run([binary(), "validate", "--strict", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return json.loads(path.read_text())["objects"]


def of_type(objects, kind):
    return [one for one in objects if one["type"] == kind]


def test_an_attack_leaves_a_sealed_report_with_all_it_needs(guard):
    good = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (guard.share / FOLDER).iterdir()}
    guard.ask("enroll", guard.share)
    guard.start()
    incident = guard.attack()
    folder = pathlib.Path(incident["report"]["folder"])
    assert incident["report"]["indicators_after_ms"] >= 0 and incident["report"]["sealed_after_ms"] >= 0
    assert (folder.parent / "indicators.json").exists()
    assert set(incident["report"]["files"]) == {path.name for path in folder.iterdir()} - {"manifest", "seal"}

    facts = json.loads((folder / "facts.json").read_text())
    assert facts["files"] and facts["processes"][0]["name"].startswith("python")
    for file in facts["files"]:
        assert file["before"]["sha256"] == good[pathlib.Path(file["path"]).name]
        now = guard.share / FOLDER / pathlib.Path(file["path_now"]).name
        assert file["after"]["sha256"] == hashlib.sha256(now.read_bytes()).hexdigest()
    assert [note["name"] for note in facts["notes"]] == ["READ_ME_NOW.txt"]
    assert (folder / facts["notes"][0]["copy"]).read_text() == NOTE

    page = (folder / "page.html").read_text()
    assert "<script" not in page and "<b>2026" not in page and "http" not in page.replace("http-equiv", "")
    assert "Nothing: the guard keeps a good copy" in page
    assert str(incident["incident"]) in (folder / "page.txt").read_text()
    duties = json.loads((folder / "duties.json").read_text())
    assert duties["impact"]["files_destroyed"] == len(facts["files"])
    assert duties["entity"]["name"] == "unknown" and duties["due"]["early_warning_24h"]
    assert "unknown" in (folder / "duties.txt").read_text()

    full = validated(folder / "stix-full.json")
    shared = validated(folder / "stix-exchange.json")
    validated(folder / "indicators.json")
    for kind in ("incident", "observed-data", "attack-pattern", "sighting", "indicator"):
        assert of_type(full, kind) and of_type(shared, kind), kind
    assert of_type(full, "process") and of_type(full, "directory")
    text = (folder / "stix-exchange.json").read_text()
    for ours in (FOLDER, "salaries", "minutes", str(guard.share), "python", os.uname().nodename):
        assert ours not in text, ours
    told = guard.ask("explain", "last")
    assert str(folder) in told


def test_one_touched_byte_is_found_by_name(guard):
    guard.ask("enroll", guard.share)
    guard.start()
    folder = pathlib.Path(guard.attack()["report"]["folder"])
    guard.stop()
    assert f"{folder}: whole" in guard.ask("verify")
    for path in sorted(folder.iterdir()):
        before = path.read_bytes()
        path.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        said = guard.ask("verify", status=(1,))
        assert "DAMAGED" in said and path.name in said, (path, said)
        path.write_bytes(before)
    (folder / "extra.txt").write_text("put in later")
    assert "extra.txt" in guard.ask("verify", status=(1,))
    (folder / "extra.txt").unlink()
    guard.ask("verify")


def test_another_nodes_seal_is_no_seal_of_ours(guard):
    guard.ask("enroll", guard.share)
    guard.start()
    guard.attack()
    guard.stop()
    shutil.move(guard.data / "guard" / "keys", guard.folder / "keys")
    assert "keys are not this node's" in guard.ask("verify", status=(1,))


def forge_one_object(guard, tmp_path, exchange, there):
    """One that only the full bundle has, in another form."""
    folder = pathlib.Path(json.loads(guard.ask("explain", "last", "--format", "json"))["report"]["folder"])
    full = json.loads((folder / "stix-full.json").read_text())
    one = next(row for row in full["objects"] if row["id"] not in there and "modified" in row)
    (tmp_path / "forged.json").write_text(json.dumps({**full, "objects": [{**one, "lang": "de"}]}))
    done = subprocess.run([binary(), "import", "--collection", COLLECTION, tmp_path / "forged.json", "--data",
                           exchange.folder], capture_output=True, text=True)
    assert done.returncode == 0, (one, done.stdout, done.stderr)


@pytest.mark.parametrize("serving", [False, True], ids=["while-nobody-serves", "while-the-exchange-runs"])
def test_the_exchange_learns_of_it_and_of_nobody(tmp_path, guard, serving):
    exchange = Exchange(tmp_path / "exchange").init()
    guard.data = exchange.folder
    guard.ask("enroll", guard.share)
    if serving:
        exchange.start()
    guard.start()
    try:
        guard.attack()
        guard.until(lambda: "in_exchange" in guard.incident()["report"])
        out = subprocess.run([binary(), "export", "--collection", COLLECTION, "--data", exchange.folder],
                             capture_output=True, text=True, check=True).stdout
        assert "incident--" in out and "T1486" in out
        for ours in (FOLDER, "salaries", "minutes", "READ_ME_NOW.txt.locked", str(guard.share)):
            assert ours not in out, ours
        identity = guard.incident()
        forge_one_object(guard, tmp_path, exchange, out)
        # somebody else's object has the name of one of ours: the rest goes in, and it is said
        done = subprocess.run([binary(), "guard", "report", "last", "--release", "--data", guard.data],
                              capture_output=True, text=True)
        assert done.returncode == 1 and "the exchange refused some of the full bundle" in done.stderr, done
        assert "conflicting" in done.stderr, done.stderr
        assert guard.incident()["report"]["released"]
        out = subprocess.run([binary(), "export", "--collection", COLLECTION, "--data", exchange.folder],
                             capture_output=True, text=True, check=True).stdout
        assert FOLDER in out
        told = guard.ask("report", str(identity["incident"]), "--told", "24 h warning to the centre, number 17")
        assert "A person said 1 time that a duty to report was met" in told, told
        guard.ask("report", str(identity["incident"]), "--told", " ", status=(2,))
        assert guard.incident()["report"]["released"] and guard.incident()["report"]["duties_met"] == 1
    finally:
        guard.stop()
        if serving:
            exchange.stop()


def test_an_exchange_that_is_away_delays_nothing_and_gets_it_later(tmp_path, guard):
    exchange = Exchange(tmp_path / "exchange").init()
    guard.data = exchange.folder
    guard.ask("enroll", guard.share)
    store = exchange.folder / "store"
    mode = store.stat().st_mode
    away = exchange.folder / "store.away"
    store.rename(away)
    store.write_text("not a store")  # what an exchange in trouble looks like to `import`
    store.chmod(0o700)
    guard.start()
    assert guard.attack()["report"]["number"] >= 1
    guard.until(lambda: "does not have the incident yet" in guard.log())
    store.unlink()
    away.rename(store)
    store.chmod(mode)
    guard.until(lambda: "in_exchange" in guard.incident()["report"])


def test_people_are_told_once_by_mail_or_hook(guard):
    """The hook's folder must be root's alone, so it is not below the test's own."""
    place = pathlib.Path(tempfile.mkdtemp(dir=ROOTS))
    hook = place / "hook"
    hook.write_text(f"#!/bin/sh\ncat > {place}/told.$$\n")
    hook.chmod(0o755)
    try:
        guard.ask("enroll", guard.share)
        with open(guard.data / "guard" / "settings", "a") as settings:
            settings.write(f"hook {hook}\n")
        guard.start()
        incident = guard.attack()
        guard.until(lambda: "a notice was sent" in guard.log())
        guard.stop()
        guard.start()
        time.sleep(3 * patience())
        told = list(place.glob("told.*"))
        assert len(told) == 1, told
        text = told[0].read_text()
        assert str(incident["incident"]) in text and "What to do now" in text
        assert "\n<script>" not in text and "\\n<script>" in text
    finally:
        shutil.rmtree(place)


def test_a_mail_goes_out_by_the_machines_own_sendmail(guard):
    """A sendmail of the test's, in a mount namespace of its own, where the guard looks for one."""
    place = pathlib.Path(tempfile.mkdtemp(dir=ROOTS))
    place.chmod(0o755)
    (place / "sendmail").write_text(f"#!/bin/sh\necho \"$@\" >> {place}/words\ncat >> {place}/mail\n")
    (place / "sendmail").chmod(0o755)
    there = shutil.which("sendmail", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib:/usr/local/sbin")
    over = [place / "sendmail", os.path.realpath(there)] if there else [place, "/usr/local/sbin"]
    try:
        guard.ask("enroll", guard.share)
        with open(guard.data / "guard" / "settings", "a") as settings:
            settings.write("mail it+guard@school.example\n")
        guard.start(inside=["unshare", "-m", "sh", "-c", f'mount --bind {over[0]} {over[1]} && exec "$@"', "sh"])
        guard.attack()
        guard.until(lambda: "a notice was sent" in guard.log())
        assert (place / "words").read_text() == "-t -i\n"
        head, body = (place / "mail").read_text().split("\n\n", 1)
        assert head.count("To: ") == 1 and "To: it+guard@school.example" in head and "\nBcc" not in head
        assert "Auto-Submitted: auto-generated" in head
        assert "What to do now" in body and "\n<script>" not in body
    finally:
        shutil.rmtree(place)


def test_a_drill_stays_out_of_the_exchange(tmp_path, guard):
    exchange = Exchange(tmp_path / "exchange").init()
    guard.data = exchange.folder
    guard.ask("enroll", guard.share)
    guard.start()
    guard.ask("drill", guard.share, status=(0, 1))
    guard.until(lambda: "report" in guard.incident())
    folder = pathlib.Path(guard.incident()["report"]["folder"])
    assert "This was a drill" in (folder / "page.txt").read_text().replace("\n", " ")
    assert not (folder / "stix-exchange.json").exists()
    assert "stix-exchange" not in guard.ask("report", "last")
    one = guard.incident()
    assert one["drill"] and one["files"] > 0 and one["who"], one
    told = guard.ask("incidents", status=(0, 1))
    assert "a drill" in told and one["who"] in told, told
    time.sleep(2 * patience())
    done = subprocess.run([binary(), "collection", "list", "--data", exchange.folder], capture_output=True, text=True)
    assert COLLECTION not in done.stdout


@pytest.mark.skipif(samba_rig.why_not() is not None, reason=f"no Samba rig: {samba_rig.why_not()}")
def test_a_clients_name_and_address_stay_at_home(tmp_path, guard):
    simulator = pathlib.Path(binary()).parent / "guard_sim"
    if not simulator.exists():
        pytest.skip("guard_sim is not built: ninja guard_sim")
    guard.share.chmod(0o777)
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(path.stat().st_mode | 0o011)
    with samba_rig.Rig(tmp_path / "rig", guard.share, users=["bwanna", "bwben"]) as rig:
        samba_rig.run(simulator, "seed", guard.share / "anna", "--files", "100", "--seed", "5", "--owners",
                      pwd.getpwnam("bwanna").pw_uid)
        guard.ask("enroll", guard.share)
        with open(guard.data / "guard" / "settings", "a") as settings:
            settings.write(f"samba {rig.config}\n")
        guard.start(inside=[str(word) for word in rig.inside()])
        attack = rig.clients[0].inside(simulator, "run", guard.share / "anna", "--pattern", "S61", "--pace", "15/min",
                                       "--share", "//10.77.0.1/share", "--share-folder", "anna", "--login",
                                       rig.login("bwanna"))
        for _ in range(10):  # on a busy machine smbclient gives up before it got through
            subprocess.run(attack, check=False, capture_output=True)
            if guard.incident():
                break
        guard.until(lambda: "report" in guard.incident())
        folder = pathlib.Path(guard.incident()["report"]["folder"])
        facts = json.loads((folder / "facts.json").read_text())
        assert facts["actor"]["kind"] == "samba session" and facts["actor"]["address"] == rig.address(0)
        text = (folder / "stix-exchange.json").read_text()
        for ours in ("bwanna", rig.address(0), "10.77.", str(guard.share)):
            assert ours not in text, ours
        assert "T1021.002" in text
        assert rig.address(0) in (folder / "indicators.json").read_text()
        assert rig.address(0) in (folder / "page.txt").read_text()
        validated(folder / "stix-exchange.json")
        validated(folder / "stix-full.json")
        guard.stop()


def test_what_a_restart_cut_short_is_reported_all_the_same(guard):
    guard.ask("enroll", guard.share)
    guard.start()
    subprocess.run([sys.executable, "-c", ATTACK, guard.share / FOLDER, NOTE], timeout=WITHIN)
    guard.until(lambda: "files are being destroyed" in guard.log())
    time.sleep(0.3)
    guard.process.kill()
    guard.process.wait()
    guard.process = None
    time.sleep(2 * patience())
    guard.start()
    guard.until(lambda: "report" in guard.incident())
    guard.stop()
    guard.ask("verify")


def test_a_report_that_was_left_without_a_seal_gets_it_at_the_next_start_if_nobody_touched_it(guard):
    guard.ask("enroll", guard.share)
    guard.start()
    folder = pathlib.Path(guard.attack()["report"]["folder"])
    guard.stop()
    newest = max(folder.parent.glob("report-*"), key=lambda one: int(one.name.split("-")[1]))
    (newest / "seal").unlink()
    assert "has no seal" in guard.ask("verify", status=(1,))
    page = (newest / "page.txt").read_bytes()
    (newest / "page.txt").write_bytes(page + b"!")
    guard.start()
    guard.until(lambda: "it gets none" in guard.log())
    guard.stop()
    assert not (newest / "seal").exists()
    (newest / "page.txt").write_bytes(page)
    guard.start()
    guard.until(lambda: "a report of before is sealed now" in guard.log())
    guard.stop()
    guard.ask("verify")
