"""A small HTTP/1.1 client that hides nothing: what was sent and received stays visible.

Requests go out exactly as written; answers keep every header line in order.
`strict_json` reads I-JSON (RFC 7493) only, and `check_answer` holds each
answer against what TAXII 2.1 says of every response.
"""

import base64
import json
import re
import socket
import ssl

TAXII = "application/taxii+json;version=2.1"
TIMESTAMP = re.compile(r"\A\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)\.\d{6}Z\Z")
UUID4 = re.compile(r"\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
BIGGEST_INTEGER = 2**53 - 1


class Gone(Exception):
    """The server closed the connection before the answer was whole."""


class Answer:
    def __init__(self, status, reason, fields, body):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = body

    def every(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def one(self, name):
        values = self.every(name)
        assert len(values) == 1, f"{name} stands {len(values)} times in {self.fields}"
        return values[0]

    def has(self, name):
        return bool(self.every(name))

    def json(self):
        return strict_json(self.body)

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:400]!r}>"


def strict_json(data):
    def pairs(items):
        names = [name for name, _ in items]
        assert len(names) == len(set(names)), f"a name stands twice: {names}"
        return dict(items)

    def integer(text):
        value = int(text)
        assert -BIGGEST_INTEGER <= value <= BIGGEST_INTEGER, f"{text} is not an I-JSON integer"
        return value

    def constant(text):
        raise AssertionError(f"{text} is not JSON")

    return json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_int=integer, parse_constant=constant)


def check_no_empty_list(value, path="$"):
    """TAXII 2.1 section 2: a list has at least one value, or its key is left out."""
    if isinstance(value, list):
        assert value, f"an empty list at {path}"
        for at, item in enumerate(value):
            check_no_empty_list(item, f"{path}[{at}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            check_no_empty_list(item, f"{path}.{name}")


def check_error(answer, resource):
    """TAXII 2.1 section 3.6.1."""
    known = {"title", "description", "error_id", "error_code", "http_status", "external_details", "details"}
    assert set(resource) <= known, resource
    assert isinstance(resource.get("title"), str) and resource["title"], resource
    for name in known - {"title", "details"}:
        assert name not in resource or isinstance(resource[name], str), resource
    assert resource.get("http_status") == str(answer.status), resource


def check_answer(answer, method="GET"):
    """What holds for every answer of a TAXII endpoint, errors included."""
    assert answer.one("Content-Type") == TAXII, answer
    assert answer.has("Date"), answer
    if answer.status == 401:
        assert answer.every("WWW-Authenticate"), answer
    if method == "HEAD" or (method == "DELETE" and answer.status == 200):
        assert answer.body == b"", answer
        return
    resource = answer.json()
    assert isinstance(resource, dict), answer
    check_no_empty_list(resource)
    if answer.status >= 400:
        check_error(answer, resource)


class Connection:
    """One socket. `context` is an ssl.SSLContext, or None for plain HTTP; `source` the address we come from."""

    def __init__(self, host, port, context=None, source=None, timeout=60):
        raw = socket.create_connection((host, port), timeout=timeout, source_address=(source, 0) if source else None)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(raw, server_hostname=host) if context else raw
        except BaseException:
            raw.close()
            raise
        self.buffer = b""
        self.usable = True

    def close(self):
        self.usable = False
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        try:
            piece = self.socket.recv(262144)
        except (ConnectionError, ssl.SSLError) as problem:
            raise Gone(str(problem)) from problem
        if not piece:
            raise Gone(f"closed after {self.buffer[:200]!r}")
        self.buffer += piece

    def _line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _exactly(self, count):
        pieces = [self.buffer]
        have = len(self.buffer)
        while have < count:
            self.buffer = b""
            self._more()
            pieces.append(self.buffer)
            have += len(self.buffer)
        whole = b"".join(pieces)
        self.buffer = whole[count:]
        return whole[:count]

    def _chunks(self):
        body = b""
        while size := int(self._line().split(";")[0], 16):
            body += self._exactly(size)
            assert self._line() == ""
        while self._line():
            pass
        return body

    def receive(self, method="GET"):
        """The next final answer; 1xx are skipped."""
        while True:
            version, status, *reason = self._line().split(" ", 2)
            assert version == "HTTP/1.1", version
            fields = []
            while line := self._line():
                name, colon, value = line.partition(":")
                assert colon and name and name == name.strip(), line
                fields.append((name, value.strip()))
            answer = Answer(int(status), reason[0] if reason else "", fields, b"")
            if answer.status >= 200:
                break
        if method != "HEAD" and answer.status not in (204, 304):
            if answer.has("Transfer-Encoding"):
                assert answer.one("Transfer-Encoding").lower() == "chunked" and not answer.has("Content-Length")
                answer.body = self._chunks()
            else:
                answer.body = self._exactly(int(answer.one("Content-Length")))
        if "close" in [value.lower() for value in answer.every("Connection")]:
            self.close()
        return answer


class Client:
    """Somebody with credentials (or none) who keeps one connection open.

    `auth` is a whole Authorization value, or None. `context` and `source` as in Connection.
    """

    def __init__(self, host, port, auth=None, context=None, source=None):
        self.host, self.port, self.auth, self.context, self.source = host, port, auth, context, source
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def head_of(self, method, target, headers, accept, body):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        if accept is not None:
            lines += [f"Accept: {value}" for value in ([accept] if isinstance(accept, str) else accept)]
        if self.auth is not None:
            lines.append(f"Authorization: {self.auth}")
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")

    def raw(self, method, target, headers=(), accept=TAXII, body=None):
        """One request; the answer is not checked. A connection closed while idle is opened again, once."""
        request = self.head_of(method, target, headers, accept, body) + (body or b"")
        for fresh in (False, True):
            if fresh or self.connection is None or not self.connection.usable:
                self.close()
                self.connection = Connection(self.host, self.port, self.context, self.source)
                fresh = True
            try:
                self.connection.send(request)
                return self.connection.receive(method)
            except (Gone, OSError):
                self.close()
                if fresh:
                    raise

    def ask(self, method, target, headers=(), accept=TAXII, body=None):
        answer = self.raw(method, target, headers, accept, body)
        check_answer(answer, method)
        return answer

    def get(self, target, **more):
        return self.ask("GET", target, **more)

    def head(self, target, **more):
        return self.ask("HEAD", target, **more)

    def delete(self, target, **more):
        return self.ask("DELETE", target, **more)

    def post(self, target, body, content_type=TAXII, headers=(), **more):
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode("utf-8")
        if content_type is not None:
            headers = [("Content-Type", content_type), *headers]
        return self.ask("POST", target, headers=headers, body=body, **more)


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
