"""The guard's unit under a real systemd: tools/vm run --install build/release --build build/test-gcc -- python3 -m pytest -q
tests/vm/guard_service.py, with --copy build/test-gcc/guard_sim:/usr/local/bin/guard_sim

The stories build on each other, from a bare system with the files of `make install` on.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest
from service import SOON, command, until

DATA = "/var/lib/breakwater"
BINARY = "/usr/local/bin/breakwater"
UNIT = "breakwater-guard.service"
SHARE = pathlib.Path("/srv/share")
IMAGE = pathlib.Path("/srv/image")
MOUNT = pathlib.Path("/srv/disk")
WORKERS = {"watch", "judge", "keep", "sampler", "scribe", "hand", "reporter", "witness", "sealer"}
EXPOSURE_AT_MOST = 8.5  # of 10, as systemd-analyze security counts; the workers bound their capabilities and calls themselves

pytestmark = pytest.mark.skipif(
    not pathlib.Path("/usr/lib/breakwater-vm").exists(), reason="changes the whole system; runs in tools/vm"
)


def guard(*words, **more):
    return command(BINARY, "guard", *words, **more)


def systemctl(*words, **more):
    return command("systemctl", *words, **more)


def show(name):
    return systemctl("show", "--value", "-p", name, UNIT).strip()


def journal():
    command("journalctl", "--sync")
    return command("journalctl", "-q", "-b", "-o", "cat", "-u", UNIT)


def status():
    """Of a guard that answers; on a busy host its socket may be slower than a command waits."""
    def answer():
        seen = json.loads(guard("status", "--format", "json", check=False))  # ends with 1 while an incident is open
        return seen["running"] and seen
    return until(answer, "an answer of the guard")


def workers():
    """{name: pid} of what the main process has started."""
    found = {}
    for pid in command("pgrep", "-P", show("MainPID"), check=False).split():
        try:
            found[pathlib.Path(f"/proc/{pid}/comm").read_text().strip().removeprefix("bw-")] = int(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def settled():
    """All is copied that is there, and the walk that every start makes is over."""
    def claim():
        seen = status()
        return seen["rescans"] > 0 and seen["queued"] == 0 and seen["enrolling"] == 0 and seen
    return until(claim, "all copied")


def test_a_share_is_enrolled_and_the_service_is_ready_when_systemctl_start_returns():
    with open(IMAGE, "wb") as image:
        image.truncate(512 << 20)
    command("mkfs.ext4", "-q", IMAGE)
    MOUNT.mkdir()
    command("mount", "-o", "loop", IMAGE, MOUNT)
    (MOUNT / "share").mkdir()
    for n in range(60):
        (MOUNT / "share" / f"letter{n}.txt").write_text(f"Dear Sir or Madam, this is letter {n}.\n" * 200)
    guard("enroll", MOUNT / "share")
    systemctl("daemon-reload")
    systemctl("start", UNIT)
    assert (show("ActiveState"), show("SubState")) == ("active", "running")
    assert status()["running"] and status()["at_start"] == []


def test_systemd_finds_nothing_wrong_with_the_unit_and_counts_its_exposure():
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", UNIT], capture_output=True, text=True, timeout=SOON)
    assert [line for line in said.stderr.splitlines() if "breakwater" in line] == []
    said = command("systemd-analyze", "security", "--no-pager", UNIT, check=False)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said).group(1)
    print(f"\nexposure {level}")
    assert float(level) <= EXPOSURE_AT_MOST


def test_every_worker_runs_and_hears_the_kernel_inside_the_units_bounds():
    assert set(workers()) == WORKERS
    said = journal()
    assert "a program in the kernel" in said or "the proc connector" in said
    assert "worker died" not in said and "worker ended" not in said and "not allowed to be punctual" not in said
    print("\n" + "\n".join(line for line in said.splitlines() if "heard of by" in line))


def test_a_new_file_is_copied_and_an_attack_by_the_simulator_is_stopped():
    simulator = shutil.which("guard_sim")
    if simulator is None:
        pytest.skip("guard_sim is not here: --copy it")
    box = MOUNT / "share" / "box"
    command(simulator, "seed", box, "--files", "60", "--seed", "3")
    settled()
    before = status()["verdicts"]
    command(simulator, "run", box, "--pattern", "S01", check=False)
    until(lambda: status()["verdicts"] > before, "a verdict")
    assert json.loads(guard("incidents", "--format", "json", check=False))
    guard("restore", "--incident", "last", "--yes")
    assert (MOUNT / "share" / "letter1.txt").read_text().startswith("Dear Sir")


def test_a_worker_that_hangs_is_noticed_and_replaced():
    watch = workers()["watch"]
    os.kill(watch, signal.SIGSTOP)
    until(lambda: workers().get("watch", watch) != watch, "another watch")
    assert "worker hangs and is ended" in journal()
    assert show("NRestarts") == "0"


def test_the_main_process_killed_comes_back_and_only_what_changed_is_copied_again():
    before = settled()["volumes"][0]["versions"]
    main = show("MainPID")
    old = workers().values()
    os.kill(int(main), signal.SIGKILL)
    until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in old), "the end of the old workers")
    written = MOUNT / "share" / "while-it-was-away.txt"
    written.write_text("somebody wrote this meanwhile\n" * 50)
    until(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", main), "a new main process")
    until(lambda: json.loads(guard("versions", written, "--format", "json", check=False) or "[]"), "a version of it")
    seen = settled()
    assert set(workers()) == WORKERS
    assert any("was killed" in line for line in seen["at_start"]), seen["at_start"]
    assert before < seen["volumes"][0]["versions"] <= before + 5  # the one file, and who was open


def test_a_parent_that_hangs_is_ended_by_systemd():
    main = show("MainPID")
    os.kill(int(main), signal.SIGSTOP)
    end = time.monotonic() + 60 + SOON
    while time.monotonic() < end and show("MainPID") in ("0", main):
        time.sleep(1)
    until(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", main), "a new main process")
    assert "Watchdog timeout" in journal()


def test_a_reload_keeps_the_process():
    main = show("MainPID")
    systemctl("reload", UNIT)
    time.sleep(2)
    assert show("MainPID") == main and show("ActiveState") == "active"
    assert set(workers()) == WORKERS


def test_what_happened_while_it_was_stopped_is_told_at_the_next_start():
    systemctl("stop", UNIT)
    assert (show("ActiveState"), show("Result")) == ("inactive", "success")
    os.utime(MOUNT / ".breakwater-guard" / "catalogue.db")
    command("date", "-s", "-2 hours")
    systemctl("start", UNIT)
    found = status()["at_start"]
    assert any("catalogue" in line for line in found), found
    assert any("set back by 7" in line for line in found), found
    assert "At start" in guard("status", check=False)
    systemctl("restart", UNIT)
    assert status()["at_start"] == []


def test_it_is_enabled():
    systemctl("enable", UNIT)
    assert systemctl("is-enabled", UNIT).strip() == "enabled"
