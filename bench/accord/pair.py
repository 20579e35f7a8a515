#!/usr/bin/env python3
"""Two nodes with everything that runs, `serve` and `accord run` each: how long a backlog takes from one to the other,
and what it costs to find that nothing is new.

    bench/accord/pair.py BREAKWATER [--objects N] [--format text]

Runs with the Python of the tests (tools/setup --check). What goes between the nodes passes a relay that counts bytes.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "tests")]

from running import add_format, row, things  # noqa: E402 the folders above must be known first

QUIET = 3  # seconds without a byte: a visit is over
RESTS = 0.2  # seconds without a byte: perhaps all is there
LIMIT_SECONDS, LIMIT_MS, LIMIT_BYTES = 30, 50, 2000


class Relay:
    """Passes bytes on, both ways, and counts them: TLS goes through as it is."""

    def __init__(self, to):
        self.to, self.bytes, self.first, self.last, self.open = to, 0, None, None, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(self.to)
            except OSError:
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while data := one.recv(1 << 20):
                other.sendall(data)
                self.last = time.monotonic()
                self.first = self.first or self.last
                self.bytes += len(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def reset(self):
        self.bytes, self.first, self.last = 0, None, None

    def until_quiet(self):
        while self.last is None or time.monotonic() - self.last < QUIET:
            time.sleep(0.05)


def objects_in(node):
    """Of all its collections that came from elsewhere."""
    rows = map(json.loads, node.run("collection", "list", "--format", "json", "--data", node.data).splitlines())
    return sum(entry["objects"] for entry in rows if entry["title"] not in ("Seen", "Ransomware"))


def seconds_of(daemons):
    """Processor seconds of each worker so far."""
    found = {}
    for name, daemon in daemons:
        for pid, worker in {daemon.process.pid: "parent", **daemon.workers()}.items():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found[f"{name} {worker}"] = found.get(f"{name} {worker}", 0) + used
    return found


def write_bundle(path, count):
    with open(path, "w") as file:
        for thing in things(count, 7):
            file.write(json.dumps(thing) + "\n")


def measure(asked, folder):
    from accord_rig import Partner, agree, meet

    uk, us = Partner(folder, "uk"), Partner(folder, "us")
    relay = Relay((uk.host, int(uk.address.rsplit(":", 1)[1].strip("/"))))
    uk.address = f"https://127.0.0.1:{relay.port}/"
    try:
        uk.run("collection", "add", "Ransomware", "--alias", "ransomware", "--data", uk.data)
        us.run("collection", "add", "Seen", "--alias", "seen", "--data", us.data)
        uk.run("collection", "mark", "ransomware", "green", "--data", uk.data)
        meet(uk, us)
        agree(uk, us, "--witness", "ally", "--per-minute", str(asked.per_minute), "--per-day", "100g")
        bundle = folder / "bundle.jsonl"
        write_bundle(bundle, asked.objects)
        import_all(asked.program, uk, bundle)
        for node in (uk, us):
            node.serve.start()
        began = time.monotonic()
        uk.accords.start()
        us.accords.start()
        until_there(asked, relay, us, began)
        took = time.monotonic() - began
        daemons = [(f"{node.name} {kind}", daemon) for node in (uk, us)
                   for kind, daemon in (("serve", node.serve), ("accord", node.accords))]
        used = seconds_of(daemons)
        wanted = LIMIT_SECONDS * asked.objects / 1e6
        row(asked, f"accord: a backlog of {asked.objects:,} between two nodes", "s", [took], "s wanted", wanted, took / wanted)
        for name, seconds in sorted(used.items(), key=lambda pair: -pair[1])[:8]:
            row(asked, f"accord: of it, processor of {name}", "s", [seconds], "s in all", sum(used.values()),
                seconds / sum(used.values()))
        nothing_new(asked, relay, us)
    finally:
        uk.stop()
        us.stop()


def until_there(asked, relay, node, began):
    """Asks only when the line rests: a look at the store costs a process, on processors that are to do something else."""
    while True:
        if relay.last is not None and time.monotonic() - relay.last > RESTS:
            if (count := objects_in(node)) >= asked.objects:
                return
            if time.monotonic() - began > asked.patience:
                raise SystemExit(f"pair: {count} of {asked.objects} after {asked.patience} s\n{node.words()}")
        time.sleep(0.05)


def import_all(program, node, bundle):
    subprocess.run([program, "import", "--data", node.data, "--collection", "ransomware", bundle], check=True,
                   stdout=subprocess.DEVNULL)


def nothing_new(asked, relay, us):
    """A minute of a connection with nothing to do; then a new connection, which finds nothing."""
    relay.until_quiet()
    relay.reset()
    time.sleep(asked.idle)
    row(asked, f"accord: nothing new, {asked.idle} s of a connection that stays", "bytes", [relay.bytes], "bytes wanted", LIMIT_BYTES,
        relay.bytes / LIMIT_BYTES)
    sizes, times = [], []
    for _ in range(asked.runs):
        us.accords.stop()
        relay.until_quiet()
        relay.reset()
        us.accords.start()
        relay.until_quiet()
        sizes.append(relay.bytes)
        times.append((relay.last - relay.first) * 1e3)
    row(asked, "accord: nothing new, a node that comes anew: handshake and heads", "bytes", sizes, "bytes wanted", LIMIT_BYTES,
        sizes[0] / LIMIT_BYTES)
    row(asked, "accord: the same, from its first byte to its last", "ms", times, "ms wanted", LIMIT_MS, times[0] / LIMIT_MS)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--objects", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3, help="visits that find nothing")
    options.add_argument("--idle", type=int, default=60, help="seconds of a connection with nothing new")
    options.add_argument("--per-minute", type=int, default=10_000_000, help="the accord's limit")
    options.add_argument("--patience", type=int, default=1800, help="seconds for the backlog")
    add_format(options)
    asked = options.parse_args()
    os.environ["BREAKWATER"] = str(pathlib.Path(asked.program).resolve())
    os.environ.setdefault("BW_PATIENCE", "10")
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        measure(asked, pathlib.Path(folder))


if __name__ == "__main__":
    main()
