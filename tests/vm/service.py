"""The installed unit under a real systemd: tools/vm run --install build/release -- python3 -m pytest -q tests/vm/service.py

The stories build on each other, from a bare system with the files of `make install` on.
They change the system they run on, so they run in tools/vm and nowhere else.
"""

import collections
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

DATA = pathlib.Path("/var/lib/breakwater")
BINARY = "/usr/local/bin/breakwater"
SAMPLE = pathlib.Path("/breakwater/examples/sample-bundle.json")
UNIT = "breakwater.service"
DROP_IN = pathlib.Path("/etc/systemd/system/breakwater.service.d")
SOCKET_DROP_IN = pathlib.Path("/etc/systemd/system/breakwater.socket.d")
WORKERS = {"front": 2, "gate": 1, "reader": 1, "keeper": 1, "pager": 1, "indexer": 1, "signer": 1}
INDEXER_NICE = 10  # serve/indexer.c steps back so far
SOON = 300  # seconds that anything may take on an emulated processor of a busy host
EXPOSURE_AT_MOST = 2.0  # of 10, as systemd-analyze security counts

pytestmark = pytest.mark.skipif(
    not pathlib.Path("/usr/lib/breakwater-vm").exists(), reason="changes the whole system; runs in tools/vm"
)


def command(*words, check=True, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=SOON * 2, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}\n{journal()[-3000:]}")
    return done.stdout


def breakwater(*words, **more):
    return command(BINARY, "--data", DATA, *words, **more)


def as_service(*words, **more):
    return command("setpriv", "--reuid=breakwater", "--regid=breakwater", "--clear-groups", *words, **more)


def systemctl(*words, **more):
    return command("systemctl", *words, **more)


def show(name, unit=UNIT):
    return systemctl("show", "--value", "-p", name, unit).strip()


def journal():
    command("journalctl", "--sync")
    return command("journalctl", "-q", "-b", "-o", "cat", "-u", UNIT)


def until(claim, what):
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        found = claim()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {SOON} seconds\n{journal()[-3000:]}")


def connect(port=8443):
    context = ssl.create_default_context(cafile=DATA / "tls" / "cert.pem")
    plain = socket.create_connection(("127.0.0.1", port), timeout=SOON)
    return context.wrap_socket(plain, server_hostname="localhost")


def get(path, tls=None):
    with tls or connect() as stream:
        stream.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := stream.recv(65536):
            answer += piece
    return int(answer.split()[1])


def fingerprint():
    with connect() as tls:
        return tls.getpeercert(binary_form=True)


def workers():
    """{pid: name} of what the main process has started, without those that end meanwhile."""
    found = {}
    for pid in command("pgrep", "-P", show("MainPID"), check=False).split():
        try:
            name = pathlib.Path(f"/proc/{pid}/comm").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found[int(pid)] = name.strip().removeprefix("bw-").split(".")[0]
    return found


def are_complete(running):
    return collections.Counter(running.values()) == WORKERS


def status_of(pid, field):
    return re.search(rf"^{field}:\s*(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M).group(1)


def belonging_to_others():
    return command("find", DATA, "!", "-user", "breakwater", "-o", "!", "-group", "breakwater").splitlines()


def drop_in(text):
    DROP_IN.mkdir(parents=True, exist_ok=True)
    (DROP_IN / "story.conf").write_text(text)
    systemctl("daemon-reload")


def test_the_account_and_the_folders_come_from_what_make_install_laid_down():
    command("systemd-sysusers")
    command("systemd-tmpfiles", "--create", check=False)  # other packages' lines may fail in a bare system
    account = pwd.getpwnam("breakwater")
    state = DATA.stat()
    assert (state.st_uid, state.st_mode & 0o777) == (account.pw_uid, 0o700)
    assert pathlib.Path("/etc/breakwater/breakwater.conf").is_file()
    assert account.pw_shell.endswith("nologin")


def test_systemd_finds_nothing_wrong_with_the_units():
    systemctl("daemon-reload")
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", UNIT, "breakwater.socket"],
                          capture_output=True, text=True, timeout=SOON, check=False)
    assert [line for line in said.stderr.splitlines() if "breakwater" in line] == []


def test_without_a_store_the_unit_does_not_start_and_says_which_folder_is_missing():
    with pytest.raises(AssertionError, match="Assertion failed"):
        systemctl("start", UNIT)
    assert "AssertPathExists=/var/lib/breakwater/store" in systemctl("status", UNIT, check=False)
    systemctl("stop", "breakwater.socket")


def test_the_service_is_ready_when_systemctl_start_returns():
    as_service(BINARY, "init", DATA)
    systemctl("start", UNIT)
    assert (show("ActiveState"), show("SubState")) == ("active", "running")
    assert get("/readyz") == 200


def test_a_mistake_in_the_config_file_is_told_and_not_tried_again():
    config = pathlib.Path("/etc/breakwater/breakwater.conf")
    good = config.read_text()
    config.write_text(good + "\nfrontz = 3\n")
    systemctl("restart", UNIT, check=False)
    until(lambda: show("ActiveState") == "failed", "the end of the attempt")
    assert (show("ExecMainStatus"), show("NRestarts")) == ("2", "0")
    assert "frontz" in journal()
    config.write_text(good.replace("[serve]", "[serve]\ntitle = Named in the file"))
    systemctl("start", UNIT)
    assert get("/readyz") == 200


def test_the_socket_comes_with_the_service():
    assert show("ActiveState", "breakwater.socket") == "active"


def test_every_worker_runs_confined_and_none_has_died():
    running = workers()
    assert are_complete(running), running
    for pid, name in running.items():
        assert status_of(pid, "Seccomp") == "2", name
        assert status_of(pid, "NoNewPrivs") == "1", name
        assert int(status_of(pid, "CapBnd"), 16) == 0, name
        assert status_of(pid, "Uid").split()[0] == str(pwd.getpwnam("breakwater").pw_uid), name
    said = journal()
    assert "worker died" not in said and "worker ended" not in said


def test_the_indexer_steps_back_behind_the_others():
    indexer = next(pid for pid, name in workers().items() if name == "indexer")
    assert os.getpriority(os.PRIO_PROCESS, indexer) == INDEXER_NICE


def test_a_sandbox_that_is_demanded_is_granted_landlock_included():
    drop_in(f"[Service]\nExecStart=\nExecStart={BINARY} serve --data {DATA} --require-sandbox\n")
    systemctl("restart", UNIT)
    assert get("/readyz") == 200
    (DROP_IN / "story.conf").unlink()
    systemctl("daemon-reload")
    systemctl("restart", UNIT)
    assert get("/readyz") == 200


def test_the_operator_adds_imports_and_searches_while_the_service_runs():
    breakwater("collection", "add", "Seen this week")
    breakwater("import", "--collection", "Seen this week", SAMPLE)
    assert len(breakwater("export", "--collection", "Seen this week").splitlines()) > 1
    assert are_complete(workers())


def test_a_reload_takes_the_new_certificate_and_keeps_the_process():
    other = pathlib.Path("/tmp/other")
    command(BINARY, "init", other)
    before, main = fingerprint(), show("MainPID")
    open_one = connect()
    for name in ("cert.pem", "key.pem"):
        (DATA / "tls" / name).write_bytes((other / "tls" / name).read_bytes())
    systemctl("reload", UNIT)
    until(lambda: fingerprint() != before, "the new certificate")
    assert show("MainPID") == main
    assert get("/healthz", open_one) == 200
    assert show("ActiveState") == "active"


def test_the_main_process_killed_comes_back_with_all_it_had():
    export = ("export", "--format-out", "jsonl", "--collection", "Seen this week")
    before = breakwater(*export)
    main, old = int(show("MainPID")), workers()
    os.kill(main, signal.SIGKILL)
    until(lambda: show("ActiveState") == "active" and show("MainPID") not in ("0", str(main)), "a new main process")
    assert get("/readyz") == 200
    assert not set(old) & set(workers())
    assert before and breakwater(*export) == before
    assert show("NRestarts") == "1"


def test_a_worker_killed_is_replaced_by_the_main_process():
    main = show("MainPID")
    for name in sorted(WORKERS):
        victim = next(pid for pid, found in workers().items() if found == name)
        os.kill(victim, signal.SIGKILL)
        until(lambda: victim not in (running := workers()) and are_complete(running), f"a new {name}")
    until(lambda: get("/readyz") == 200, "ready again")
    assert show("MainPID") == main


def test_a_stop_is_quiet_and_whole_while_a_client_is_connected():
    with connect():
        systemctl("stop", UNIT)
    assert (show("ActiveState"), show("Result")) == ("inactive", "success")
    assert subprocess.run(["pgrep", "-u", "breakwater"], check=False, timeout=SOON).returncode == 1


def test_what_root_does_meanwhile_leaves_nothing_that_the_service_could_not_open():
    """As root, like every command here; the service is stopped, so the files are this command's own to write."""
    breakwater("collection", "add", "Added without a server")
    breakwater("import", "--collection", "Added without a server", SAMPLE)
    assert "WannaCry" in breakwater("search", "WannaCry")
    assert belonging_to_others() == []


def test_a_connection_to_the_socket_starts_the_service():
    systemctl("start", "breakwater.socket")
    assert show("ActiveState") == "inactive"
    assert get("/readyz") == 200
    # clients are answered a little before systemd has read that all are ready
    until(lambda: show("ActiveState") == "active", "the word that it is ready")


def test_no_connection_is_refused_during_a_restart():
    restart = subprocess.Popen(["systemctl", "restart", UNIT])
    answers = []
    while restart.poll() is None or len(answers) < 3:
        try:
            answers.append(get("/healthz"))
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError, IndexError):
            answers.append(None)  # one the old process had taken; ConnectionRefusedError is what must not come
    assert restart.returncode == 0
    assert 200 in answers


def test_without_a_passphrase_the_node_keys_stay_locked_and_say_so():
    assert "node keys stay locked: no passphrase was given" in journal()


def test_a_passphrase_encrypted_to_the_machine_unlocks_the_node_keys():
    """The lines of docs/keys.md, with the passphrase from a pipe where a person would type it."""
    breakwater("keys", "rotate", "--lost", "--yes", "--new-passphrase-file", "/dev/stdin",
               input="a passphrase of the story\n")
    assert belonging_to_others() == []
    sealed = pathlib.Path("/etc/breakwater/node-passphrase.cred")
    command("systemd-creds", "encrypt", "--name=node-passphrase", "-", sealed, input="a passphrase of the story")
    assert b"passphrase of the story" not in sealed.read_bytes()
    drop_in(f"[Service]\nLoadCredentialEncrypted=node-passphrase:{sealed}\n")
    since = len(journal())
    systemctl("restart", UNIT)
    breakwater("collection", "add", "Something for the audit log")
    said = journal()[since:]
    assert "locked" not in said, said
    assert get("/readyz") == 200
    until(lambda: "not signed" not in breakwater("audit", "verify"), "the node's signature in the audit log")


def test_a_wrong_passphrase_leaves_the_exchange_at_work_and_says_so():
    sealed = pathlib.Path("/etc/breakwater/node-passphrase.cred")
    command("systemd-creds", "encrypt", "--name=node-passphrase", "-", sealed, input="another one")
    since = len(journal())
    systemctl("restart", UNIT)
    assert get("/readyz") == 200
    until(lambda: "the passphrase is wrong" in journal()[since:], "the line that says why they stay locked")


def test_it_is_enabled_with_its_socket():
    systemctl("enable", UNIT)
    assert systemctl("is-enabled", UNIT).strip() == "enabled"
    assert systemctl("is-enabled", "breakwater.socket").strip() == "enabled"


def test_systemd_counts_little_exposure():
    said = command("systemd-analyze", "security", "--no-pager", UNIT, check=False)
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said).group(1)
    print(f"\n{said}")
    assert float(level) <= EXPOSURE_AT_MOST


def test_where_it_listens_is_for_the_socket_unit_to_say():
    systemctl("stop", "breakwater.socket", UNIT)
    SOCKET_DROP_IN.mkdir(parents=True)
    (SOCKET_DROP_IN / "story.conf").write_text("[Socket]\nListenStream=\nListenStream=127.0.0.1:7443\n")
    systemctl("daemon-reload")
    systemctl("start", UNIT)
    assert get("/readyz", connect(7443)) == 200
    with pytest.raises(ConnectionRefusedError):
        connect()


def test_with_the_socket_masked_it_listens_where_the_config_file_says():
    config = pathlib.Path("/etc/breakwater/breakwater.conf")
    config.write_text(config.read_text().replace("[serve]", "[serve]\nlisten = 127.0.0.1:9443", 1))
    systemctl("stop", UNIT)
    systemctl("mask", "--now", "breakwater.socket")
    systemctl("start", UNIT)
    assert get("/readyz", connect(9443)) == 200
    with pytest.raises(ConnectionRefusedError):
        connect(7443)
    systemctl("stop", UNIT)
    systemctl("unmask", "breakwater.socket")


def test_the_store_verifies_after_all_of_it():
    systemctl("stop", "breakwater.socket", UNIT)
    as_service(BINARY, "--data", DATA, "verify")
    as_service(BINARY, "--data", DATA, "audit", "verify")
    assert json.loads(as_service(BINARY, "--data", DATA, "--format", "json", "collection", "list").splitlines()[0])
