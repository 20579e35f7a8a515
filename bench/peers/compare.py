#!/usr/bin/env python3
"""The same add and page requests at Breakwater, medallion and OpenTAXII, side by side.

    bench/peers/compare.py BREAKWATER [--objects N] [--runs N] [--seconds N]

All three serve plain HTTP on loopback, one after the other within each run, so
that a noisy machine is noisy for all. Breakwater checks, deduplicates, indexes
and syncs to disk what it is sent; medallion keeps it in memory. Prints one JSON
row a figure: Breakwater's median, the peer's beside it, and their ratio (above
1: Breakwater is faster). A peer that is not installed is named on standard
error and left out. Sizes are small because medallion's first page takes time
with the square of what it holds.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from running import MEDIA, Server, add_format, breakwater, row, things  # noqa: E402 the folder above must be known first

PREFIX = pathlib.Path(os.environ.get("BREAKWATER_PREFIX", HERE.parent.parent / ".prefix"))
ENVELOPE = 100  # objects in one POST
PAGE = 100  # objects on one page


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def script(name, folder):
    """One of the *_server.py here, run by the Python of its own virtual environment."""
    folder.mkdir()
    port = free_port()
    process = subprocess.Popen(
        [PREFIX / f"venv-{name}" / "bin" / "python3", HERE / f"{name}_server.py", folder, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        path = process.stdout.readline().strip()
        if not path:
            raise SystemExit(f"compare: {name} does not start")
        yield Server(port, path, "bench:bench" if name == "medallion" else None).wait()
    finally:
        process.kill()
        process.wait()


def measure(server, count, seconds, seed):
    """{what: (value, unit)} of one server."""
    posts = [list(things(ENVELOPE, f"{seed} {at}")) for at in range(count // ENVELOPE)]
    bodies = [json.dumps({"objects": post}).encode() for post in posts]
    began = time.perf_counter()
    for body in bodies:
        status, answer = server.ask("POST", server.path, body, MEDIA)
        if status not in (200, 201, 202):
            raise SystemExit(f"compare: a POST was answered {status}: {answer[:200]!r}")
    took = time.perf_counter() - began
    figures = {"add objects": (count / took, "objects/s")}
    figures["page of 100, first"] = (pages(server, f"{server.path}?limit={PAGE}", seconds), "pages/s")
    wanted = posts[len(posts) // 2][0]["id"]
    figures["one object by id"] = (pages(server, f"{server.path}{wanted}/", seconds), "requests/s")
    return figures


def pages(server, target, seconds):
    """Requests a second of one client on one connection: at least one, else as many as fit."""
    done, began = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - began < seconds:
        status, body = server.ask("GET", target)
        if status != 200 or not json.loads(body).get("objects"):
            raise SystemExit(f"compare: a page was answered {status}: {body[:200]!r}")
        done += 1
    return done / (time.perf_counter() - began)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--objects", type=int, default=1000, help="in the collection when pages are read (1000)")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--seconds", type=float, default=1.0, help="of page requests in each run")
    add_format(options)
    asked = options.parse_args()
    peers = [name for name in ("medallion", "opentaxii") if (PREFIX / f"venv-{name}" / "bin" / "python3").exists()]
    for name in {"medallion", "opentaxii"} - set(peers):
        print(f"compare: skipped {name}: not installed; tools/setup --peers installs it", file=sys.stderr)

    seen = {}  # (server, what) -> values
    units = {}
    for turn in range(asked.runs):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="breakwater-peers-"))
        try:
            for name in ["breakwater", *peers]:
                own = folder / name
                with breakwater(asked.program.resolve(), own) if name == "breakwater" else script(name, own) as server:
                    for what, (value, unit) in measure(server, asked.objects, asked.seconds, turn).items():
                        seen.setdefault((name, what), []).append(value)
                        units[what] = unit
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    for what, unit in units.items():
        ours = seen["breakwater", what]
        for name in peers:
            value, limit = statistics.median(ours), statistics.median(seen[name, what])
            row(asked, f"{what}, {asked.objects} objects, plain HTTP", unit, ours, name, limit, value / limit)


if __name__ == "__main__":
    main()
