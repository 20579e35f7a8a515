#!/usr/bin/env python3
"""How long a page of 1,000 objects takes over TLS, at any depth and with any filter.

    bench/pages.py BREAKWATER [--objects N] [--requests N] [--file FILE]

Fills a collection with N invented indicators (or with FILE), then asks for
pages at random depths, in turns by added_after, with a type, a version and a
spec_version filter; then one client walks the whole collection. One JSON row a
figure. The client is Python, so what is told of the server is an upper bound.
"""

import argparse
import datetime
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time

from running import add_format, breakwater, row, things

GOAL_MS = 20
GOAL_PULL_PER_S = 50_000  # a million objects in twenty seconds
FILTERS = ("", "&match[type]=indicator", "&match[version]=all", "&match[spec_version]=2.1&match[version]=first,last")


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def whole_walk(server):
    """(objects, seconds, bytes, first and last date added) of one walk by next."""
    count = size = 0
    at = ""
    first = None
    began = time.perf_counter()
    while True:
        status, body = server.ask("GET", f"{server.path}?limit=1000{at}")
        if status != 200:
            raise SystemExit(f"pages: a page was answered {status}: {body[:200]!r}")
        size += len(body)
        page = json.loads(body)
        count += len(page.get("objects", []))
        first = first or server.date_added_last
        if not page.get("more"):
            return count, time.perf_counter() - began, size, moment(first), moment(server.date_added_last)
        at = f"&next={page['next']}"


def one_page(server, target):
    began = time.perf_counter()
    status, body = server.ask("GET", target)
    took = (time.perf_counter() - began) * 1000
    if status != 200:
        raise SystemExit(f"pages: a page was answered {status}: {body[:200]!r}")
    return took


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--objects", type=int, default=100_000)
    options.add_argument("--requests", type=int, default=400)
    options.add_argument("--file", type=pathlib.Path, help="objects, one a line, instead of invented ones")
    add_format(options)
    asked = options.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="breakwater-pages-"))
    dice = random.Random(1)
    try:
        file = asked.file
        if file is None:
            file = folder / "objects.jsonl"
            with open(file, "w", encoding="utf-8") as out:
                out.writelines(json.dumps(thing) + "\n" for thing in things(asked.objects, 1))
        with breakwater(asked.program.resolve(), folder / "data", plain=False, files=[file]) as server:
            count, seconds, size, first, last = whole_walk(server)
            print(f"pages: {count} objects, {size} bytes in {seconds:.1f} s", file=sys.stderr)
            times = []
            for number in range(asked.requests):
                at = first + (last - first) * dice.random() * 0.99
                text = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                times.append(
                    one_page(server, f"{server.path}?limit=1000&added_after={text}{FILTERS[number % len(FILTERS)]}")
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    times.sort()
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    row(
        asked,
        f"page of 1,000 over TLS among {count} objects, p50",
        "ms",
        [times[len(times) // 2]],
        "goal",
        GOAL_MS,
        GOAL_MS / times[len(times) // 2],
    )
    row(
        asked,
        f"page of 1,000 over TLS among {count} objects, p99 of {len(times)}",
        "ms",
        [p99],
        "goal",
        GOAL_MS,
        GOAL_MS / p99,
    )
    row(
        asked,
        f"one client pulls {count} objects over TLS",
        "objects/s",
        [count / seconds],
        "goal",
        GOAL_PULL_PER_S,
        count / seconds / GOAL_PULL_PER_S,
        0,
    )


if __name__ == "__main__":
    main()
