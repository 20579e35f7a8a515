"""What the service manager relies on: sockets it opened, messages it waits for, a reload, a quiet stop."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from exchange import ROOT, binary, patience, run


class Service:
    """serve as systemd starts it: a socket as descriptor 3, a datagram socket to talk to."""

    def __init__(self, folder, tmp_path, listener, options=()):
        self.notify_path = str(tmp_path / "notify")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        self.notify.settimeout(60)
        script = f'export LISTEN_PID=$$; exec "$@" 3<&{listener.fileno()}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "bash", binary(), "serve", "--data", folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=(listener.fileno(),),
            env={**os.environ, "LISTEN_FDS": "1", "NOTIFY_SOCKET": self.notify_path},
        )

    def wait_for(self, state):
        """Waits for a message that holds `state`; gives all that was said until then."""
        said = []
        while not any(state in message for message in said):
            said.append(self.notify.recv(4096).decode())
        return said

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        self.notify.close()
        return self.process.returncode, out, err


@pytest.fixture
def folder(tmp_path):
    run("init", tmp_path / "data")
    return tmp_path / "data"


def test_the_client_whose_connection_woke_the_service_waits_and_is_not_sent_away(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=60)
        service = Service(folder, tmp_path, listener)
        context = ssl.create_default_context(cafile=folder / "tls" / "cert.pem")
        with context.wrap_socket(client, server_hostname="127.0.0.1") as tls:
            tls.sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tls.recv(4096).startswith(b"HTTP/1.1 200 ")
    status, _, err = service.end()
    assert status == 0, err


def test_a_socket_of_the_service_manager_is_served_and_every_state_is_told(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        service = Service(folder, tmp_path, listener)
        service.wait_for("READY=1")
        context = ssl.create_default_context(cafile=folder / "tls" / "cert.pem")
        with context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1") as tls:
            tls.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert tls.recv(64).startswith(b"HTTP/1.1 200 ")
        service.process.send_signal(signal.SIGHUP)
        service.wait_for("RELOADING=1")
        service.wait_for("READY=1")
        status, out, _ = service.end()
    assert status == 0
    assert re.search(rf":{port}/taxii2/", out)


def test_plain_http_over_a_socket_that_others_can_reach_is_refused(folder, tmp_path):
    with socket.create_server(("0.0.0.0", 0)) as listener:
        service = Service(folder, tmp_path, listener, ["--plain"])
        out, err = service.process.communicate(timeout=60)
    assert (service.process.returncode, out) == (2, "")
    assert "plain HTTP is for this machine only" in err


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("name", ["breakwater", "breakwater-accord", "breakwater-witness"])
def test_the_units_are_well_formed_and_expose_little(tmp_path, name):
    """A look at what is written; how it runs is tried in tools/vm."""
    text = (ROOT / "dist" / f"{name}.service.in").read_text()
    unit = tmp_path / f"{name}.service"
    unit.write_text(text.replace("@bindir@/breakwater", str(binary())).replace("@sysconfdir@", "/etc"))
    (tmp_path / "breakwater.socket").write_text((ROOT / "dist" / "breakwater.socket").read_text())
    said = {}
    for verb in (("verify", "--man=no"), ("security", "--offline=true", "--threshold=20")):
        said[verb[0]] = subprocess.run(["systemd-analyze", *verb, unit], capture_output=True, text=True, check=False,
                                       timeout=60 * patience())
    assert said["verify"].returncode == 0 and name not in said["verify"].stderr, said["verify"].stderr
    if "--offline" not in said["security"].stderr:  # older than systemd 250
        assert said["security"].returncode == 0, said["security"].stdout[-2000:]
