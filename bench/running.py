"""A Breakwater to measure, in a folder the caller takes away; rows in the form of `breakwater bench`."""

import base64
import contextlib
import http.client
import json
import random
import re
import ssl
import statistics
import subprocess
import sys
import time
import uuid

MEDIA = "application/taxii+json;version=2.1"
ACCOUNT = "bench"
PASSWORD = "bench bench bench"


def things(count, seed):
    """Indicators, the same for the same seed."""
    dice = random.Random(seed)
    for number in range(count):
        yield {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{uuid.UUID(int=dice.getrandbits(128), version=4)}",
            "created": "2024-05-01T00:00:00.000Z",
            "modified": "2024-05-01T00:00:00.000Z",
            "name": f"beacon {number}",
            "indicator_types": ["malicious-activity"],
            "pattern": f"[ipv4-addr:value = '198.51.{dice.randrange(256)}.{dice.randrange(256)}']",
            "pattern_type": "stix",
            "valid_from": "2024-05-01T00:00:00Z",
        }


class Server:
    """A running server: `path` of a collection's objects, and who we are there."""

    def __init__(self, port, path, account=None, context=None):
        self.port, self.path = port, path
        self.headers = {"Accept": MEDIA}
        if account:
            self.headers["Authorization"] = "Basic " + base64.b64encode(account.encode()).decode()
        if context:
            self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=300, context=context)
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.date_added_last = None

    def ask(self, method, target, body=None, content_type=None):
        headers = {**self.headers, **({"Content-Type": content_type} if content_type else {})}
        self.connection.request(method, target, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        self.date_added_last = answer.getheader("X-TAXII-Date-Added-Last")
        return answer.status, data

    def wait(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.ask("GET", self.path)[0] == 200:
                    return self
            except OSError:
                self.connection.close()
            time.sleep(0.05)
        raise SystemExit("bench: a server does not answer")


def command(program, *words, stdin=""):
    subprocess.run([program, *words], input=stdin, text=True, check=True, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def breakwater(program, folder, plain=True, files=()):
    """An exchange with one collection that holds `files`, on loopback."""
    collection = str(uuid.uuid4())
    command(program, "init", folder)
    command(program, "collection", "add", "bench", "--data", folder, "--id", collection)
    command(program, "account", "add", ACCOUNT, "--data", folder, "--password-stdin", stdin=PASSWORD + "\n")
    command(program, "account", "grant", ACCOUNT, collection, "both", "--data", folder)
    if files:
        command(program, "import", "--data", folder, "--collection", collection, *files)
    process = subprocess.Popen(
        [program, "serve", "--data", folder, "--listen", "127.0.0.1:0", *(["--plain"] if plain else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.search(r":(\d+)/taxii2/", line)
        if not found:
            raise SystemExit(f"bench: breakwater does not start: {line!r}")
        context = None if plain else ssl.create_default_context(cafile=str(folder / "tls" / "cert.pem"))
        path = f"/api/collections/{collection}/objects/"
        yield Server(int(found.group(1)), path, f"{ACCOUNT}:{PASSWORD}", context).wait()
    finally:
        process.terminate()
        process.wait()


def add_format(options):
    options.add_argument("--format", choices=("text", "json"), default="json", help="how rows are printed (json)")


def between(values):
    """Between which bounds the median lies, nine times in ten: a bootstrap whose draw is the same every time."""
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(2000))
    return medians[100], medians[1900]


def row(asked, name, unit, values, limit_name, limit_value, ratio, digits=2):
    """One figure: the median of `values` beside its limit, as `breakwater bench` prints rows."""
    value = statistics.median(values)
    low, high = between(values)
    if asked.format == "text":
        spread = f"({len(values)} runs, {min(values):.{digits}f} to {max(values):.{digits}f}"
        spread += f"; median {low:.{digits}f} to {high:.{digits}f})"
        beside = f"{ratio:8.2f} of {limit_value:.{digits}f} {limit_name}"
        print(f"{name:<66} {value:12.{digits}f} {unit:<10} {beside}  {spread}")
    else:
        fields = {"name": name, "value": round(value, digits), "unit": unit, "limit_name": limit_name}
        fields |= {"limit_value": round(limit_value, digits), "ratio": round(ratio, 3), "runs": len(values)}
        fields |= {"min": round(min(values), digits), "max": round(max(values), digits)}
        fields |= {"low": round(low, digits), "high": round(high, digits)}
        print(json.dumps(fields))
    sys.stdout.flush()
