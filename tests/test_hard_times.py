"""A full disk, a read-only folder, no descriptors left, a clock that is set back: clear errors, nothing lost."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
import stix
from exchange import ROOT, Exchange, add, binary, manifest_of, object_at, objects_of, wait_until, walk, walk_ids
from wire import Connection, Gone


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 48 MiB; .resize(text) and .freeze(yes) change it while it is mounted."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root may mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "breakwater-story", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")

    class Disk:
        path = folder

        def remount(self, options):
            subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True, capture_output=True, timeout=60)

    yield Disk()
    subprocess.run(["umount", "-l", folder], check=True, capture_output=True, timeout=60)


@pytest.fixture
def disk_exchange(small_disk):
    exchange = Exchange(small_disk.path / "data", plain=True).init()
    exchange.log = small_disk.path.parent / "serve.log"  # not on the disk that fills up
    yield exchange
    exchange.kill()


def big_things(count, kilobytes):
    return [stix.indicator(number, description=os.urandom(512 * kilobytes).hex()) for number in range(count)]


def fill(client, collection):
    """Posts until the disk is full: (what was acknowledged, the answer that said no)."""
    taken = []
    for _ in range(200):
        things = big_things(8, 32)
        answer = client.post(objects_of(collection), stix.envelope(*things))
        if answer.status != 202:
            return taken, answer
        status = answer.json()
        assert status["failure_count"] == 0, status["failures"][:1]
        taken += things
    raise AssertionError("the disk does not fill up")


def test_a_full_disk_is_a_clear_error_and_loses_nothing(small_disk, disk_exchange):
    exchange = disk_exchange.start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    add(client, collection, first := stix.indicator())
    taken, refused = fill(client, collection)
    assert refused.status in (503, 507), refused
    assert "disk" in refused.json()["description"] and "full" in refused.json()["description"]
    assert "full" in exchange.words()
    # what is there can still be read
    wanted = [first["id"], *(thing["id"] for thing in taken)]
    assert walk_ids(client, objects_of(collection), limit=7) == wanted
    assert client.get(object_at(collection, taken[-1])).json()["objects"] == [taken[-1]]
    # with room again, it goes on without a restart
    small_disk.remount("size=96m")
    more = stix.indicator(1)
    add(client, collection, more)
    assert walk_ids(client, objects_of(collection), limit=1000) == [*wanted, more["id"]]
    assert exchange.stop() == 0
    assert exchange.command("verify").returncode == 0


def test_a_server_killed_on_a_full_disk_starts_again_with_everything_acknowledged(small_disk, disk_exchange):
    exchange = disk_exchange.start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    taken, _ = fill(client, collection)
    exchange.kill()
    small_disk.remount("size=96m")
    exchange.start()
    client.close()
    assert walk_ids(client, objects_of(collection)) == [thing["id"] for thing in taken]
    add(client, collection, stix.indicator())


def test_an_import_onto_a_full_disk_says_so_and_keeps_what_it_reported(small_disk, disk_exchange, tmp_path):
    exchange = disk_exchange
    collection = exchange.add_collection()
    bundle = tmp_path / "big.json"
    things = big_things(2000, 32)
    bundle.write_text(json.dumps({"type": "bundle", "id": stix.new_id("bundle"), "objects": things}))
    done = exchange.command("import", "--collection", collection, bundle, check=False)
    assert done.returncode == 3, done
    assert "full" in done.stderr
    small_disk.remount("size=256m")
    assert exchange.command("verify").returncode == 0
    assert exchange.command("import", "--collection", collection, bundle).returncode == 0
    exchange.add_account("both")
    exchange.grant("both", collection, "read")
    exchange.start()
    got = walk_ids(exchange.client("both"), objects_of(collection))
    assert sorted(got) == sorted(thing["id"] for thing in things)


def test_a_read_only_folder_is_a_clear_error(small_disk, disk_exchange, tmp_path):
    exchange = disk_exchange
    collection = exchange.add_collection()
    small_disk.remount("ro")
    bundle = tmp_path / "one.json"
    bundle.write_text(json.dumps({"type": "bundle", "id": stix.new_id("bundle"), "objects": [stix.indicator()]}))
    for command in (["import", "--collection", collection, bundle], ["collection", "add", "another"]):
        done = exchange.command(*command, check=False)
        assert done.returncode == 3, done
        assert "read-only" in done.stderr, done.stderr
        assert str(exchange.folder) in done.stderr, done.stderr
    done = exchange.command("serve", "--plain", "--listen", "127.0.0.1:0", check=False)
    assert done.returncode == 3 and "read-only" in done.stderr, done
    small_disk.remount("rw")
    assert exchange.command("import", "--collection", collection, bundle).returncode == 0


# ---- descriptors -----------------------------------------------------------------------------


def limit_descriptors(pid, spare):
    """Leaves the process `spare` descriptors beyond those it has."""
    if not shutil.which("prlimit"):
        pytest.skip("no prlimit program")
    used = max(int(number) for number in os.listdir(f"/proc/{pid}/fd")) + 1
    subprocess.run(
        ["prlimit", "--pid", str(pid), f"--nofile={used + spare}:"], check=True, capture_output=True, timeout=60
    )


def test_without_descriptors_the_front_serves_those_it_has_and_recovers(own_exchange):
    exchange = own_exchange(plain=True, options=["--fronts", "1"]).start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    add(client, collection, stix.indicator())
    limit_descriptors(exchange.worker("front"), 12)
    crowd = []
    try:
        for _ in range(40):
            crowd.append(Connection(exchange.host, exchange.port, timeout=10))
        for _ in range(3):
            assert client.get(objects_of(collection)).status == 200
        # the body of a POST needs a descriptor: it is stored, or refused in plain words
        answer = client.post(objects_of(collection), stix.envelope(stix.indicator()))
        assert answer.status in (202, 503)
        if answer.status == 503:
            assert "descriptor" in answer.json()["description"]
    finally:
        for connection in crowd:
            connection.close()
    deadline = time.monotonic() + 30
    while True:
        assert time.monotonic() < deadline, "the front does not recover"
        try:
            newcomer = exchange.client("both")
            if newcomer.post(objects_of(collection), stix.envelope(stix.indicator())).status == 202:
                break
        except (OSError, Gone):
            pass
        time.sleep(0.1)


def test_a_front_that_was_killed_serves_again(own_exchange):
    exchange = own_exchange(plain=True, options=["--fronts", "1"]).start()
    for _ in range(3):
        pid = exchange.worker("front")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda gone=pid: gone not in exchange.workers(), "it still runs")
        exchange.wait_until_answering(exchange.client(), "/readyz")


@pytest.mark.parametrize("worker", ["keeper", "pager", "reader", "gate"])
def test_without_descriptors_this_worker_refuses_clearly_and_recovers(own_exchange, worker):
    exchange = own_exchange(plain=True).start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    taken = [stix.indicator()]
    add(client, collection, *taken)
    pid = exchange.worker(worker)
    limit_descriptors(pid, 0)
    for _ in range(5):
        thing = stix.indicator()
        answer = client.post(objects_of(collection), stix.envelope(thing))
        assert answer.status in (202, 503), answer
        if answer.status == 202:
            taken.append(thing)
        assert client.get(f"{objects_of(collection)}?limit=1").status in (200, 503)
    if exchange.worker(worker) == pid:
        subprocess.run(["prlimit", "--pid", str(pid), "--nofile=1024:"], check=True, capture_output=True, timeout=60)
    exchange.wait_until_answering(client, objects_of(collection))
    got = walk_ids(client, objects_of(collection))
    assert [number for number in got if number in {thing["id"] for thing in taken}] == [thing["id"] for thing in taken]
    add(client, collection, stix.indicator())


# ---- the clock -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def clock_shim(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no compiler to build the clock shim with")
    if binary() and b"__asan_init" in pathlib.Path(binary()).read_bytes():
        pytest.skip("a sanitized program takes no preloaded clock")
    built = tmp_path_factory.mktemp("shims") / "clock.so"
    source = ROOT / "tests" / "shims" / "clock.c"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", built, source, "-ldl"], check=True, timeout=60)
    return built


def added_of(client, collection):
    rows = [
        row
        for answer in walk(client, manifest_of(collection), "added_after", limit=10)
        for row in answer.json()["objects"]
    ]
    return [row["date_added"] for row in rows]


def check_one_walk(client, collection, things):
    for by in ("next", "added_after"):
        assert walk_ids(client, objects_of(collection), by, limit=3) == [thing["id"] for thing in things]
    added = added_of(client, collection)
    assert added == sorted(set(added)) and len(added) == len(things)


def test_a_clock_that_was_set_back_before_a_start_reorders_nothing(own_exchange, clock_shim):
    exchange = own_exchange(plain=True).start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    things = [stix.indicator(number) for number in range(10)]
    add(client, collection, *things[:5])
    assert exchange.stop() == 0
    exchange.env.update({"LD_PRELOAD": str(clock_shim), "BW_CLOCK_SHIFT_S": "-172800", "BW_CLOCK_FROM_NS": "0"})
    exchange.start()
    client.close()
    for thing in things[5:]:
        add(client, collection, thing)
    check_one_walk(client, collection, things)


def test_a_clock_that_is_set_back_while_serving_reorders_nothing(own_exchange, clock_shim):
    exchange = own_exchange(plain=True)
    jump_ns = time.monotonic_ns() + 4_000_000_000
    exchange.env.update({"LD_PRELOAD": str(clock_shim), "BW_CLOCK_SHIFT_S": "-86400", "BW_CLOCK_FROM_NS": str(jump_ns)})
    exchange.start()
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    client = exchange.client("both")
    things = []
    after_jump = 0
    while after_jump < 5:
        things.append(stix.indicator(len(things)))
        add(client, collection, things[-1])
        after_jump += time.monotonic_ns() > jump_ns
        time.sleep(0.05)
    check_one_walk(client, collection, things)
    assert client.get("/taxii2/").status == 200  # nobody was logged out


def test_a_clock_that_is_set_forward_and_back_again_reorders_nothing(own_exchange, clock_shim):
    exchange = own_exchange(plain=True)
    exchange.add_account("both")
    collection = exchange.add_collection(both="both")
    things = [stix.indicator(number) for number in range(6)]
    for at, shift in ((0, "3600"), (2, "0"), (4, "-3600")):
        exchange.env.update({"LD_PRELOAD": str(clock_shim), "BW_CLOCK_SHIFT_S": shift, "BW_CLOCK_FROM_NS": "0"})
        exchange.start()
        client = exchange.client("both")
        add(client, collection, *things[at : at + 2])
        check_one_walk(client, collection, things[: at + 2])
        assert exchange.stop() == 0
