"""Versions on another machine: sent once, never taken back, and brought home byte by byte. Two data folders, real TLS."""

import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest
from exchange import binary, patience

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="guarding needs root"),
    pytest.mark.skipif(not os.path.exists("/dev/loop-control"), reason="this machine has no loop devices"),
]

BIG = os.urandom(1 << 20) * 9 + b"end"


def run(*words, status=0):
    done = subprocess.run([binary(), *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


class Pair:
    def __init__(self, folder):
        self.folder = folder
        self.here = folder / "here"
        self.there = folder / "there"
        self.mount = folder / "mount"
        self.mount.mkdir()
        with open(folder / "image", "wb") as image:
            image.truncate(256 * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-qF", folder / "image"], check=True, capture_output=True)
        if subprocess.run(["mount", "-o", "loop", folder / "image", self.mount], check=False).returncode != 0:
            pytest.skip("cannot mount here")
        self.share = self.mount / "share"
        (self.share / "deep" / "er").mkdir(parents=True)
        (self.share / "doc.txt").write_text("first words")
        (self.share / "deep" / "er" / "big.bin").write_bytes(BIG)
        os.symlink("doc.txt", self.share / "link")
        (self.share / os.fsdecode(b"odd \xff name")).write_text("odd")
        os.chmod(self.share / "doc.txt", 0o640)
        os.chown(self.share / "doc.txt", 1234, 4321)
        os.utime(self.share / "doc.txt", (1600000000, 1600000000))
        os.setxattr(self.share / "doc.txt", "user.note", b"a note")
        for data in (self.here, self.there):
            (folder / "passphrase").write_text("a passphrase for keys\n")
            run("init", data, "--passphrase-file", folder / "passphrase")
        run("--data", self.here, "guard", "enroll", self.share)
        self.process = None

    def print_of(self, data):
        pem = (data / "tls" / "cert.pem").read_text()
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def serve(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "--data", self.there, "guard", "mirror", "serve", "--listen",
                 getattr(self, "where", "127.0.0.1:0"), "--sender", self.print_of(self.here)],
                stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        found = re.match(r"breakwater: mirror at https://(127\.0\.0\.1:\d+)/, certificate ([0-9a-f]{64})", line)
        assert found, (line, self.words())
        self.where = found[1]
        assert found[2] == self.print_of(self.there)

    def words(self):
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        assert self.process.wait(30 * patience()) == (0 if how == signal.SIGTERM else -how), self.words()

    def push(self, status=0, pin=None, data=None):
        return run("--data", data or self.here, "guard", "mirror", "push", "--to", f"https://{self.where}/", "--pin",
                   pin or self.print_of(self.there), "--format", "json", status=status)

    def keep(self, what, status=0, *more):
        return run("--data", self.there, "guard", "mirror", what, "--sender", self.print_of(self.here), *more,
                   "--format", "json", status=status)

    def journal(self):
        return self.there / "mirror" / self.print_of(self.here) / "journal"

    def change(self, words):
        """A new version of doc.txt, taken by a guard that runs for a moment."""
        with subprocess.Popen([binary(), "--data", self.here, "guard", "run"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as guard:
            assert "guard ready" in guard.stdout.readline()
            end = time.monotonic() + 60 * patience()
            while self.enrolling() and time.monotonic() < end:  # a walk and an event of one change: two versions of it
                time.sleep(0.05)
            (self.share / "doc.txt").write_text(words)
            before = len(self.versions())
            while len(self.versions()) == before and time.monotonic() < end:
                time.sleep(0.05)
            guard.terminate()
            assert guard.wait(30 * patience()) == 0

    def enrolling(self):
        done = subprocess.run([binary(), "--data", self.here, "guard", "status", "--format", "json"],
                              capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        status = json.loads(done.stdout)
        return status["rescans"] == 0 or status["enrolling"] > 0

    def versions(self):
        return json.loads(run("--data", self.here, "guard", "versions", self.share / "doc.txt", "--format", "json").stdout)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["umount", "-l", self.mount], check=False)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    pair = Pair(tmp_path_factory.mktemp("mirror"))
    try:
        pair.serve()
        yield pair
    finally:
        pair.close()


def test_what_is_kept_here_is_kept_there_and_sent_once(pair):
    first = json.loads(pair.push().stdout)
    assert first["versions"] == first["mirrored"] == 4 and first["bytes"] > len(BIG)
    again = json.loads(pair.push().stdout)
    assert again["versions"] == 0 and again["bytes"] < 1000
    assert json.loads(pair.keep("verify").stdout)["versions"] == 4


def test_only_what_is_new_is_sent_also_after_the_mirror_was_killed(pair):
    pair.stop(signal.SIGKILL)
    pair.change("second words")
    pair.serve()
    assert json.loads(pair.push().stdout)["versions"] == 1
    assert json.loads(pair.keep("verify").stdout)["versions"] == 5


def test_everything_comes_back_with_its_metadata(pair):
    to = pair.folder / "back"
    done = json.loads(pair.keep("restore", 0, "--into", to).stdout)
    assert done["files"] == 4 and done["failed"] == 0, done
    back = pathlib.Path(f"{to}{pair.share}")
    assert (back / "doc.txt").read_text() == "second words"
    assert (back / "deep" / "er" / "big.bin").read_bytes() == BIG
    assert os.readlink(back / "link") == "doc.txt"
    assert (back / os.fsdecode(b"odd \xff name")).read_text() == "odd"
    about = (back / "doc.txt").stat()
    assert (about.st_mode & 0o777, about.st_uid, about.st_gid) == (0o640, 1234, 4321)
    assert os.getxattr(back / "doc.txt", "user.note") == b"a note"
    assert "there already" in pair.keep("restore", 3, "--into", to).stderr


def test_a_time_and_a_path_are_chosen(pair):
    taken = pair.versions()[-1]["taken"]
    to = pair.folder / "then"
    done = json.loads(pair.keep("restore", 0, "--into", to, "--at", taken, "--path", pair.share / "doc.txt").stdout)
    assert done["files"] == 1
    assert pathlib.Path(f"{to}{pair.share}/doc.txt").read_text() == "first words"


def test_a_push_that_is_broken_off_goes_on(pair):
    for n in range(30):
        (pair.share / f"more {n}.bin").write_bytes(os.urandom(1 << 20))
    run("--data", pair.here, "guard", "enroll", pair.share)
    with subprocess.Popen([binary(), "--data", pair.here, "guard", "mirror", "push", "--to", f"https://{pair.where}/",
                           "--pin", pair.print_of(pair.there)], stdout=subprocess.DEVNULL) as push:
        size = pair.journal().stat().st_size
        end = time.monotonic() + 60 * patience()
        while pair.journal().stat().st_size == size and push.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        push.kill()
    pair.push()
    assert json.loads(pair.keep("verify").stdout)["versions"] == 35


def test_nobody_else_is_let_in_and_no_other_mirror_is_trusted(pair):
    stranger = pair.folder / "stranger"
    run("init", stranger, "--passphrase-file", pair.folder / "passphrase")
    (stranger / "guard").mkdir()
    (stranger / "guard" / "settings").write_text((pair.here / "guard" / "settings").read_text())
    before = pair.journal().stat().st_size
    pair.push(status=3, data=stranger)
    assert "a stranger asked the mirror" in pair.words()
    assert "mirror" not in pair.push(status=3, pin="0" * 64).stdout
    host, port = pair.where.split(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(OSError):
        with socket.create_connection((host, int(port)), 10 * patience()) as plain, context.wrap_socket(plain) as secure:
            secure.sendall(b"GET /mirror/head HTTP/1.1\r\nHost: x\r\n\r\n")
            assert secure.recv(100) == b""
            raise OSError("let go without a word")
    assert pair.journal().stat().st_size == before
    assert os.listdir(pair.there / "mirror") == [pair.print_of(pair.here)]


def test_a_ledger_that_was_replaced_is_told(pair):
    assert json.loads(pair.push().stdout)["ledger_is_whole"]
    ledger = pair.here / "guard" / "ledger"
    ledger.rename(pair.here / "guard" / "ledger.away")
    assert not json.loads(pair.push(status=1).stdout)["ledger_is_whole"]
    (pair.here / "guard" / "ledger.away").rename(ledger)
    assert json.loads(pair.push().stdout)["ledger_is_whole"]


def test_a_byte_that_changed_in_the_mirror_is_found(pair):
    pair.stop()
    with open(pair.journal(), "r+b") as journal:
        journal.seek(5000)
        byte = journal.read(1)
        journal.seek(5000)
        journal.write(bytes([byte[0] ^ 1]))
    assert "damaged" in pair.keep("verify", 1).stderr
