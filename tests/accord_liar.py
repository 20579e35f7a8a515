"""A partner who lies: it stands where a node's partners come to, has that node's key for TLS, and passes on what the real node
says, changed as a story wants. What needs the node's own keys for its log, `accord_probe forge` does."""

import contextlib
import socket
import ssl
import struct
import threading

from accord_rig import PARTNERS_PORT, Partner, own_host
from exchange import patience

CHECKPOINT, ENTRY, GONE, PROOF, END, REST = range(1, 7)
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.breakwater.passage\r\nTransfer-Encoding: chunked\r\n\r\n"


def record(kind, body):
    return struct.pack(">BI", kind, len(body)) + body


def records(data):
    """Those that are whole, and what is left."""
    found = []
    while len(data) >= 5:
        kind, length = struct.unpack(">BI", data[:5])
        if len(data) < 5 + length:
            break
        found.append((kind, data[5:5 + length]))
        data = data[5 + length:]
    return found, data


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Stream:
    """The real node's stream, as its records, one after another."""

    def __init__(self, upstream):
        self.file = upstream.makefile("rb")
        self.left = b""
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def __iter__(self):
        while size := int(self.file.readline() or b"0", 16):
            found, self.left = records(self.left + self.file.read(size))
            self.file.readline()
            yield from found


class Liar:
    """`passage`, when set, is called once for the next stream: passage(say, stream), where say(bytes) sends. `answers` has
    answers to other paths, whole or as an iterator of bytes. After that it is honest again."""

    def __init__(self, real, partner, listens=True):
        self.real, self.partner = real, partner
        self.host = own_host()
        self.passage, self.answers, self.asked, self.open = None, {}, [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.listener = socket.create_server((self.host, PARTNERS_PORT)) if listens else None
        self.stopped = False

    @property
    def address(self):
        return f"https://{self.host}:{PARTNERS_PORT}/"

    def start(self):
        self.context.load_cert_chain(self.real.data / "accord/tls/cert.pem", self.real.data / "accord/tls/key.pem")
        self.context.verify_mode = ssl.CERT_NONE
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while not self.stopped:
            with contextlib.suppress(OSError):
                raw, _ = self.listener.accept()
                threading.Thread(target=self.visit, args=(raw,), daemon=True).start()

    def stop(self):
        self.stopped = True
        self.listener.close()
        self.drop()

    def drop(self):
        """All connections end; the partner comes again."""
        for one in self.open[:]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def knock(self):
        """At the real node, as the partner."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(self.partner.data / "accord/tls/cert.pem", self.partner.data / "accord/tls/key.pem")
        raw = socket.create_connection((self.real.host, PARTNERS_PORT), timeout=60 * patience())
        return context.wrap_socket(raw)

    def ask(self, path):
        """What the real node answers the partner: status, body."""
        return self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    def post(self, path, body):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        return self.send(head.encode() + body)

    def send(self, request):
        with self.knock() as upstream:
            upstream.sendall(request)
            answer = b""
            with contextlib.suppress(OSError):
                while piece := upstream.recv(65536):
                    answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, body

    def visit(self, raw):
        self.open.append(raw)
        try:
            with self.context.wrap_socket(raw, server_side=True) as client:
                self.open.append(client)
                self.answer(client)
        except (OSError, ValueError):
            pass
        finally:
            raw.close()

    def answer(self, client):
        request = b""
        while b"\r\n\r\n" not in request:
            piece = client.recv(65536)
            if not piece:
                return
            request += piece
        head, _, body = request.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            while name.lower() == b"content-length" and len(body) < int(value):
                body += client.recv(65536)
        path = head.split(b" ")[1].decode()
        self.asked.append(path)
        what = path.partition("?")[0].rpartition("/")[2]
        if what in self.answers:
            for piece in self.answers.pop(what):
                client.sendall(piece)
            return
        with self.knock() as upstream:
            self.open.append(upstream)
            upstream.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)  # one question for each connection
            if what == "passage" and self.passage:
                lie, self.passage = self.passage, None
                client.sendall(STREAM)
                lie(lambda data: client.sendall(chunk(data)), Stream(upstream))
                return
            upstream.settimeout(None)
            while piece := upstream.recv(65536):
                client.sendall(piece)


class Fronted(Partner):
    """A node whose address, as its partners know it, is the liar's."""

    def __init__(self, folder, name, partner):
        super().__init__(folder, name)
        self.liar = Liar(self, partner)
        self.address = self.liar.address

    def start(self):
        super().start()
        self.liar.start()

    def stop(self):
        self.liar.stop()
        super().stop()
