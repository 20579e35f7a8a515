"""The guard's watch on real file systems: every destructive act is told, and whoever is named is stopped."""

import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from exchange import binary, children_of, patience

STILL = patience()  # seconds without another file: the attack has ended
WITHIN = 60 * patience()  # seconds, for what takes milliseconds on a machine that is not busy


def program():
    found = binary() and binary().parent / "guard_watch_probe"
    return found if found and found.exists() else None


def why_not():
    if os.geteuid() != 0:
        return "listening to file systems needs root"
    if program() is None:
        return "guard_watch_probe is not built beside breakwater"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    return None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


class Volume:
    """A small file system of its own in a file."""

    def __init__(self, folder, kind, options="loop"):
        self.folder = folder / kind
        self.folder.mkdir()
        self.image = folder / f"{kind}.img"
        with open(self.image, "wb") as image:
            image.truncate(512 * 1024 * 1024)
        make = {"ext4": ["mkfs.ext4", "-qF"], "xfs": ["mkfs.xfs", "-qf", "-m", "reflink=1"], "btrfs": ["mkfs.btrfs", "-qf"]}
        if shutil.which(make[kind][0]) is None:
            pytest.skip(f"{make[kind][0]} is not installed")
        subprocess.run([*make[kind], self.image], check=True, capture_output=True)
        self.mount(options)

    def mount(self, options):
        done = subprocess.run(["mount", "-o", options, self.image, self.folder], capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")

    def close(self):
        subprocess.run(["umount", self.folder], check=True)


class Probe:
    """watch, with this test in the place of judge and keep."""

    def __init__(self, folder, *more):
        self.process = subprocess.Popen(
            [program(), folder, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.lines = queue.Queue()
        self.seen = []
        threading.Thread(target=self.read, daemon=True).start()
        try:
            self.until("ready")
        except Exception:
            self.close()
            raise
        time.sleep(0.5)  # the folders are marked in the background
        self.waiting()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n").split("\t"))
        self.lines.put(None)

    def until(self, *start):
        """The first line that begins so and was not asked for yet; two rings have no common order."""
        deadline = time.monotonic() + WITHIN
        at = 0
        while time.monotonic() < deadline:
            while at < len(self.seen):
                if tuple(self.seen[at][: len(start)]) == start:
                    return self.seen.pop(at)
                at += 1
            try:
                line = self.lines.get(timeout=0.1)
            except queue.Empty:
                continue
            assert line is not None, "the probe ended"
            self.seen.append(line)
        raise AssertionError(f"no {start} came")

    def waiting(self):
        """All that was not asked for; forgotten."""
        lines, self.seen = self.seen, []
        while not self.lines.empty():
            lines.append(self.lines.get())
        return lines

    def say(self, words):
        self.process.stdin.write(words + "\n")
        return self.until("OK", words) if words != "board" else self.until("BOARD")

    def stop(self, pid, start=0, group=0, freeze=0):
        self.say(f"stop {pid} {start} {group} {freeze}")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="module", params=["ext4", "xfs", "btrfs"])
def volume(request, tmp_path_factory):
    made = Volume(tmp_path_factory.mktemp("watch"), request.param)
    yield made
    made.close()


@pytest.fixture
def share(volume):
    folder = volume.folder / "share"
    folder.mkdir()
    for name in "abcdefgh":
        (folder / name).write_text(f"what {name} held\n" * 500)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def probe(share):
    made = Probe(share)
    yield made
    made.close()


def start_of(pid):
    """As the kernel names it: field 22 of stat, in hundredths of a second."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[19]) * 10_000_000


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def ends(pid):
    deadline = time.monotonic() + WITHIN
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not runs(pid)


def sleeper(**more):
    return subprocess.Popen(["sleep", "60"], **more)


# ---- every act is told ------------------------------------------------------------------------


def test_an_overwritten_file_is_told_with_what_stands_there_now(share, probe):
    with open(share / "a", "r+b") as file:
        file.write(b"XXXX")
    seen = probe.until("EVENT", "CLOSED")
    assert (seen[2], seen[3], seen[7]) == (str(os.getpid()), "1", "a")
    assert seen[9].startswith("58585858")
    assert probe.until("WORK", "CLOSED")[6] == "0"


def test_a_write_is_told_while_the_file_is_still_open(share, probe):
    with open(share / "b", "r+b", buffering=0) as file:
        file.write(b"YYYY")
        assert probe.until("EVENT", "CHANGED")[9].startswith("59595959")
        file.write(b"ZZZZ")
        assert probe.until("EVENT", "CHANGED")[9].startswith("595959595a5a5a5a")
    probe.until("EVENT", "CLOSED")


def test_two_harmless_writes_buy_no_silence(share, probe):
    with open(share / "b", "r+b", buffering=0) as file:
        for _ in range(5):
            os.pwrite(file.fileno(), b"....", 0)
            time.sleep(0.01)
        time.sleep(2.5)  # the second of silence, and the tick that ends it
        probe.waiting()
        os.pwrite(file.fileno(), b"ZZZZ", 0)
        assert probe.until("EVENT", "CHANGED")[9].startswith("5a5a5a5a")


def test_a_cut_by_name_is_told(share, probe):
    os.truncate(share / "c", 5)
    assert probe.until("EVENT", "CHANGED")[5] == "5"


def test_an_opening_that_empties_is_told(share, probe):
    with open(share / "c", "wb"):
        assert probe.until("EVENT", "CHANGED")[5] == "0"


def test_a_removed_file_is_told(share, probe):
    (share / "d").unlink()
    assert probe.until("EVENT", "REMOVED")[3:8] == ["1", "0", "0", "0", "d"]
    probe.until("WORK", "REMOVED")


def test_a_replaced_file_is_told_with_what_took_its_place(share, probe):
    (share / "new").write_text("new content")
    (share / "new").rename(share / "e")
    seen = probe.until("EVENT", "MOVED")
    assert seen[3:5] == ["0", "1"] and seen[7:9] == ["new", "e"]
    assert seen[9].startswith(b"new cont".hex())


def test_a_renamed_file_is_told_with_both_names(share, probe):
    (share / "f").rename(share / "f.locked")
    assert probe.until("EVENT", "MOVED")[3:9] == ["1", "0", "0", "0", "f", "f.locked"]


def test_stores_through_a_mapping_are_told_at_the_end(share, probe):
    import mmap

    with open(share / "g", "r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        mapped[:4] = b"MMMM"
    assert probe.until("EVENT", "CLOSED")[9].startswith("4d4d4d4d")


def uring(*words, **more):
    writer = binary().parent / "guard_uring_writer"
    if not writer.exists():
        pytest.skip("guard_uring_writer is not built beside breakwater")
    return subprocess.Popen([writer, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_write_by_io_uring_is_told_with_who_did_it_while_the_file_is_open(share, probe):
    with uring("write", share / "b") as writer:
        if writer.stdout.readline() != "done\n":
            assert writer.wait(WITHIN) == 77
            pytest.skip("this kernel has no io_uring, or does not let it be used")
        seen = probe.until("EVENT", "CHANGED")
        assert seen[2] == str(writer.pid) and seen[9].startswith(b"URING".hex())
        writer.stdin.close()
        assert probe.until("EVENT", "CLOSED")[2] == str(writer.pid)


def test_a_removal_by_io_uring_is_told_with_who_did_it(share, probe):
    with uring("remove", share / "b") as remover:
        if remover.wait(WITHIN) == 77:
            pytest.skip("this kernel has no io_uring, or does not let it be used")
        seen = probe.until("EVENT", "REMOVED")
        assert (seen[2], seen[7]) == (str(remover.pid), "b")


def test_changed_attributes_of_a_file_go_to_keep_and_to_nobody_else(share, probe):
    for change in (
        lambda: os.chmod(share / "a", 0o600),
        lambda: os.chown(share / "a", 1000, 1000),
        lambda: os.setxattr(share / "a", "user.note", b"x"),
        lambda: os.utime(share / "a", (1, 2)),
    ):
        change()
        assert probe.until("WORK", "ATTRIBUTES")[3:8] == ["1", "0", "0", "0", "a"]
    assert not [line for line in probe.waiting() if line[0] == "EVENT"]


def test_changed_attributes_of_a_folder_go_to_keep(share, probe):
    (share / "inner").mkdir()
    os.chmod(share / "inner", 0o700)
    assert probe.until("WORK", "ATTRIBUTES")[3:8] == ["0", "0", "0", "0", ""]


def test_a_new_hard_link_goes_to_keep_with_its_name(share, probe):
    os.link(share / "a", share / "a2")
    assert probe.until("WORK", "LINKED")[3:8] == ["1", "0", "0", "0", "a2"]


@pytest.mark.parametrize("age", [0, 1.5])
def test_a_file_linked_in_goes_to_keep_though_its_other_name_is_gone_when_that_is_read(share, probe, age):
    """Nobody closes it any more."""
    there = share.parent / "elsewhere"
    there.write_text("what it held")
    time.sleep(age)
    watch = next(pid for pid, name in children_of(probe.process.pid).items() if name == "bw-watch")
    os.kill(watch, signal.SIGSTOP)
    time.sleep(0.02)  # a file system's clock may tick every ten milliseconds
    os.link(there, share / "in")
    os.unlink(there)
    os.kill(watch, signal.SIGCONT)
    assert probe.until("WORK", "LINKED")[3:8] == ["0", "0", "0", "0", "in"]


def test_a_new_symbolic_link_goes_to_keep_with_its_name(share, probe):
    (share / "s").symlink_to("/nowhere")
    assert probe.until("WORK", "LINKED")[3:8] == ["0", "0", "0", "0", "s"]


def test_who_only_reads_makes_no_event(share, probe):
    before = int(probe.say("board")[1])
    for name in "abcdefgh":
        (share / name).read_bytes()
        (share / name).stat()
        os.listdir(share)
        with open(share / name, "r+b"):  # open for writing, and not written: its close is told, and its content compared
            pass
    for _ in range(8):
        probe.until("EVENT", "CLOSED")
    assert int(probe.say("board")[1]) == before + 8


def test_a_new_file_goes_to_keep_at_once_and_to_the_judge_with_a_sample(share, probe):
    (share / "h2").write_text("fresh")
    assert probe.until("EVENT", "CLOSED")[3:8] == ["0", "0", "5", "5", "h2"]
    probe.until("WORK", "CLOSED")


def test_a_folder_that_moves_is_told_and_its_files_are_heard_after_that(share, probe):
    (share / "sub").mkdir()
    (share / "sub" / "x").write_text("x")
    probe.until("EVENT", "CLOSED")
    (share / "sub").rename(share / "sub2")
    assert probe.until("WORK", "FOLDER")[7:9] == ["sub", "sub2"]
    probe.say(f"learn {share}/sub2/x")
    (share / "sub2" / "x").unlink()
    assert probe.until("EVENT", "REMOVED")[7] == "x"


def test_what_lies_outside_is_nobodys_business(volume, share, probe):
    (volume.folder / "outside").write_text("x")
    (share / "inside").write_text("x")
    probe.until("EVENT", "CLOSED")
    assert not [line for line in probe.waiting() if "outside" in line]


def test_a_queue_of_the_kernel_that_overflows_is_told_and_no_silence(share):
    longest = int(pathlib.Path("/proc/sys/fs/fanotify/max_queued_events").read_text())
    if longest > 100_000:
        pytest.skip(f"this machine queues {longest} events for any program, too many to make here")
    probe = Probe(share, str(16 << 20), "short")
    try:
        (share / "name0").touch()  # empty and not known: nothing of it fills a ring
        watch = next(pid for pid, name in children_of(probe.process.pid).items() if name == "bw-watch")
        os.kill(watch, signal.SIGSTOP)
        for n in range(longest + 100):
            os.rename(share / f"name{n}", share / f"name{n + 1}")
        probe.process.stdin.write("quiet\n")
        os.kill(watch, signal.SIGCONT)
        probe.until("LOST")
        assert 0 < int(probe.say("board")[3]) < 100  # the queue's own record, and not all that found no room in a ring
    finally:
        probe.close()


def test_a_reader_that_does_not_read_makes_a_loss_that_is_told(share):
    probe = Probe(share, "65536")
    try:
        probe.say("pause")
        for n in range(2000):
            (share / f"many{n}").write_text("x")
        time.sleep(1.2)
        probe.process.stdin.write("go\n")
        probe.until("LOST")
        assert int(probe.say("board")[3]) > 0
    finally:
        probe.close()


# ---- whoever is named is stopped ------------------------------------------------------------------


def test_a_named_process_ends_and_the_time_is_on_the_board(probe):
    actor = sleeper()
    probe.stop(actor.pid, start_of(actor.pid))
    assert actor.wait(WITHIN) == -signal.SIGKILL
    board = probe.say("board")
    assert int(board[4]) == 1 and int(board[5]) > 0


def test_a_number_that_was_used_again_is_not_hit(probe):
    other = sleeper()
    probe.stop(other.pid, start_of(other.pid) - 50_000_000)
    time.sleep(0.3)
    assert runs(other.pid)
    other.kill()
    other.wait()


def test_a_group_ends_at_once_and_only_when_one_of_its_processes_is_named(probe):
    leader = subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; sleep 60"], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    child = int(leader.stdout.readline())
    probe.stop(1, 1, group=leader.pid)
    time.sleep(0.3)
    assert runs(leader.pid) and runs(child)
    probe.stop(leader.pid, start_of(leader.pid), group=leader.pid)
    assert ends(child)
    assert leader.wait(WITHIN) == -signal.SIGKILL


def test_a_frozen_process_can_go_on(probe):
    actor = sleeper()
    probe.stop(actor.pid, start_of(actor.pid), freeze=1)
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline and "T (stopped)" not in pathlib.Path(f"/proc/{actor.pid}/status").read_text():
        time.sleep(0.01)
    assert "T (stopped)" in pathlib.Path(f"/proc/{actor.pid}/status").read_text()
    actor.kill()
    actor.wait()


# An actor that no single signal ends: each process writes into the next file, forks twice into a session of its own, and
# ends. Nobody who was seen writing lives when the verdict comes; only the last of the line does.
RELAY = """
import os, sys
for path in sys.argv[2:]:
    with open(path, "r+b", buffering=0) as file:
        file.write(b"RELAYED!")
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
"""

# The same without an end to any of them: a tree of sessions that all write.
STORM = """
import os, signal, sys
paths = sys.argv[3:]
at = int(sys.argv[2])
for n in range(at):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        while True:
            for path in paths[n::at]:
                with open(path, "r+b", buffering=0) as file:
                    file.write(b"STORMED!")
while True:
    signal.pause()
"""


def marked(mark):
    """Who runs with this word on its command line."""
    found = set()
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes() and runs(entry.name):
                    found.add(int(entry.name))
            except OSError:
                pass
    return found


def settles(files, word):
    """How many files they touched when they touch no more. Processes that live for a millisecond are in no list."""
    touched, same_since = hit(files, word), time.monotonic()
    while time.monotonic() - same_since < STILL:
        time.sleep(STILL / 10)
        now = hit(files, word)
        if now != touched:
            touched, same_since = now, time.monotonic()
    return touched


def end_all(mark):
    for _ in range(200):
        for pid in marked(mark):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not marked(mark):
            return


def hit(files, word):
    return sum(path.read_bytes().startswith(word) for path in files)


@pytest.fixture
def many(share):
    files = [share / f"many{n:04}" for n in range(2000)]
    for path in files:
        path.write_bytes(b"what it held\n" * 400)
    return files


@pytest.mark.parametrize("verdict", ["auto", "alone"])
def test_a_line_of_processes_that_leave_every_session_is_stopped(many, share, verdict):
    """Also by a verdict that names nobody but one process, which has ended by then, and its children too."""
    probe = Probe(share)
    try:
        probe.say("quiet")
        probe.say("late 50")
        probe.say(f"{verdict} 3")
        subprocess.run([sys.executable, "-c", RELAY, "guard-watch-relay", *many], check=True)
        probe.until("DECIDED")
        touched = settles(many, b"RELAYED!")
        assert touched < len(many), "the line went on to its end"
        print(f"\nrelay: {touched} files touched until it was stopped")
    finally:
        end_all("guard-watch-relay")
        probe.close()


def test_those_whom_an_ended_process_left_are_stopped_though_watch_heard_of_the_deed_late(many, share):
    """Forks have the kernel's time and deeds the time they were read, so all of them are older than the verdict."""
    probe = Probe(share)
    try:
        probe.say("quiet")
        probe.say("alone 3")
        watch = next(pid for pid, name in children_of(probe.process.pid).items() if name == "bw-watch")
        os.kill(watch, signal.SIGSTOP)
        subprocess.run([sys.executable, "-c", RELAY, "guard-watch-relay", *many], check=True)
        while hit(many[:10], b"RELAYED!") < 10:
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(watch, signal.SIGCONT)
        probe.until("DECIDED")
        assert settles(many, b"RELAYED!") < len(many), "the line went on to its end"
    finally:
        end_all("guard-watch-relay")
        probe.close()


@pytest.mark.parametrize("count", [1, 18, 64])
def test_a_tree_of_processes_each_in_its_own_session_is_stopped(many, share, count):
    probe = Probe(share)
    actor = None
    try:
        probe.say("quiet")
        probe.say("auto 3")
        actor = subprocess.Popen([sys.executable, "-c", STORM, "guard-watch-storm", str(count), *many])
        probe.until("DECIDED")
        touched = settles(many, b"STORMED!")
        assert not marked("guard-watch-storm")
        print(f"\n{count} processes: {touched} files touched until all were stopped")
    finally:
        end_all("guard-watch-storm")
        if actor:
            actor.wait(WITHIN)
        probe.close()


def test_neither_the_guard_nor_the_first_process_is_ever_signalled(probe):
    crew = [int(pid) for pid in pathlib.Path(f"/proc/{probe.process.pid}/task/{probe.process.pid}/children").read_text().split()]
    for pid in [1, 2, probe.process.pid, *crew]:
        probe.stop(pid, group=os.getpgid(pid) if pid > 2 else pid)
    time.sleep(0.3)
    assert all(runs(pid) for pid in [1, probe.process.pid, *crew])


def test_every_process_is_told_with_its_parent_even_when_it_lived_for_a_moment(probe):
    done = subprocess.run(["sh", "-c", "sh -c 'true & wait' & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    child = done.stdout.strip()
    fork = probe.until("PROCESS", "FORK", child)
    assert int(fork[6]) > 0
    grandchild = probe.until("PROCESS", "FORK")
    while grandchild[3] != child:
        grandchild = probe.until("PROCESS", "FORK")
    probe.until("PROCESS", "EXIT", grandchild[2])


def test_a_subvolume_that_is_mounted_alone_is_heard(tmp_path):
    whole = Volume(tmp_path, "btrfs")
    try:
        subprocess.run(["btrfs", "subvolume", "create", whole.folder / "sub"], check=True, capture_output=True)
        subprocess.run(["umount", whole.folder], check=True)
        whole.mount("loop,subvol=sub")
        share = whole.folder / "share"
        share.mkdir()
        (share / "a").write_text("old\n" * 100)
        probe = Probe(share)
        try:
            with open(share / "a", "r+b", buffering=0) as file:
                file.write(b"NEW!")
            assert probe.until("EVENT", "CLOSED")[9].startswith(b"NEW!".hex())
            (share / "a").unlink()
            probe.until("EVENT", "REMOVED")
        finally:
            probe.close()
    finally:
        whole.close()
