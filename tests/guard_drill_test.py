"""A drill, as governors see it: files of a school, an attack, everything back; and nobody else harmed by it."""

import contextlib
import json
import pwd
import shutil
import sqlite3
import subprocess
import time

import pytest
import samba_rig
from exchange import binary, patience
from guard_restore_test import Server, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture(params=["ext4", "xfs"])
def server(request, tmp_path):
    made = Server(tmp_path, request.param)
    made.guard("enroll", str(made.share))
    made.start("--mode", "enforce")
    yield made
    made.close()


def test_a_drill_repeated_from_one_shell_harms_neither_the_shell_nor_anybodys_files(server):
    before = server.all()
    drill = f"'{binary()}' guard drill --data '{server.data}' --files 60 '{server.share}'"
    # a shell with job control, as a person has; the second drill comes while nothing of the first is forgotten
    done = subprocess.run(["bash", "-m", "-c", f"{drill}; echo first $?; {drill}; echo second $?; echo the shell lives"],
                          capture_output=True, text=True, start_new_session=True)
    # a plain text: of a tuple pytest shows the first words only
    said = f"{done.stdout}\n{done.stderr}\nthe guard:\n{(server.folder / 'words').read_text()}"
    if not all(words in done.stdout for words in ("first 0", "second 0", "the shell lives")):
        pytest.fail(said, pytrace=False)
    assert done.stdout.count("The guard works: nothing was lost.") == 2
    assert "then the guard ended it" in done.stdout and "0 are not back as they were" in done.stdout
    assert server.all() == before
    assert not [path for path in server.share.iterdir() if path.name.startswith("breakwater-drill")]
    assert server.status()["open"] == []


@pytest.fixture
def quiet(tmp_path):
    made = Server(tmp_path, "ext4")
    made.guard("enroll", str(made.share))
    yield made
    made.close()


def ask(server, *words):
    done = subprocess.run([binary(), "guard", "drill", *words, "--data", server.data, server.share],
                          capture_output=True, text=True)
    assert "\\n" not in done.stderr and not [path for path in server.share.iterdir() if "drill" in path.name], done
    return done


@pytest.mark.parametrize("words, said", [
    (["--pattern", "S99"], "'S99' is no list of patterns"),
    (["--pattern", "S01,S61"], "pattern S61 (over SMB) needs a share"),
    (["--pattern", "S01", "--share", "//localhost/share"], "pattern S01 (in place, 64 KiB at a time) cannot go through a share"),
    (["--shape", "round"], "there is no shape 'round'"),
    (["--port", "4450"], "say how to reach --share"),
    (["--share", "//localhost/share", "--login", "/nowhere"], "cannot reach --login '/nowhere'"),
])
def test_what_is_asked_for_wrongly_is_said_before_a_file_is_made(quiet, words, said):
    done = ask(quiet, *words)
    assert done.returncode == 2 and said in done.stderr and "Made" not in done.stdout, done


@pytest.mark.skipif(shutil.which("smbclient") is None, reason="smbclient is not installed")
def test_a_share_that_does_not_answer_is_named_with_what_smbclient_said(quiet):
    quiet.start("--mode", "enforce")
    done = ask(quiet, "--files", "20", "--share", "//127.0.0.1/share", "--port", "1")
    assert done.returncode == 3 and "(S61)" in done.stdout, done
    assert "the attack did not begin: smbclient did not get into '//127.0.0.1/share', port 1" in done.stderr, done
    assert "NT_STATUS_CONNECTION_REFUSED" in done.stderr, done


def test_what_drills_made_is_left_out_when_a_tree_comes_back(quiet):
    quiet.start("--mode", "enforce")
    drilled = quiet.json("drill", "--files", "40", "--pattern", "S01", "--keep", str(quiet.share))
    assert drilled["passed"] == 1, drilled
    told = quiet.json("restore", "--tree", str(quiet.share), "--at", "1m", "--dry-run")
    assert told["drill_files_left_out"] >= 40 and told["restored"] == 0, {**told, "files": len(told["files"])}
    assert not [one for one in told["files"] if "breakwater-drill-" in one["path"]]
    assert "files that drills made there are left out" in quiet.guard("restore", "--tree", str(quiet.share), "--at", "1m",
                                                                     "--dry-run")
    mine = quiet.share / "breakwater-drill-abcdef"  # the name alone hides nobody's files
    mine.mkdir()
    (mine / "letter.txt").write_text("a letter that somebody wrote\n" * 20)
    quiet.until(lambda: quiet.is_enrolled(quiet.status()) and str(mine / "letter.txt") in [
        one["path"] for one in quiet.json("restore", "--tree", str(quiet.share), "--at", "0m", "--dry-run")["files"]])


def versions(server):
    """Of drills, and of everything else."""
    catalogue = f"file:{server.mount}/.breakwater-guard/catalogue.db?mode=ro"
    with contextlib.closing(sqlite3.connect(catalogue, uri=True)) as db:
        rows = db.execute("SELECT CAST(d.path AS TEXT) LIKE '%breakwater-drill-%', count(*) FROM version v"
                          " JOIN folder d ON d.number = v.folder GROUP BY 1").fetchall()
    return dict(rows).get(1, 0), dict(rows).get(0, 0)


def test_a_drills_versions_go_with_its_folder(tmp_path):
    made = Server(tmp_path, "ext4")
    try:
        made.guard("enroll", str(made.share))
        made.start("--mode", "enforce")
        before = versions(made)
        assert made.json("drill", "--files", "40", "--pattern", "S01", "--keep", str(made.share))["passed"] == 1
        assert versions(made)[0] >= 40
        shutil.rmtree(next(path for path in made.share.iterdir() if path.name.startswith("breakwater-drill-")))
        made.until(lambda: versions(made) == before)
        drilled = made.json("drill", "--files", "40", "--pattern", "S01", str(made.share))
        assert drilled["passed"] == 1
        made.until(lambda: versions(made) == before)
        # nothing can be found of its files any more when this report is made
        first = made.json("incidents")[-1]
        assert first["drill"], first
        made.guard("approve", str(first["incident"]))
        made.until(lambda: made.json("incidents")[-1]["report"]["number"] > first["report"]["number"])
        later = made.json("incidents")[-1]
        assert later["drill"] and "stix-exchange.json" not in later["report"]["files"], later
    finally:
        made.close()


def test_a_drill_in_mode_observe_says_that_nobody_was_stopped(tmp_path):
    made = Server(tmp_path, "ext4")
    try:
        made.guard("enroll", str(made.share))
        made.start("--mode", "observe")
        told = made.json("drill", "--files", "60", "--pattern", "S01", str(made.share))
        assert told["passed"] == 1 and told["incident"] != 0 and told["not_back"] == 0, told
        assert not told["killed"]
    finally:
        made.close()


@pytest.mark.skipif(samba_rig.why_not() is not None, reason=f"no Samba rig: {samba_rig.why_not()}")
def test_a_drill_through_a_real_share_is_cut_off_and_everything_is_back(tmp_path):
    made = Server(tmp_path, "ext4")
    try:
        made.share.chmod(0o777)
        for parent in (tmp_path, *tmp_path.parents[:2]):
            parent.chmod(parent.stat().st_mode | 0o011)
        with samba_rig.Rig(tmp_path / "rig", made.share, users=["bwanna"]) as rig:
            made.guard("enroll", str(made.share))
            with open(made.data / "guard" / "settings", "a") as settings:
                settings.write(f"samba {rig.config}\n")
            with open(tmp_path / "said", "wb") as said, open(tmp_path / "words", "wb") as words:
                running = subprocess.Popen(rig.inside(binary(), "guard", "run", "--data", made.data, "--mode", "enforce"),
                                           stdout=said, stderr=words)
            try:
                assert samba_rig.wait_for(lambda: "guard ready" in (tmp_path / "said").read_text())
                time.sleep(patience())
                done = subprocess.run(
                    rig.inside(binary(), "guard", "drill", "--data", made.data, "--files", "60",
                               "--share", "//10.77.0.1/share", "--port", "445", "--login", rig.login("bwanna"), "--owner",
                               str(pwd.getpwnam("bwanna").pw_uid), "--format", "json", made.share),
                    capture_output=True, text=True)
                told = json.loads(done.stdout)
                assert told["incident"] != 0 and told["not_back"] == 0 and told["touched"] < told["files"], (
                    told, done.stderr, (tmp_path / "words").read_text())
                assert done.returncode == 0, told
            finally:
                running.terminate()
                assert running.wait(30 * patience()) == 0, (tmp_path / "words").read_text()
    finally:
        made.close()
