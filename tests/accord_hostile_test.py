"""A partner who lies, floods, replays or sends garbage: what it does is refused or cut off, named, and told; others go on."""

import base64
import json
import struct
import subprocess

import pytest
import stix
from accord_liar import CHECKPOINT, END, ENTRY, Fronted, Liar, record
from accord_rig import GREEN, RED, Partner, agree, meet, until, without_trouble
from exchange import binary

NUMBERS = iter(range(1, 100000))


def green(**more):
    return stix.indicator(next(NUMBERS), object_marking_refs=[GREEN], **more)


class Three:
    """uk lies to us; fr is honest, and tells us things beside it."""

    def __init__(self, folder):
        self.us = Partner(folder, "us")
        self.uk, self.fr = Fronted(folder, "uk", self.us), Partner(folder, "fr")
        self.all = self.uk, self.us, self.fr
        for one in (self.uk, self.fr):
            one.run("collection", "add", "Ransomware", "--alias", "ransomware", "--data", one.data)
        self.us.run("collection", "add", "Seen", "--alias", "seen", "--data", self.us.data)
        meet(self.uk, self.us)
        meet(self.fr, self.us)
        agree(self.uk, self.us, "--witness", "ally", "--classical-tls")
        agree(self.fr, self.us, "--witness", "ally", accord="fr-us")
        self.said = 0

    def start(self):
        for one in self.all:
            one.start()
        self.tell(self.uk)
        self.tell(self.fr)

    def stop(self):
        for one in self.all:
            one.stop()

    def tell(self, who):
        """Something honest crosses."""
        thing = green()
        who.add("ransomware", thing)
        until(lambda: self.us.has(thing), f"nothing came from {who.name}", *self.all)
        return thing

    def news(self):
        """What us has said since this was called last."""
        said = self.us.accords.said()
        fresh, self.said = said[self.said:], len(said)
        return fresh

    def heard(self, words):
        """Waits until us says all of these in one line."""
        def line():
            return any(all(word in one for word in words) for one in self.us.accords.said()[self.said:].splitlines())

        until(line, f"it is not said: {words}", *self.all)

    def lie(self, passage):
        self.news()
        self.uk.liar.passage = passage
        self.uk.liar.drop()

    def told_why(self, words):
        until(lambda: any("partner does not take" in line and words in line for line in self.uk.accords.said().splitlines()),
              f"uk is not told: {words}", *self.all)

    def knock_at_us(self, path, body=None):
        """As uk; without a body it is a GET."""
        at_us = Liar(self.us, self.uk, listens=False)
        return at_us.ask(path) if body is None else at_us.post(path, body)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    nodes = Three(tmp_path_factory.mktemp("three"))
    try:
        nodes.start()
        yield nodes
        without_trouble(*nodes.all)
    finally:
        nodes.stop()


# ---- lies about the log ----------------------------------------------------------------------------


def alter(kind, change):
    """Everything as it is, but the first record of this kind."""
    def passage(say, stream):
        done = False
        for at, body in stream:
            if at == kind and not done:
                done, body = True, change(body)
            say(record(at, body))

    return passage


def flip(at):
    return lambda body: body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]


def without_line(number):
    def change(note):
        head, _, lines = note.partition(b"\n\n")
        lines = lines.splitlines(keepends=True)
        return head + b"\n\n" + b"".join(lines[:number] + lines[number + 1:])

    return change


def bad_signature(note):
    """The last bits of the log's own Ed25519 signature."""
    head, _, lines = note.partition(b"\n\n")
    first, *rest = lines.splitlines(keepends=True)
    dash, name, text = first.split(b" ")
    raw = bytearray(base64.b64decode(text))
    raw[-1] ^= 1
    return head + b"\n\n" + b" ".join([dash, name, base64.b64encode(raw)]) + b"\n" + b"".join(rest)


def cut_short(say, stream):
    for at, body in stream:
        if at == ENTRY:
            say(record(END, b""))
            return
        say(record(at, body))


def garbage(say, _):
    say(bytes(range(7, 256)) * 300)


def too_long(say, _):
    say(struct.pack(">BI", ENTRY, 0xFFFFFFF0))
    say(bytes(100000))


def says_why(say, _):
    say(record(END, "we are closed \N{GRINNING FACE} forged=\"yes\"\nforged line".encode()))


LIES = {
    "SIGNATURE": alter(CHECKPOINT, bad_signature),
    "MISSING": alter(CHECKPOINT, without_line(2)),
    "TYPE": garbage,
    "TOO_BIG": too_long,
    "CUT_SHORT": cut_short,
    "we are closed": says_why,
}


def test_what_breaks_the_log_ends_the_stream_by_name_and_nothing_of_it_is_kept(three):
    for name, passage in LIES.items():
        three.lie(passage)
        thing = green()
        three.uk.add("ransomware", thing)
        three.heard([name, "stream of the partner ended"])
        until(lambda wanted=thing: three.us.has(wanted), f"after {name} it does not go on where it was", *three.all)
    three.tell(three.fr)
    three.told_why("SIGNATURE")
    assert "\nforged line" not in three.us.accords.said()


def test_an_edited_entry_and_an_older_checkpoint_wait_for_a_person(three):
    old = []
    three.lie(lambda say, stream: [(old.append(record(*one)), say(record(*one))) for one in stream])
    three.tell(three.uk)
    three.lie(alter(ENTRY, flip(60)))
    thing = green()
    three.uk.add("ransomware", thing)
    three.heard(["EDITED", "until a person has looked"])
    three.tell(three.fr)
    assert not three.us.has(thing)
    three.us.accord("resume", "uk-us")
    until(lambda: three.us.has(thing), "it does not go on", *three.all)
    three.lie(lambda say, _: say(b"".join(old)))  # a recording
    three.heard(["ROLLBACK", "until a person has looked"])
    assert any(path.name.startswith("evidence") for path in (three.us.data / "accord/in/uk-us").iterdir())
    three.us.accord("resume", "uk-us")
    three.tell(three.uk)


def size_of(note):
    return int(note.split(b"\n")[1])


def test_two_histories_are_a_split_view_for_the_witness_and_for_who_listens(three):
    three.tell(three.uk)
    status, note = three.uk.liar.ask("/log/v1/uk-us/checkpoint")
    assert status == 200
    size, root = size_of(note), base64.b64encode(bytes(32)).decode()
    probe("sign", three.uk.data, three.us.data, "uk-us", size, root)
    other = (three.uk.data / "signed").read_bytes()
    three.news()
    status, _ = three.knock_at_us("/witness/v1/add-checkpoint", b"old %d\n\n" % size + other)
    assert status in (409, 422)
    three.heard(["checkpoint not cosigned"])
    # and if a witness had forgotten what it signed
    three.lie(lambda say, _: say(record(CHECKPOINT, other)))
    three.heard(["SPLIT_VIEW", "until a person has looked"])
    three.heard(["cannot both be true"])
    three.tell(three.fr)
    three.us.accord("resume", "uk-us")
    three.tell(three.uk)


# ---- lies about what the log holds -----------------------------------------------------------------


def probe(*words):
    done = subprocess.run([binary().parent / "accord_probe", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", (words, done.stdout, done.stderr)


def crossing(three, thing, folder):
    """As the real node wrote it."""
    three.uk.accord("prove", "uk-us", thing["id"], "--to", str(folder))
    (entry,) = folder.glob("*entry*")
    text = json.loads(entry.read_bytes()[32:])
    entry.unlink()
    return text


def compact(text):
    return json.dumps(text, separators=(",", ":"), sort_keys=True).encode()


def test_entries_that_the_accord_does_not_allow_are_refused_one_by_one_and_he_is_told(three, tmp_path):
    ours = green()
    three.us.add("seen", ours)
    (tmp_path / "proof").mkdir()
    good = crossing(three, three.tell(three.uk), tmp_path / "proof")
    red, loader = stix.indicator(1, object_marking_refs=[RED]), stix.malware(object_marking_refs=[GREEN])
    us, fr = three.us.own_name(), three.fr.own_name()
    forged = [
        ("above TLP:AMBER", {**good, "object": red, "handling": {**good["handling"], "tlp": "clear"}}),
        ("does not cover", {**good, "object": loader}),
        ("under no version of this accord", {**good, "accord": "0" * 64}),
        ("is not the partner", {**good, "from": [fr]}),
        ("has been at this node", {**good, "from": [us, *good["from"]]}),
        ("its time is over", {**good, "handling": {**good["handling"], "not_after": "2020-01-01T00:00:00.000000Z"}}),
        ("it is no crossing", {"crossing": 1}),
        ("or no valid STIX object", {**good, "object": {"type": "indicator", "id": "x"}}),
    ]
    changed = {**ours, "modified": "2030-01-01T00:00:00.000Z", "name": "forged"}
    three.news()
    for half in (forged[:4], [*forged[4:], ("", {**good, "object": changed})]):
        files = [tmp_path / f"{number}.json" for number in range(len(half))]
        for file, (_, text) in zip(files, half):
            file.write_bytes(json.dumps(text, separators=(",", ":"), sort_keys=True).encode())
        three.uk.accords.stop()
        probe("forge", three.uk.data, "uk-us", *files)
        three.uk.accords.start()
        for words, _ in half:
            three.heard(["entry refused", words])
        if half[0] == forged[0]:
            three.told_why(forged[0][0])
    until(lambda: "accord-refuse" in three.us.audit(), "it is not in the audit log", *three.all)
    assert not any(map(three.us.has, (red, loader)))
    # what he says of ours lies beside it
    until(lambda: "1 taken, 4 refused" in three.us.accords.said()[three.said:], "the rest is not taken", *three.all)
    seen = three.us.run("export", "--data", three.us.data, "--collection", "seen")
    assert ours["name"] in seen and "forged" not in seen
    three.tell(three.uk)
    three.tell(three.fr)


# ---- documents, floods, and those who never end ------------------------------------------------------


def test_old_and_foreign_documents_are_refused_in_words(three):
    first = three.uk.accord("export", "uk-us").encode()
    for body, words in ((b"{}\n", b""), (b"\0" * 5000, b""), (first.replace(b'"payload":"', b'"payload":"AA'), b"signed")):
        status, said = three.knock_at_us("/accord/v1/uk-us/documents", body)
        assert status in (403, 409) and words in said, (status, said)
    assert three.knock_at_us("/accord/v1/fr-us/documents", first)[0] == 404  # an accord with another
    assert three.knock_at_us("/accord/v1/fr-us/passage?from=0.0.0")[0] == 404
    status, said = three.knock_at_us("/accord/v1/uk-us/passage?from=999.0.999")
    assert status == 409 and b"ever delivered" in said
    assert three.knock_at_us("/accord/v1/uk-us/word", b"x" * 501)[0] == 413
    assert three.us.list()["uk-us"]["state"] == "in-force"


def endless(head):
    yield head
    while True:
        yield bytes(65536)


def test_who_asks_without_end_waits_and_whoever_answers_without_end_is_left(three):
    three.news()
    statuses = [three.knock_at_us("/accord/v1/papers")[0] for _ in range(20)]
    assert set(statuses) == {200}
    busy = Liar(three.us, three.uk, listens=False)
    with busy.knock() as line:  # what is not there is said by the hall itself: also a slow machine is fast enough at that
        line.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        seen = b""
        while b" 429 " not in seen:
            piece = line.recv(65536)
            assert piece, seen[-500:]
            seen += piece
    three.heard(["partner asks too often"])
    silent = [busy.knock() for _ in range(20)]  # and say nothing
    three.tell(three.fr)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    three.uk.liar.answers["known"] = endless(head)
    three.uk.liar.drop()
    three.heard(["partner not reached", "larger than the limit"])
    three.tell(three.fr)
    three.tell(three.uk)
    for one in silent:
        one.close()


def test_who_is_faster_than_agreed_waits_and_is_told(three):
    three.us.signs("propose", "uk-us", "--per-minute", "5")
    three.us.file.write_text(three.us.accord("export", "uk-us"))
    three.uk.accord("receive", three.us.file)
    three.news()
    three.uk.signs("sign", "uk-us")
    until(lambda: three.us.list()["uk-us"]["version"] == 2, "the new version did not arrive", *three.all)
    first = [green() for _ in range(8)]
    three.uk.add("ransomware", *first)  # the first of a minute always goes, whatever its size
    until(lambda: three.us.has(first[-1]) or "faster than agreed" in three.us.accords.said()[three.said:], "?", *three.all)
    three.uk.add("ransomware", *(green() for _ in range(8)))
    three.heard(["faster than agreed"])
    three.told_why("more comes than was agreed")
    three.tell(three.fr)
