"""The whole story on a real share: enrolled, attacked by real SMB clients at full speed, those and no others cut off
and kept out, every byte brought back, everybody let in again by one command."""

import json
import os
import pathlib
import pwd
import subprocess

import pytest
from exchange import binary, patience
from samba_rig import Rig, run, wait_for, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=f"no Samba rig: {why_not()}")

ONE_CLIENT = 10  # files one client may reach
SIXTEEN = 25     # and sixteen sessions together
HONEST = 4       # the client who only works


def simulator():
    found = pathlib.Path(binary()).parent / "guard_sim"
    if not found.exists():
        pytest.skip("guard_sim is not built: ninja guard_sim")
    return found


class Story:
    """A guarded share with people on it; bwben works at client HONEST."""

    def __init__(self, rig, share, folder):
        self.rig, self.share, self.folder = rig, share, folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.running = None

    def guard(self, *words):
        return subprocess.run([binary(), "guard", *words, "--data", self.data], capture_output=True, text=True,
                              check=False)

    def must(self, *words):
        done = self.guard(*words)
        assert done.returncode == 0, done.stderr + self.words()
        return done.stdout

    def words(self):
        return self.log.read_text(errors="replace")

    def seed(self, home, user="bwanna"):
        run(simulator(), "seed", self.share / home, "--files", "100", "--seed", "5",
            "--owners", pwd.getpwnam(user).pw_uid)

    def start(self):
        self.must("enroll", self.share)
        with open(self.data / "guard" / "settings", "a") as settings:
            settings.write(f"samba {self.rig.config}\n")
        said = self.folder / "said"
        with open(said, "wb") as out, open(self.log, "wb") as log:
            self.running = subprocess.Popen(
                self.rig.inside(binary(), "guard", "run", "--data", self.data, "--mode", "enforce"),
                stdout=out, stderr=log)
        assert wait_for(lambda: "guard ready" in said.read_text()), self.words()

    def stop(self):
        if self.running is not None:
            self.running.terminate()
            assert self.running.wait(30 * patience()) == 0, self.words()

    def attacker(self, home, client, user="bwanna", **more):
        """The simulator, told of nobody's guard: a real smbclient for each session, at full speed."""
        words = [simulator(), "run", self.share / home, "--pattern", "S61", "--share", "//10.77.0.1/share",
                 "--share-folder", home, "--login", self.rig.login(user)]
        for name, value in more.items():
            words += [f"--{name}", str(value)]
        return subprocess.Popen(self.rig.clients[client].inside(*words), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def attack(self, home, client, user="bwanna", **more):
        """What it touched; None when the share was closed to it from the beginning."""
        for _ in range(10):
            touched = touched_by(self.attacker(home, client, user, **more))
            if touched is not None or "is kept out" in self.words():
                return touched
        raise AssertionError("smbclient never got through, and nobody kept it out")  # on a very busy machine

    def destroy_by_hand(self, session, home):
        """Noise over one document after the other, in a session that is open: how many it took."""
        noise = self.rig.state / "noise"
        reached = 0
        for file in sorted((self.share / home).rglob("*.docx")):
            noise.write_bytes(os.urandom(file.stat().st_size))
            name = str(file.relative_to(self.share)).replace("/", "\\")
            if "putting file" not in session.say(f'put noise "{name}"'):
                break
            reached += 1
        return reached

    def may_enter(self, user, client):
        with self.rig.session(user, client) as session:
            return session.works()

    def incidents(self):
        done = self.guard("incidents", "--format", "json")
        assert done.returncode in (0, 1), done.stderr  # 1: some are open
        return json.loads(done.stdout)

    def bring_back(self, *homes):
        for incident in self.incidents():
            self.must("restore", "--incident", str(incident["incident"]), "--yes")
        for home in homes:
            after = verify(self.share / home)
            assert after["changed"] == after["missing"] == after["extra"] == 0, after

    def approve_all(self):
        for incident in self.incidents():
            self.must("approve", str(incident["incident"]))


def touched_by(attacker):
    said, words = attacker.communicate(timeout=300 * patience())
    if attacker.returncode != 0:
        assert "nothing was touched" in words, words
        return None
    return json.loads(said)["touched"]


def verify(tree):
    """Exit status 1 says that something is not as it was; here it is told what."""
    return json.loads(subprocess.run([simulator(), "verify", tree], capture_output=True, text=True, check=False).stdout)


@pytest.fixture
def volume(tmp_path):
    """An ext4 of its own."""
    image, mount = tmp_path / "image", tmp_path / "volume"
    mount.mkdir()
    run("truncate", "-s", "512M", image)
    run("mkfs.ext4", "-q", image)
    if subprocess.run(["mount", "-o", "loop", image, mount], check=False, capture_output=True).returncode != 0:
        pytest.skip("no loop devices here")
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(parent.stat().st_mode | 0o011)
    yield mount
    run("umount", "-l", mount)


@pytest.fixture
def story(volume, tmp_path):
    share = volume / "share"
    share.mkdir()
    share.chmod(0o777)
    with Rig(tmp_path / "rig", share, users=["bwanna", "bwben"], clients=HONEST + 1) as rig:
        story = Story(rig, share, tmp_path)
        try:
            yield story
        finally:
            story.stop()


def test_one_client_attacks_is_cut_off_and_every_byte_comes_back(story):
    story.seed("anna")
    story.start()
    with story.rig.session("bwben", HONEST) as ben:
        assert ben.works()
        assert 1 <= story.attack("anna", 0) <= ONE_CLIENT, story.words()
        assert not story.may_enter("bwanna", 0), story.words()
        assert ben.works()
    # who it was comes after the verdict, from a session that has ended by then
    assert wait_for(lambda: f"bwanna at {story.rig.address(0)}" in story.guard("explain", "last").stdout), story.words()
    # the account is disabled meanwhile, so another address does not help
    assert wait_for(lambda: "user bwanna" in story.words()), story.words()
    assert not story.may_enter("bwanna", 1)
    story.bring_back("anna")
    story.approve_all()
    assert wait_for(lambda: story.may_enter("bwanna", 0), 10 * patience()), story.words()
    assert story.may_enter("bwanna", 1)


def test_a_client_that_comes_back_at_once_reaches_no_more(story):
    story.seed("anna")
    story.start()
    reached = 0
    for _ in range(20):
        touched = story.attack("anna", 0)
        if touched is None:
            break
        reached += touched
    else:
        pytest.fail(f"it always came back in: {story.words()}")
    assert 1 <= reached <= ONE_CLIENT, story.words()
    assert story.may_enter("bwben", HONEST)
    story.bring_back("anna")


def test_sixteen_sessions_of_one_client_are_one(story):
    story.seed("anna")
    story.start()
    with story.rig.session("bwben", HONEST) as ben:
        assert ben.works()
        assert 1 <= story.attack("anna", 0, actors=16) <= SIXTEEN, story.words()
        assert not story.may_enter("bwanna", 0)
        assert ben.works()
    assert len(story.incidents()) == 1
    story.bring_back("anna")


def test_sixteen_sessions_of_four_clients_are_all_kept_out(story):
    homes = [f"home{n}" for n in range(4)]
    for home in homes:
        story.seed(home)
    story.start()
    with story.rig.session("bwben", HONEST) as ben:
        assert ben.works()
        attackers = [story.attacker(home, client, actors=4) for client, home in enumerate(homes)]
        reached = [touched_by(attacker) or 0 for attacker in attackers]
        assert 1 <= sum(reached) <= SIXTEEN, (reached, story.words())
        for client, touched in enumerate(reached):
            assert touched == 0 or not story.may_enter("bwanna", client), (reached, story.words())
        assert ben.works()
    story.bring_back(*homes)
    story.approve_all()
    assert wait_for(lambda: story.may_enter("bwanna", 0), 10 * patience()), story.words()


def test_users_of_one_connection_are_all_named_and_none_loses_his_account(story):
    """A terminal server has one connection for all its users, and so one smbd child."""
    story.seed("anna", "bwben")
    story.start()
    with story.rig.session("bwanna", 0) as terminal:
        assert terminal.works()
        terminal.say("logon bwben secret")
        terminal.say("tcon share")
        assert terminal.works()
        assert {"bwanna", "bwben"} == {row["username"] for row in json.loads(story.rig.status())["sessions"].values()}
        assert 1 <= story.destroy_by_hand(terminal, "anna") <= ONE_CLIENT, story.words()

    def named():
        words = story.guard("explain", "last").stdout
        return "bwanna" in words and "bwben" in words

    assert wait_for(named), story.words() + story.guard("explain", "last").stdout
    assert not story.may_enter("bwanna", 0)
    assert story.may_enter("bwanna", 1) and story.may_enter("bwben", HONEST), story.words()
    story.bring_back("anna")


def test_a_client_that_was_there_before_the_guard_is_kept_out_like_any_other(story):
    story.seed("anna")
    with story.rig.session("bwanna", 0) as anna:
        assert anna.works()
        story.start()
        assert 1 <= story.destroy_by_hand(anna, "anna") <= ONE_CLIENT, story.words()
    assert wait_for(lambda: f'subject="{story.rig.address(0)}"' in story.words()), story.words()
    assert not story.may_enter("bwanna", 0), story.words()
    assert story.may_enter("bwben", HONEST)
    story.bring_back("anna")
