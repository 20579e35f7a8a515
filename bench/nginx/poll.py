#!/usr/bin/env python3
"""200 keep-alive clients poll an unchanged collection; beside it, nginx serves a file of the same size.

    bench/nginx/poll.py BREAKWATER [--tls] [--clients N] [--seconds N] [--runs N]

wrk drives both, in turns within each run, for the two answers pollers get: the
empty one ("nothing new since") and a page of twenty objects. One JSON row each:
Breakwater's median requests/s beside nginx's.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PREFIX = pathlib.Path(os.environ.get("BREAKWATER_PREFIX", HERE.parent.parent / ".prefix"))
sys.path.insert(0, str(HERE.parent))

from running import MEDIA, add_format, breakwater, row, things  # noqa: E402 the folder above must be known first

CONFIG = """
worker_processes auto;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=10;
  default_type "{media}";
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port} {how} reuseport; root {folder}/files; {tls} }}
}}
"""


def program(name):
    for path in (
        shutil.which(name),
        f"/usr/sbin/{name}",
        PREFIX / "bench/usr/bin" / name,
        PREFIX / "bench/usr/sbin" / name,
    ):
        if path and os.access(path, os.X_OK):
            return path
    print(f"poll: skipped: no {name}; tools/setup --bench fetches it", file=sys.stderr)
    raise SystemExit(77)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def nginx(folder, files, data, with_tls):
    """Serves the byte strings of `files` (name: content); gives the port."""
    (folder / "files").mkdir(parents=True)
    for name, content in files.items():
        (folder / "files" / name).write_bytes(content)
    os.chmod(folder, 0o755)
    port = free_port()
    tls = f"ssl_certificate {data}/tls/cert.pem; ssl_certificate_key {data}/tls/key.pem;" if with_tls else ""
    (folder / "nginx.conf").write_text(
        CONFIG.format(folder=folder, media=MEDIA, port=port, how="ssl" if with_tls else "", tls=tls)
    )
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program("nginx"), "-c", folder / "nginx.conf", *user], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit(f"poll: nginx does not start: {(folder / 'error.log').read_text()}") from None
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def drive(url, headers, asked):
    """Requests a second that wrk gets answered; anything but 200 ends the measurement."""
    words = [program("wrk"), "-t", "2", "-c", str(asked.clients), "-d", f"{asked.seconds}s", "--timeout", "30s"]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    done = subprocess.run([*words, url], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"poll: {url} was not answered 200 every time: {done.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--tls", action="store_true", help="both over TLS, with the same certificate")
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--seconds", type=int, default=3, help="of each turn")
    options.add_argument("--runs", type=int, default=5)
    add_format(options)
    asked = options.parse_args()
    program("nginx"), program("wrk")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="breakwater-poll-"))
    try:
        bundle = folder / "objects.json"
        bundle.write_text("\n".join(json.dumps(thing) for thing in things(1000, 1)) + "\n")
        with breakwater(asked.program.resolve(), folder / "data", plain=not asked.tls, files=[bundle]) as server:
            server.ask("GET", f"{server.path}?limit=1000")
            targets = {
                "nothing new": f"{server.path}?added_after={server.date_added_last}",
                "a page of 20 objects": f"{server.path}?limit=20",
            }
            files = {f"{number}": server.ask("GET", target)[1] for number, target in enumerate(targets.values())}
            scheme = "https" if asked.tls else "http"
            with nginx(folder / "nginx", files, folder / "data", asked.tls) as port:
                ours, theirs = {what: [] for what in targets}, {what: [] for what in targets}
                for _ in range(asked.runs):
                    for number, (what, target) in enumerate(targets.items()):
                        ours[what].append(drive(f"{scheme}://127.0.0.1:{server.port}{target}", server.headers, asked))
                        theirs[what].append(drive(f"{scheme}://127.0.0.1:{port}/{number}", {"Accept": MEDIA}, asked))
        for number, what in enumerate(targets):
            limit = statistics.median(theirs[what])
            name = f"poll by {asked.clients} clients, {what} ({len(files[str(number)])} bytes), {scheme}"
            row(
                asked,
                name,
                "requests/s",
                ours[what],
                "nginx, a file of that size",
                limit,
                statistics.median(ours[what]) / limit,
                0,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
