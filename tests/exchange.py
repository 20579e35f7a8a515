"""One real `breakwater serve` with a data folder of its own, and what a story does with it."""

import itertools
import os
import pathlib
import re
import select
import shutil
import signal
import ssl
import subprocess
import time
import uuid

from wire import Client, Gone, basic, strict_json

ROOT = pathlib.Path(__file__).resolve().parent.parent
PASSWORD = "correct horse battery staple"


def patience():
    """How many times slower than usual the machine is: what waits at most so long waits that much longer."""
    return float(os.environ.get("BW_PATIENCE", "1"))


LOOK = 0.1 * patience()  # seconds from one look at what is waited for to the next: a look may cost a process
READY_WITHIN = 60 * patience()  # seconds; under sanitizers on a busy machine a start is slow


def binary():
    """The program under test: $BREAKWATER, or the newest build beside the sources."""
    named = os.environ.get("BREAKWATER")
    if named:
        return pathlib.Path(named).resolve()
    built = [path for path in ROOT.glob("build*/breakwater") if os.access(path, os.X_OK)]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


def shared():
    """The folder with real data of others, or None: $BW_SHARED, or `shared` beside the repository."""
    folder = pathlib.Path(os.environ.get("BW_SHARED", ROOT.parent / "shared"))
    return folder if folder.is_dir() else None


def run(*args, stdin="", check=True, timeout=120 * patience(), env=None):
    done = subprocess.run(
        [binary(), *map(str, args)], input=stdin, capture_output=True, text=True, timeout=timeout, env=env
    )
    if check and done.returncode != 0:
        raise AssertionError(f"breakwater {' '.join(map(str, args))} ended with {done.returncode}: {done.stderr}")
    return done


def process(pid):
    """(name, parent) of a process that runs, or None; the dead whom nobody has buried do not run."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    name, rest = stat.split("(", 1)[1].rsplit(")", 1)
    state, parent = rest.split()[:2]
    return None if state in "ZX" else (name, int(parent))


def children_of(pid):
    found = {}
    for entry in os.listdir("/proc"):
        seen = process(entry) if entry.isdigit() else None
        if seen and seen[1] == pid:
            found[int(entry)] = seen[0]
    return found


class Exchange:
    """`options` go to serve. `prefix` stands before the command (prlimit, setpriv); `env` adds to the environment."""

    def __init__(self, folder, plain=False, options=(), prefix=(), env=None):
        self.folder = pathlib.Path(folder)
        self.plain = plain
        self.options = [str(option) for option in options]
        self.prefix = [str(word) for word in prefix]
        self.env = {**os.environ, **(env or {})}
        self.log = self.folder.with_suffix(".log")
        self.strangers = itertools.count(0x010101)
        self.process = None
        self.admin_key = None
        self.url = None
        self.host, self.port = "127.0.0.1", 0

    # ---- the folder ----

    def init(self):
        done = run("init", self.folder)
        found = re.search(r"\bbwk_\S+", done.stdout + done.stderr)
        self.admin_key = found.group(0) if found else None
        return self

    def command(self, *args, stdin="", check=True, timeout=120 * patience()):
        return run(*args, "--data", self.folder, stdin=stdin, check=check, timeout=timeout)

    def add_collection(self, title="a collection", alias=None, **grants):
        """Returns its id. `grants`: account name = none|read|write|both."""
        number = str(uuid.uuid4())
        self.command("collection", "add", title, "--id", number, *(["--alias", alias] if alias else []))
        for account, access in grants.items():
            self.grant(account, number, access)
        return number

    def add_account(self, name, password=PASSWORD):
        self.command("account", "add", name, "--password-stdin", stdin=password + "\n")

    def make_key(self, account):
        """A new API key of the account, as shown this once."""
        found = re.search(r"\bbwk_\S+", self.command("account", "key", account).stdout)
        assert found, "no key was shown"
        return found.group(0)

    def use_certificate(self, account, certificate):
        self.command("account", "certificate", account, certificate)

    def grant(self, account, collection, access):
        self.command("account", "grant", account, collection, access)

    @property
    def certificate(self):
        return self.folder / "tls" / "cert.pem"

    # ---- the process ----

    def start(self):
        """Starts serve and waits for its one line. A second start serves at the same port."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    *self.prefix,
                    binary(),
                    "serve",
                    "--data",
                    self.folder,
                    "--listen",
                    f"{self.host}:{self.port}",
                    *(["--plain"] if self.plain else []),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.env,
            )
        line = self._ready_line()
        found = re.search(r"(https?)://([^/:\s]+|\[[^\]]+\]):(\d+)/taxii2/", line)
        if not found:
            self.kill()
            raise AssertionError(f"not ready: {line!r}\n{self.words()[-3000:]}")
        assert found.group(1) == ("http" if self.plain else "https"), line
        self.url = found.group(0)
        self.port = int(found.group(3))
        return self

    def _ready_line(self):
        """The first line on standard output, or what there was of it when the process ended or time was up."""
        pipe = self.process.stdout.fileno()
        deadline = time.monotonic() + READY_WITHIN
        data = b""
        while b"\n" not in data and (left := deadline - time.monotonic()) > 0:
            if not select.select([pipe], [], [], left)[0]:
                break
            piece = os.read(pipe, 4096)
            if not piece:
                break
            data += piece
        return data.decode(errors="replace")

    def stop(self):
        """A graceful stop; returns the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=READY_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self.process.stdout.close()
            self.process = None

    def kill(self):
        """kill -9 to the parent; returns when the workers, too, are gone."""
        if self.process is None:
            return
        workers = children_of(self.process.pid)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None
        wait_until(
            lambda: not any((process(pid) or ("",))[0] == name for pid, name in workers.items()),
            "workers outlive their parent",
        )

    def workers(self):
        return children_of(self.process.pid)

    def worker(self, name):
        """The pid of the worker called bw-`name`."""
        pids = [pid for pid, comm in self.workers().items() if comm.startswith(f"bw-{name}")]
        assert pids, f"no bw-{name} among {self.workers()}"
        return pids[0]

    def words(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def check_words(self, nobody_killed=False):
        """What a sanitizer found, or a worker that ended by itself, must not hide behind its restart."""
        words = self.words()
        for bad in ("Sanitizer", "runtime error:", "Assertion", "malformed answer", *(["worker died"] * nobody_killed)):
            assert bad not in words, words[max(0, words.index(bad) - 2000) :][:6000]

    # ---- clients ----

    def context(self, minimum=ssl.TLSVersion.TLSv1_2, maximum=ssl.TLSVersion.MAXIMUM_SUPPORTED, certificate=None):
        if self.plain:
            return None
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.minimum_version = minimum
        context.maximum_version = maximum
        if certificate:
            context.load_cert_chain(*certificate)
        return context

    def client(self, account=None, password=PASSWORD, auth=None, source=None, **tls):
        if account is not None:
            auth = basic(account, password)
        return Client(self.host, self.port, auth, self.context(**tls), source)

    def stranger(self, account=None, password=PASSWORD, **more):
        """A client from an address of its own: what it does wrong slows down nobody else."""
        number = next(self.strangers)
        return self.client(
            account, password, source=f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", **more
        )

    def wait_until_answering(self, client, target="/taxii2/"):
        def answers():
            try:
                return client.raw("GET", target).status == 200
            except (OSError, Gone):
                client.close()
                return False

        wait_until(answers, "the exchange does not answer")


def wait_until(claim, otherwise, seconds=READY_WITHIN):
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def objects_of(collection):
    return f"/api/collections/{collection}/objects/"


def manifest_of(collection):
    return f"/api/collections/{collection}/manifest/"


def object_at(collection, thing):
    return f"{objects_of(collection)}{thing['id'] if isinstance(thing, dict) else thing}/"


def versions_of(collection, thing):
    return f"{object_at(collection, thing)}versions/"


def walk(client, target, by="next", **params):
    """All pages of a GET, by `next` or by `added_after`; yields answers. `params` stay the same on every page."""
    at = {}
    while True:
        query = "&".join(f"{name}={value}" for name, value in {**params, **at}.items())
        answer = client.get(f"{target}?{query}" if query else target)
        assert answer.status == 200, answer
        yield answer
        page = answer.json()
        if not page.get("more", False):
            return
        if by == "next":
            at = {"next": page["next"]}
        else:
            at = {"added_after": answer.one("X-TAXII-Date-Added-Last")}


def walk_ids(client, target, by="next", **params):
    return [thing["id"] for answer in walk(client, target, by, **params) for thing in answer.json().get("objects", [])]


def add(client, collection, *objects):
    """Posts objects that must all be taken; returns the status resource."""
    answer = client.post(objects_of(collection), {"objects": list(objects)})
    assert answer.status == 202, answer
    status = answer.json()
    while status["status"] == "pending":
        status = client.get(f"/api/status/{status['id']}/").json()
    assert status["success_count"] == len(objects), status
    return status


def remove_folder(path):
    shutil.rmtree(path, ignore_errors=True)


__all__ = [name for name in dir() if not name.startswith("_")] + ["strict_json"]
