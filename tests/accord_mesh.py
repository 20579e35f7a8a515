"""Five nodes in a ring, or each with each, in network namespaces of their own: what they tell each other, cut apart and healed.

Each passes on what it was told. Edits and revocations come to all, deletions are each node's own affair, and nothing goes back
to where it came from: every version crosses each direction of each accord at most once."""

import concurrent.futures
import itertools
import json
import os
import random
import subprocess
import time

import stix
from accord_rig import GREEN, PARTNERS_PORT, Partner, agree, meet, without_trouble
from exchange import READY_WITHIN, binary, patience

NODES = 5


def why_not():
    """The reason why namespaces cannot be made here, or None."""
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"bw{os.getpid()}x"
    try:
        done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            done = subprocess.run(["ip", "-n", name, "link", "add", "switch", "type", "bridge"], capture_output=True, text=True,
                                  check=False)
            subprocess.run(["ip", "netns", "del", name], check=False)
    except OSError as missing:
        return str(missing)
    return None if done.returncode == 0 else f"no network namespaces here: {done.stderr.strip()}"


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True, timeout=60 * patience())


class Wires:
    """A switch, and one wire for each node; a cut puts some of the nodes at another switch."""

    def __init__(self, count):
        self.base = f"bw{os.getpid()}"
        self.count = count
        self.switch = f"{self.base}s"
        ip("netns", "add", self.switch)
        for bridge in ("one", "two"):
            ip("-n", self.switch, "link", "add", bridge, "type", "bridge")
            ip("-n", self.switch, "link", "set", bridge, "up")
        for node in range(count):
            space = self.space(node)
            ip("netns", "add", space)
            ip("-n", self.switch, "link", "add", f"p{node}", "type", "veth", "peer", "name", "eth", "netns", space)
            ip("-n", space, "addr", "add", f"{self.host(node)}/24", "dev", "eth")
            ip("-n", space, "link", "set", "eth", "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", self.switch, "link", "set", f"p{node}", "master", "one", "up")

    def space(self, node):
        return f"{self.base}n{node}"

    @staticmethod
    def host(node):
        return f"10.91.7.{node + 1}"

    def cut(self, away):
        """These on one side, the others on the other; nobody away: healed."""
        for node in range(self.count):
            ip("-n", self.switch, "link", "set", f"p{node}", "master", "two" if node in away else "one")

    def bytes(self, node):
        """What went over a node's wire, there and back."""
        done = subprocess.run(["ip", "netns", "exec", self.space(node), "cat", "/proc/net/dev"], capture_output=True,
                              text=True, check=True)
        words = next(line for line in done.stdout.splitlines() if line.strip().startswith("eth:")).split(":")[1].split()
        return words[0], words[8]

    def close(self):
        for name in (self.switch, *map(self.space, range(self.count))):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class Mesh:
    """`skew`: node = seconds its wall clock is off, with `shim` to make it so. `seed`: of all that is random."""

    def __init__(self, folder, shape="ring", seed=1, skew=None, shim=None):
        self.random = random.Random(seed)
        self.wires = Wires(NODES)
        self.known = {}  # id: (owner, the object as it is now)
        self.settled, self.deleted = [], {}
        self.versions, self.second = 0, 0
        self.nodes = [Partner(folder, f"n{number}", self.wires.host(number)) for number in range(NODES)]
        self.pairs = ([(0, 1), (2, 3), (1, 2), (3, 4), (4, 0)] if shape == "ring" else
                      list(itertools.combinations(range(NODES), 2)))
        for number, node in enumerate(self.nodes):
            for daemon in (node.serve, node.accords):
                daemon.prefix = ["ip", "netns", "exec", self.wires.space(number)]
                if skew and number in skew:
                    daemon.env = {**os.environ, "LD_PRELOAD": str(shim), "BW_CLOCK_SHIFT_S": str(skew[number])}

    def accord(self, pair):
        return f"a{pair[0]}-{pair[1]}"

    def open(self):
        names = ["own", *(node.name for node in self.nodes)]
        for node in self.nodes:
            node.run("collection", "add", "Own", "--alias", "own", "--data", node.data)
        for pair in self.pairs:
            one, other = (self.nodes[number] for number in pair)
            meet(one, other)
            agree(one, other, "--witness", "ally", "--onward", "as-marked", "--personal-data", "none", "--per-minute",
                  "60000000", accord=self.accord(pair), ours=",".join(names), theirs=",".join(names))
        for node in self.nodes:
            node.start()

    def close(self):
        for node in self.nodes:
            node.stop()
        self.wires.close()

    # ---- what people do ----

    def edit(self, count, nodes=range(NODES)):
        """So many new objects, new versions and revocations, each at the node whose object it is."""
        todo = {number: {} for number in nodes}
        mine = {number: [key for key, (owner, thing) in self.known.items()
                         if owner == number and not thing.get("revoked") and key not in self.deleted] for number in nodes}
        for _ in range(count):
            owner = self.random.choice(list(nodes))
            self.second += 1
            if not mine[owner] or self.random.random() < 0.3:
                thing = stix.indicator(self.second, object_marking_refs=[GREEN])
                mine[owner].append(thing["id"])
            else:
                at = self.random.randrange(len(mine[owner]))
                thing = {**self.known[mine[owner][at]][1], "name": f"v{self.second}"}
                thing["modified"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(1714600000 + self.second))
                if self.random.random() < 0.1:
                    thing["revoked"] = True
                    mine[owner].pop(at)
            self.known[thing["id"]] = owner, thing
            todo[owner].setdefault(thing["id"], []).append(thing)
            self.versions += 1
        for number, things in todo.items():
            if things:
                self.put(self.nodes[number], [thing for one in things.values() for thing in one])

    def put(self, node, things):
        bundle = node.file.with_suffix(".jsonl")
        bundle.write_text("".join(json.dumps(thing) + "\n" for thing in things))
        node.run("import", "--data", node.data, "--collection", "own", bundle)

    def delete(self, count):
        """Of what has come to all: its owner takes it away, the others keep what they were told."""
        left = [key for key in self.settled if key not in self.deleted]
        for key in self.random.sample(left, min(count, len(left))):
            owner, thing = self.known[key]
            self.nodes[owner].run("delete", "--data", self.nodes[owner].data, "--collection", "own", "--yes", key)
            self.deleted[key] = owner, thing

    # ---- what is there ----

    def has(self, number):
        """id: when modified, whether revoked."""
        node = self.nodes[number]
        done = subprocess.run([binary(), "export", "--format-out", "jsonl", "--quiet", "--data", str(node.data)],
                              capture_output=True, text=True, timeout=600 * patience(), check=False)
        assert done.returncode == 0, done.stderr
        things = map(json.loads, done.stdout.splitlines())
        return {thing["id"]: (thing["modified"], thing.get("revoked", False)) for thing in things}

    def wanted(self, number):
        return {key: (thing["modified"], thing.get("revoked", False)) for key, (_, thing) in self.known.items()
                if self.deleted.get(key, (None,))[0] != number}

    def missing(self, numbers=range(NODES)):
        for number in numbers:
            has, wanted = self.has(number), self.wanted(number)
            wrong = [key for key in has.keys() | wanted.keys() if has.get(key) != wanted.get(key)]
            if wrong:
                return f"{self.nodes[number].name}: {len(wrong)} of {len(wanted)} are not as they should be, as {wrong[0]}"
        return None

    def converge(self, within_s=120, numbers=range(NODES)):
        """All have the newest of all, and no more is told."""
        deadline = time.monotonic() + within_s * patience()
        while wrong := self.missing(numbers):
            assert time.monotonic() < deadline, wrong + "\n" + "\n".join(node.words() for node in self.nodes)
            time.sleep(0.2)
        self.settled = [key for key in self.known if key not in self.deleted]

    def quiet(self):
        """Connected, with nothing to do: a second in which less than 2,000 bytes pass each node's wire."""
        def passed():
            return [int(word) for number in range(NODES) for word in self.wires.bytes(number)]

        deadline = time.monotonic() + READY_WITHIN
        while True:
            before = passed()
            time.sleep(1)
            more = [after - old for after, old in zip(passed(), before)]
            if max(more) < 2000:
                return
            assert time.monotonic() < deadline, more

    def told(self):
        """Entries in the log of each direction."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ways = [(self.nodes[number], self.accord(pair)) for pair in self.pairs for number in pair]
            said = pool.map(lambda way: way[0].accord("verify", way[1], "--format", "json"), ways)
            return [json.loads(one.splitlines()[0])["entries"] for one in said]

    def check(self, killed=False):
        """Nothing went round. `killed`: whoever was knows what that is like."""
        told = self.told()
        assert max(told) <= self.versions, (told, self.versions)
        for node in self.nodes:
            assert "entry refused" not in node.accords.said(), node.words()
        if not killed:
            without_trouble(*self.nodes)
        return told


__all__ = ["GREEN", "Mesh", "PARTNERS_PORT", "why_not"]
