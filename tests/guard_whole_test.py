"""The whole story on a real share: enrolled, attacked by one client, that client cut off, every byte brought back."""

import json
import pathlib
import pwd
import subprocess

import pytest
from exchange import binary
from samba_rig import Rig, run, wait_for, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=f"no Samba rig: {why_not()}")


def simulator():
    found = pathlib.Path(binary()).parent / "guard_sim"
    if not found.exists():
        pytest.skip("guard_sim is not built: ninja guard_sim")
    return found


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


def guard(data, *words):
    return subprocess.run([binary(), "guard", *words, "--data", data], capture_output=True, text=True, check=False)


def verify(tree):
    """Exit status 1 says that something is not as it was; here it is told what."""
    return json.loads(subprocess.run([simulator(), "verify", tree], capture_output=True, text=True, check=False).stdout)


def test_one_client_attacks_is_cut_off_and_every_byte_comes_back(volume, tmp_path):
    share = volume / "share"
    data = tmp_path / "data"
    share.mkdir()
    share.chmod(0o777)
    with Rig(tmp_path / "rig", share, users=["bwanna", "bwben"]) as rig:
        run(simulator(), "seed", share / "anna", "--files", "200", "--seed", "5",
            "--owners", pwd.getpwnam("bwanna").pw_uid)
        enrolled = guard(data, "enroll", share)
        assert enrolled.returncode == 0, enrolled.stderr
        with open(data / "guard" / "settings", "a") as settings:
            settings.write(f"samba {rig.config}\n")
        with open(tmp_path / "said", "wb") as said, open(tmp_path / "log", "wb") as log:
            running = subprocess.Popen(rig.inside(binary(), "guard", "run", "--data", data, "--mode", "enforce"),
                                       stdout=said, stderr=log)
        try:
            assert wait_for(lambda: "guard ready" in (tmp_path / "said").read_text()), (tmp_path / "log").read_text()
            tell(rig, share, data)
        finally:
            running.terminate()
            assert running.wait(30) == 0, (tmp_path / "log").read_text()


def tell(rig, share, data):
    with rig.session("bwben", 1) as ben:
        assert ben.works()
        # slow enough for Samba, also on a busy machine, to tell who it is before the second file falls
        attack = json.loads(run(*rig.clients[0].inside(
            simulator(), "run", share / "anna", "--pattern", "S61", "--pace", "15/min", "--share",
            "//10.77.0.1/share", "--share-folder", "anna", "--login", rig.login("bwanna"))))
        assert 1 <= attack["touched"] <= 10, attack
        assert ben.works()
    with rig.session("bwanna", 0) as anna:
        assert not anna.works()
    words = guard(data, "explain", "last").stdout
    assert f"bwanna at {rig.address(0)}" in words, words
    restored = guard(data, "restore", "--incident", "last", "--yes")
    assert restored.returncode == 0, restored.stderr
    after = verify(share / "anna")
    assert after["changed"] == after["missing"] == after["extra"] == 0, after
    incident = json.loads(guard(data, "incidents", "--format", "json").stdout)[0]["incident"]
    approved = guard(data, "approve", str(incident))
    assert approved.returncode == 0, approved.stderr

    def is_in():
        with rig.session("bwanna", 0) as anna:
            return anna.works()

    assert wait_for(is_in, 10)
