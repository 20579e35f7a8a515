"""`pull` and `push`: from one exchange to another, and with servers that have habits of their own."""

import http.server
import json
import re
import socketserver
import struct
import threading
import urllib.parse

import pytest
import stix
from exchange import PASSWORD, add, binary, objects_of, run, walk_ids

MEDIA = "application/taxii+json;version=2.1"
COLLECTION = "11111111-2222-4333-8444-555555555555"


class OddServer:
    """A TAXII server as others have built it. `objects`: (date_added text, object), ascending."""

    def __init__(self, objects=(), page_max=10, gives_next=True, ignores_after=False, next_repeats=False,
                 knows_versions=True, busy_times=0, foreign_root=False, drop_after=None, drops=1,
                 session=False):
        self.objects = list(objects)
        self.page_max = page_max
        self.gives_next = gives_next
        self.ignores_after = ignores_after
        self.next_repeats = next_repeats
        self.knows_versions = knows_versions
        self.busy_times = busy_times
        self.foreign_root = foreign_root
        self.drop_after = drop_after  # pages after which the connection breaks, `drops` times
        self.drops = drops
        self.session = session  # one `next` for the whole walk, and the server counts
        self.session_at = 0
        self.requests = []
        self.taken = []
        self.status_asked = 0
        self.refuses = set()
        odd = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_GET(self):
                odd.answer(self, b"")

            def do_POST(self):
                odd.answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.httpd.serve_forever, daemon=True)
        self.thread.start()
        self.root = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.url = f"{self.root}/taxii2/"

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()

    def answer(self, handler, body):
        url = urllib.parse.urlsplit(handler.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.requests.append((handler.command, url.path, query, dict(handler.headers)))
        status, resource, headers = self.route(handler.command, url.path, query, body)
        if status is None:
            handler.close_connection = True
            handler.connection.close()
            return
        data = json.dumps(resource).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", MEDIA)
        handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    def route(self, method, path, query, body):
        about = {"id": COLLECTION, "title": "odd things", "can_read": True, "can_write": True, "alias": "odd"}
        if self.busy_times > 0:
            self.busy_times -= 1
            return 503, {"title": "busy", "http_status": "503"}, {"Retry-After": "1"}
        if path == "/taxii2/":
            roots = [f"{self.root}/api/"]
            if self.foreign_root:
                roots.insert(0, "https://elsewhere.example/api/")
            return 200, {"title": "odd", "api_roots": roots}, {}
        if path == "/api/":
            return 200, {"title": "odd", "versions": [MEDIA], "max_content_length": 20000}, {}
        if path == "/api/collections/":
            return 200, {"collections": [about]}, {}
        if path == f"/api/collections/{COLLECTION}/":
            return 200, about, {}
        if path == f"/api/collections/{COLLECTION}/objects/":
            return self.take(body) if method == "POST" else self.page(query)
        if path.startswith("/api/status/"):
            self.status_asked += 1
            return 200, {"id": path.split("/")[3], "status": "complete", "success_count": 1, "failure_count": 0}, {}
        return 404, {"title": "no such thing", "description": path, "http_status": "404"}, {}

    def page(self, query):
        if "match[version]" in query and not self.knows_versions:
            return 400, {"title": "unknown filter"}, {}
        after = "" if self.ignores_after else query.get("added_after", "")
        left = [entry for entry in self.objects if entry[0] > after]
        start = 0 if self.next_repeats else int(query.get("next", "0"))
        if self.session:
            start = self.session_at if "next" in query else 0
        left = left[start:]
        page = left[: min(self.page_max, int(query.get("limit", "1000")))]
        self.session_at = start + len(page)
        if self.drop_after is not None and self.drops > 0:
            self.drop_after -= 1
            if self.drop_after < 0:
                self.drops -= 1
                return None, None, None
        headers = {}
        if page:
            headers = {"X-TAXII-Date-Added-First": page[0][0], "X-TAXII-Date-Added-Last": page[-1][0]}
        if not page:
            return 200, {}, headers
        resource = {"objects": [thing for _, thing in page]}
        if len(page) < len(left):
            resource["more"] = True
            if self.gives_next:
                resource["next"] = "1" if self.next_repeats or self.session else str(start + len(page))
        return 200, resource, headers

    def take(self, body):
        things = json.loads(body)["objects"]
        if len(body) > 20000:
            return 413, {"title": "too large"}, {}
        bad = [thing for thing in things if thing["id"] in self.refuses]
        if bad:
            return 422, {"title": "not liked", "description": bad[0]["id"]}, {}
        self.taken.extend(things)
        return 202, {"id": "2d086da7-4bdc-4f91-900e-d77486753710", "status": "pending", "pending_count": len(things)}, {}


@pytest.fixture
def odd_server():
    made = []

    def make(*args, **more):
        made.append(OddServer(*args, **more))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def folder(own_exchange):
    """An exchange that is not started: commands work on the folder itself."""
    return own_exchange()


def dated(count, tie=1):
    """`count` indicators; `tie` of them share each date."""
    return [
        (f"2024-05-06T07:{i // tie // 60 % 60:02}:{i // tie % 60:02}.000000Z", stix.indicator()) for i in range(count)
    ]


def pull(exchange, url, into, *options, check=True, stdin=""):
    done = exchange.command("pull", "--into", into, "--format", "json", *options, url, check=check, stdin=stdin)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return done, rows


def held(exchange, collection):
    """The ids of a collection, as `export` gives them."""
    text = exchange.command("export", "--collection", collection).stdout
    return set(re.findall(r'"id": ?"([a-z0-9-]+--[0-9a-f-]{36})"', text))


def ids_of(server):
    return {thing["id"] for _, thing in server.objects}


@pytest.mark.parametrize("habits", [
    {},
    {"gives_next": False},
    {"page_max": 1000},
    {"knows_versions": False},
    {"busy_times": 1},
    {"session": True},
    {"drop_after": 2},
    {"drop_after": 2, "session": True},
], ids=["next", "dates only", "one page", "no old versions", "busy at first", "one next for all", "an answer is lost",
        "one next for all, and an answer is lost"])
def test_everything_comes_whatever_the_server_is_like(folder, odd_server, habits):
    server = odd_server(dated(35, tie=3), **habits)
    into = folder.add_collection()
    done, rows = pull(folder, server.url, into)
    assert rows[0]["added"] == 35 and rows[0]["complete"] is True, done.stderr
    assert rows[0]["duplicate"] <= 6
    assert held(folder, into) >= ids_of(server)


def test_a_second_pull_asks_for_what_is_new_only(folder, odd_server):
    server = odd_server(dated(25))
    into = folder.add_collection()
    pull(folder, server.url, into)
    asked = len(server.requests)
    _, rows = pull(folder, server.url, into)
    assert rows[0]["added"] == 0 and rows[0]["objects"] <= 1 and rows[0]["pages"] == 1
    server.objects.append(("2025-01-01T00:00:00.000000Z", stix.indicator()))
    _, rows = pull(folder, server.url, into)
    assert rows[0]["added"] == 1
    assert all("added_after" in query for _, path, query, _ in server.requests[asked:] if path.endswith("/objects/"))


def test_a_pull_that_breaks_off_goes_on_where_it_was(folder, odd_server):
    server = odd_server(dated(60), drop_after=3, drops=100)
    into = folder.add_collection()
    done, _ = pull(folder, server.url, into, check=False)
    assert done.returncode == 3 and "127.0.0.1" in done.stderr
    asked = len(server.requests)
    server.drops = 0
    _, rows = pull(folder, server.url, into)
    assert rows[0]["complete"] is True and rows[0]["objects"] <= 31
    assert held(folder, into) >= ids_of(server)
    first = next(query for _, path, query, _ in server.requests[asked:] if path.endswith("/objects/"))
    assert first["added_after"] > server.objects[28][0]


@pytest.mark.parametrize("habits", [{"next_repeats": True}, {"gives_next": False, "ignores_after": True}])
def test_a_server_that_turns_in_circles_is_left_and_said(folder, odd_server, habits):
    server = odd_server(dated(50), **habits)
    done, rows = pull(folder, server.url, folder.add_collection(), check=False)
    assert done.returncode == 1 and "repeats itself" in done.stderr
    assert rows[0]["complete"] is False
    assert len(server.requests) < 12


def test_ties_larger_than_the_page_are_asked_for_in_larger_pages(folder, odd_server):
    server = odd_server(dated(60, tie=30), page_max=1000, gives_next=False)
    into = folder.add_collection()
    _, rows = pull(folder, server.url, into, "--limit", "7")
    assert rows[0]["complete"] is True
    assert held(folder, into) >= ids_of(server)


def test_ties_that_cannot_be_passed_are_said(folder, odd_server):
    server = odd_server(dated(60, tie=30), page_max=7, gives_next=False)
    done, rows = pull(folder, server.url, folder.add_collection(), "--limit", "7", check=False)
    assert done.returncode == 1 and "some may be missing" in done.stderr
    assert rows[0]["complete"] is False


def test_credentials_do_not_follow_to_another_host(folder, odd_server):
    server = odd_server(dated(3), foreign_root=True)
    done, rows = pull(
        folder, server.url, folder.add_collection(), "--user", "somebody", "--password-stdin", stdin="secret\n"
    )
    assert rows[0]["added"] == 3 and "elsewhere.example" in done.stderr
    assert all(headers.get("Authorization", "").startswith("Basic ") for *_, headers in server.requests)
    assert "secret" not in done.stdout + done.stderr


def test_passwords_do_not_cross_the_network_in_the_open(folder):
    done, _ = pull(
        folder, "http://server.example/taxii2/", folder.add_collection(), "--user", "somebody", "--password-stdin",
        stdin="secret\n", check=False,
    )
    assert done.returncode == 2 and "https" in done.stderr


@pytest.mark.parametrize("url", ["server.example/taxii2/", "ftp://server.example/", "https://user:pass@server.example/"])
def test_what_is_no_url_is_a_wrong_command_line(folder, url):
    done, _ = pull(folder, url, folder.add_collection(), check=False)
    assert done.returncode == 2 and done.stderr.count("\n") >= 1


@pytest.mark.parametrize("path", ["/taxii2/", "/", "/api/", "/api/collections/", f"/api/collections/{COLLECTION}/"])
def test_any_url_of_the_server_will_do(folder, odd_server, path):
    server = odd_server(dated(3))
    _, rows = pull(folder, server.root + path, folder.add_collection())
    assert [row["added"] for row in rows] == [3]


def test_a_collection_that_is_not_there_is_named(folder, odd_server):
    done, _ = pull(folder, odd_server().url, folder.add_collection(), "--collection", "nosuch", check=False)
    assert done.returncode == 3 and "nosuch" in done.stderr


def test_objects_that_are_not_stix_are_refused_one_by_one(folder, odd_server):
    things = dated(5)
    things[2] = (things[2][0], {"type": "indicator", "id": "indicator--not-an-id"})
    done, rows = pull(folder, odd_server(things).url, folder.add_collection(), check=False)
    assert done.returncode == 1
    assert rows[0]["added"] == 4 and rows[0]["refused"] == 1


def test_one_exchange_pulls_another_over_tls(exchange, folder):
    source = exchange.add_collection("to be pulled", both="both")
    things = [stix.indicator() for _ in range(25)]
    add(exchange.client("both"), source, *things)
    into = folder.add_collection()
    done, rows = pull(
        folder, exchange.url, into, "--collection", source, "--user", "both", "--password-stdin", "--cacert",
        exchange.certificate, "--limit", "10", stdin=PASSWORD + "\n",
    )
    assert rows[0]["added"] == 25 and rows[0]["pages"] == 3, done.stderr
    assert held(folder, into) >= {thing["id"] for thing in things}


def test_a_certificate_nobody_vouches_for_is_not_trusted(exchange, folder):
    done, _ = pull(
        folder, exchange.url, folder.add_collection(), "--user", "both", "--password-stdin", stdin=PASSWORD + "\n",
        check=False,
    )
    assert done.returncode == 3 and "--pin" in done.stderr


def test_a_pinned_certificate_is(exchange, folder):
    out = folder.command("pull", "--help").stdout
    assert "--pin" in out
    import hashlib
    import ssl

    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(exchange.certificate.read_text())).hexdigest()
    source = exchange.add_collection("pinned", both="both")
    add(exchange.client("both"), source, stix.indicator())
    options = ["--collection", source, "--user", "both", "--password-stdin", "--pin"]
    _, rows = pull(folder, exchange.url, folder.add_collection(), *options, pin, stdin=PASSWORD + "\n")
    assert rows[0]["added"] == 1
    wrong = "0" * 64
    done, _ = pull(folder, exchange.url, folder.add_collection(), *options, wrong, stdin=PASSWORD + "\n", check=False)
    assert done.returncode == 3


def push(exchange, url, collection, *options, check=True, stdin=""):
    done = exchange.command("push", "--from", collection, "--format", "json", *options, url, check=check, stdin=stdin)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def fill(folder, collection, things):
    folder.command("import", "--collection", collection, "-", stdin="\n".join(map(json.dumps, things)) + "\n")


def test_a_push_sends_everything_once_and_then_what_is_new(folder, odd_server):
    server = odd_server()
    collection = folder.add_collection()
    things = [stix.indicator() for _ in range(120)]
    fill(folder, collection, things)
    done, rows = push(folder, server.url, collection)
    assert rows[0]["objects"] == 120 and rows[0]["refused"] == 0, done.stderr
    assert sorted(t["id"] for t in server.taken) == sorted(t["id"] for t in things)
    assert rows[0]["pages"] > 1 and server.status_asked >= rows[0]["pages"]
    _, rows = push(folder, server.url, collection)
    assert rows[0]["objects"] == 0
    fill(folder, collection, [stix.indicator()])
    _, rows = push(folder, server.url, collection)
    assert rows[0]["objects"] == 1 and len(server.taken) == 121


def test_one_object_the_other_side_refuses_does_not_hold_the_rest(folder, odd_server):
    server = odd_server()
    collection = folder.add_collection()
    things = [stix.indicator() for _ in range(30)]
    fill(folder, collection, things)
    server.refuses = {things[17]["id"]}
    done, rows = push(folder, server.url, collection, check=False)
    assert done.returncode == 1 and rows[0]["refused"] == 1
    assert {t["id"] for t in server.taken} == {t["id"] for t in things} - server.refuses


def test_one_exchange_pushes_to_another(exchange, folder):
    there = exchange.add_collection("to be pushed to", both="both")
    here = folder.add_collection()
    things = [stix.indicator() for _ in range(25)]
    fill(folder, here, things)
    options = ["--collection", there, "--user", "both", "--password-stdin", "--cacert", exchange.certificate]
    _, rows = push(folder, exchange.url, here, *options, stdin=PASSWORD + "\n")
    assert rows[0]["objects"] == 25 and rows[0]["refused"] == 0
    assert set(walk_ids(exchange.client("both"), objects_of(there))) == {thing["id"] for thing in things}


def test_help_speaks_of_both():
    for name in ("pull", "push"):
        assert binary() is not None
        assert "URL" in run(name, "--help").stdout


# ---- a domain whose DNS names the server (TAXII 2.1 §8.2.1) ------------------------------------------


class NameServer:
    """Answers every SRV question with `records`: (priority, weight, port, host)."""

    def __init__(self, records):
        self.asked = []
        name_server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                data, where = self.request
                end = data.index(b"\0", 12) + 5
                name_server.asked.append(self.name_of(data[12:end - 4]))
                answer = data[:2] + struct.pack(">HHHHH", 0x8180 if records else 0x8183, 1, len(records), 0, 0)
                answer += data[12:end]
                for priority, weight, port, host in records:
                    target = b"".join(bytes([len(part)]) + part.encode() for part in host.split(".")) + b"\0"
                    answer += b"\xc0\x0c" + struct.pack(">HHIH", 33, 1, 60, 6 + len(target))
                    answer += struct.pack(">HHH", priority, weight, port) + target
                where.sendto(answer, self.client_address)

            @staticmethod
            def name_of(labels):
                parts = []
                while labels[0]:
                    parts.append(labels[1:1 + labels[0]].decode())
                    labels = labels[1 + labels[0]:]
                return ".".join(parts)

        self.server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_a_bare_domain_is_looked_up_in_the_dns_and_its_server_found(own_exchange, folder):
    there = own_exchange().start()
    there.add_account("reader")
    shared = there.add_collection("shared", reader="both")
    thing = stix.indicator()
    add(there.client("reader"), shared, thing)
    into = folder.add_collection()
    with NameServer([(9, 1, 1, "localhost"), (1, 5, there.port, "localhost")]) as dns:
        trust = ["--dns", dns.address, "--cacert", there.folder / "tls" / "cert.pem"]
        _, rows = pull(folder, "localhost", into, "--user", "reader", "--password-stdin", *trust, stdin=PASSWORD)
        assert rows[0]["added"] == 1 and thing["id"] in held(folder, into)
        assert set(dns.asked) == {"_taxii2._tcp.localhost"}


@pytest.mark.parametrize("records, says", [
    ([(1, 1, 443, "taxii.somewhere.else")], "not of that domain"),
    ([(1, 1, 443, "notexample.org")], "not of that domain"),
    ([], "https://example.org/taxii2/"),
], ids=["another domain", "a name that only ends alike", "no record"])
def test_a_domain_whose_dns_names_no_server_of_its_own_is_refused(folder, records, says):
    into = folder.add_collection()
    with NameServer(records) as dns:
        done, _ = pull(folder, "example.org", into, "--dns", dns.address, check=False)
    assert done.returncode == 3 and says in done.stderr, done.stderr
