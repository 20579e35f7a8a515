#!/usr/bin/env python3
"""Verifies a transparency log, or one proof, with nothing but Python's standard library.

    tlog_verify.py log DIR POLICY            every tile, the entries it has, the checkpoint's signatures
    tlog_verify.py proof FILE POLICY ENTRY   that the bytes of the file ENTRY are in the log

Written from the standards (C2SP's tlog documents, RFC 6962, RFC 8032, FIPS 204) and from none of Breakwater's code, so that
each holds the other to account. Prints "ok" or the reason.
"""
import base64
import hashlib
import pathlib
import sys

class Refused(Exception):
    """The reason, for people."""

def need(claim, reason):
    if not claim:
        raise Refused(reason)

def unbase64(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused("not base64") from None
    need(base64.b64encode(raw).decode() == text, "base64 is not canonical")
    return raw

def decimal(text):
    need(text.isascii() and text.isdigit() and (text == "0" or text[0] != "0"), "not a decimal number")
    return int(text)

# ---- Merkle trees: RFC 6962 section 2.1
def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def root_of(hashes):
    """Of perfect subtrees of equal height; the last ones may be fewer than a power of two."""
    if not hashes:
        return sha256()
    while len(hashes) > 1:
        odd = hashes[-1:] if len(hashes) % 2 else []
        hashes = [sha256(b"\1", *hashes[i:i + 2]) for i in range(0, len(hashes) - 1, 2)] + odd
    return hashes[0]

def root_from_path(index, size, leaf, path):
    """RFC 9162 section 2.1.3.2."""
    need(index < size, "the index is beyond the log")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        need(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            r = sha256(b"\1", p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1", r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the proof is too short")
    return r

# ---- Ed25519: RFC 8032 section 5.1
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, d - c, d + c, f + e
    return w * x % P, y * z % P, x * y % P, w * z % P

def point_mul(s, a):
    out = 0, 1, 1, 0
    while s:
        out = point_add(out, a) if s & 1 else out
        a, s = point_add(a, a), s >> 1
    return out

def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2:
        x = x * pow(2, (P - 1) // 4, P) % P
    need(y < P and x * x % P == x2 and not (x == 0 and sign), "not a point of Ed25519")
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P

BASE = point(int.to_bytes(4 * pow(5, P - 2, P) % P, 32, "little"))

def ed25519_verifies(public, message, signature):
    need(len(public) == 32 and len(signature) == 64, "not of Ed25519's length")
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = point_mul(s, BASE), point_add(r, point_mul(h, a))
    return s < L and not any((left[i] * right[2] - right[i] * left[2]) % P for i in (0, 1))

# ---- ML-DSA-44: FIPS 204
Q, TAU, GAMMA1, GAMMA2, K, LL, OMEGA, BETA = 8380417, 39, 1 << 17, 95232, 4, 4, 80, 78
ZETAS = [pow(1753, int(f"{i:08b}"[::-1], 2), Q) for i in range(256)]

def ntt(w):
    w, m, half = w[:], 0, 128
    while half:
        for start in range(0, 256, 2 * half):
            m += 1
            for j in range(start, start + half):
                t = ZETAS[m] * w[j + half] % Q
                w[j + half], w[j] = (w[j] - t) % Q, (w[j] + t) % Q
        half //= 2
    return w

def inverse_ntt(w):
    w, m, half = w[:], 256, 1
    while half < 256:
        for start in range(0, 256, 2 * half):
            m -= 1
            for j in range(start, start + half):
                w[j], w[j + half] = (w[j] + w[j + half]) % Q, -ZETAS[m] * (w[j] - w[j + half]) % Q
        half *= 2
    return [x * 8347681 % Q for x in w]

def expand(rho, s, r):
    stream = hashlib.shake_128(rho + bytes([s, r])).digest(3 * 600)
    found = (stream[i] | stream[i + 1] << 8 | (stream[i + 2] & 127) << 16 for i in range(0, len(stream), 3))
    return [x for x in found if x < Q][:256]

def ball(seed):
    stream = hashlib.shake_256(seed).digest(1024)
    signs, at, c = int.from_bytes(stream[:8], "little"), 8, [0] * 256
    for i in range(256 - TAU, 256):
        while stream[at] > i:
            at += 1
        j, at = stream[at], at + 1
        c[i], c[j] = c[j], 1 - 2 * (signs >> (i + TAU - 256) & 1)
    return c

def unpack(data, bits):
    whole = int.from_bytes(data, "little")
    return [whole >> (bits * i) & ((1 << bits) - 1) for i in range(len(data) * 8 // bits)]

def hints(y):
    out, at = [[0] * 256 for _ in range(K)], 0
    for i in range(K):
        if len(y) != OMEGA + K or not at <= y[OMEGA + i] <= OMEGA:
            return None
        for n in range(at, y[OMEGA + i]):
            if n > at and y[n - 1] >= y[n]:
                return None
            out[i][y[n]] = 1
        at = y[OMEGA + i]
    return out if not any(y[at:OMEGA]) else None

def use_hint(hint, r):
    low = (r + GAMMA2 - 1) % (2 * GAMMA2) - GAMMA2 + 1
    high, low = (0, low - 1) if r - low == Q - 1 else ((r - low) // (2 * GAMMA2), low)
    return (high + (1 if low > 0 else -1)) % 44 if hint else high

def mldsa44_verifies(public, message, signature):
    z = [[GAMMA1 - x for x in unpack(signature[32 + 576 * i:608 + 576 * i], 18)] for i in range(LL)]
    h = hints(signature[32 + 576 * LL:])
    if len(public) != 1312 or h is None or any(abs(x) >= GAMMA1 - BETA for row in z for x in row):
        return False
    mu = hashlib.shake_256(hashlib.shake_256(public).digest(64) + b"\0\0" + message).digest(64)
    c, z = ntt(ball(signature[:32])), [ntt([x % Q for x in row]) for row in z]
    packed = b""
    for r in range(K):
        t1 = ntt([x << 13 for x in unpack(public[32 + 320 * r:352 + 320 * r], 10)])
        row = [expand(public[:32], s, r) for s in range(LL)]
        w = inverse_ntt([(sum(row[s][i] * z[s][i] for s in range(LL)) - c[i] * t1[i]) % Q for i in range(256)])
        high = sum(use_hint(h[r][i], w[i]) << (6 * i) for i in range(256))
        packed += high.to_bytes(192, "little")
    return hashlib.shake_256(mu + packed).digest(32) == signature[:32]

# ---- notes, checkpoints, cosignatures, policies: C2SP
class Key:
    def __init__(self, text):
        self.name, number, material = text.split("+", 2)
        raw = unbase64(material)
        self.type, self.public = raw[0], raw[1:]
        self.id = sha256(self.name.encode(), b"\n", raw)[:4]
        need(number.lower() == self.id.hex(), f"the key of {self.name} has another id")

    def verifies(self, checkpoint, signature):
        if self.type == 1:
            return ed25519_verifies(self.public, checkpoint.text, signature)
        time, rest = signature[:8], signature[8:]
        if self.type == 4:
            head = f"cosignature/v1\ntime {int.from_bytes(time, 'big')}\n".encode()
            return ed25519_verifies(self.public, head + checkpoint.text, rest)
        need(self.type == 6, "a key of an unknown type")
        name, origin = self.name.encode(), checkpoint.origin.encode()
        message = (b"subtree/v1\n\0" + bytes([len(name)]) + name + time + bytes([len(origin)]) + origin + bytes(8) +
                   checkpoint.size.to_bytes(8, "big") + checkpoint.root)
        return mldsa44_verifies(self.public, message, rest)

    def signed(self, checkpoint):
        mine = [raw for name, raw in checkpoint.signatures if name == self.name and raw[:4] == self.id]
        need(all(self.verifies(checkpoint, raw[4:]) for raw in mine), f"the signature of {self.name} does not verify")
        return bool(mine)

class Checkpoint:
    def __init__(self, note):
        text, parted, lines = note.decode().rpartition("\n\n")
        need(parted and lines.endswith("\n"), "not a signed note")
        self.text = (text + "\n").encode()
        self.signatures = []
        for line in lines[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            need(dash == "\u2014" and name, "not a line with a signature")
            self.signatures.append((name, unbase64(signature)))
        self.origin, size, root = text.split("\n")[:3]
        self.size, self.root = decimal(size), unbase64(root)

def check_policy(text, checkpoint):
    logs, has, quorum = [], {"none": True}, None
    for line in text.split("\n"):
        word, *rest = line.split() or ["#"]
        if word == "log":
            logs.append(Key(rest[0]))
        elif word == "witness":
            has[rest[0]] = Key(rest[1]).signed(checkpoint)
        elif word == "group":
            name, least, *members = rest
            least = {"any": 1, "all": len(members)}.get(least) or decimal(least)
            has[name] = sum(has[member] for member in members) >= least
        elif word == "quorum":
            quorum = has[rest[0]]
        else:
            need(word.startswith("#"), "not a policy")
    need(any(log.name == checkpoint.origin and log.signed(checkpoint) for log in logs), "no known log has signed")
    need(quorum, "too few witnesses have signed")

# ---- a log in a folder: C2SP tlog-tiles
def tile(folder, level, index, width):
    groups = [f"{index:03d}"[-3:]]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    path = folder / "tile" / str(level) / "/".join(groups)
    if width < 256:
        path = path.with_name(f"{path.name}.p") / str(width)
    need(path.exists(), f"{path} is missing")
    return path.read_bytes()

def check_log(folder, checkpoint):
    """Bottom up: what the entries hash to must be what every tile says, and lead to the root."""
    hashes, is_full = [], (folder / "tile" / "entries").exists()  # else it commits to what is handed over elsewhere
    for start in range(0, checkpoint.size, 256):
        width, at = min(256, checkpoint.size - start), 0
        bundle = tile(folder, "entries" if is_full else 0, start // 256, width)
        for _ in range(width):
            end = at + (2 + int.from_bytes(bundle[at:at + 2], "big") if is_full else 32)
            need(at + 2 <= end <= len(bundle), f"the entries from {start} on are cut short")
            hashes.append(sha256(b"\0", bundle[at + 2:end]) if is_full else bundle[at:end])
            at = end
        need(at == len(bundle), f"something follows the entries from {start} on")
    root, level = root_of(hashes), 0
    while hashes:
        for start in range(0, len(hashes), 256):
            part = hashes[start:start + 256]
            need(tile(folder, level, start // 256, len(part)) == b"".join(part), f"tile {level}/{start // 256} was edited")
        hashes = [root_of(hashes[i:i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    need(root == checkpoint.root, "the entries do not lead to the root that was signed")

def check_proof(text, entry, policy):
    head, _, note = text.partition(b"\n\n")
    lines = head.decode().split("\n")
    need(lines.pop(0) == "c2sp.org/tlog-proof@v1", "not a proof")
    if lines and lines[0].startswith("extra "):
        unbase64(lines.pop(0)[6:])
    need(lines and lines[0].startswith("index "), "the proof has no index")
    index, checkpoint = decimal(lines.pop(0)[6:]), Checkpoint(note)
    check_policy(policy, checkpoint)
    root = root_from_path(index, checkpoint.size, sha256(b"\0", entry), [unbase64(line) for line in lines])
    need(root == checkpoint.root, "the entry is not in the log")

def main(words):
    what, subject, policy = words[0], pathlib.Path(words[1]), pathlib.Path(words[2]).read_text()
    try:
        if what == "log":
            checkpoint = Checkpoint((subject / "checkpoint").read_bytes())
            check_policy(policy, checkpoint)
            check_log(subject, checkpoint)
        else:
            check_proof(subject.read_bytes(), pathlib.Path(words[3]).read_bytes(), policy)
    except (Refused, ValueError, KeyError, IndexError) as why:
        print(why)
        return 1
    print("ok")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
