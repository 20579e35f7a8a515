"""The first day, with no mode chosen: who destroys many files is stopped, the rest is written down and told."""

import datetime
import re
import sys
import time

import pytest
from exchange import patience
from guard_approve_test import SHRED, begin, is_over, program, state
from guard_restore_test import WITHIN, Server, attack, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path, "ext4")
    made.guard("enroll", str(made.share))
    yield made
    made.close()


def enrolled_before(server, seconds):
    path = server.data / "guard" / "settings"
    when = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=seconds)
    text = re.sub(r"(?m)^enrolled .*$", f"enrolled {when:%Y-%m-%dT%H:%M:%S.000000Z}", path.read_text())
    path.write_text(text)


def test_on_the_first_day_whoever_destroys_files_is_ended(server):
    server.start()
    assert attack(server, 0.01).wait(WITHIN) != 0, "an attacker was not stopped on the first day"
    server.until(lambda: server.status()["open"])
    assert len(list(server.share.glob("*.locked"))) < 60


@pytest.mark.parametrize("which,is_held", [("list 10", False), ("list", True)])
def test_on_the_first_day_few_wiped_files_are_written_down_and_many_are_held(server, which, is_held):
    server.start()
    for n in (103, 104, 105):  # eight are left of the few
        (server.share / f"list {n}.txt").unlink()
    time.sleep(1)
    work = begin(program(server, "shredder", SHRED), server.share, which)
    server.until(lambda: is_over(work) or state(work) == "T")
    left = len(list(server.share.glob("list*.txt")))
    assert is_over(work) != is_held, (left, (server.folder / "words").read_text())
    if is_held:
        assert left > 60
        server.guard("approve", "last")
        server.until(lambda: is_over(work))


def test_the_end_of_the_first_day_is_told_once(server):
    enrolled_before(server, 24 * 3600 - 6 * patience())
    server.start()
    report = server.data / "guard" / "first-day"
    assert not report.exists()
    server.until(report.exists)
    text = report.read_text()
    assert "first day of the guard is over" in text and "Nothing looked like an attack" in text
    assert str(server.share) in text and "approve" in text
    written = report.stat().st_mtime_ns
    server.process.terminate()
    server.process.wait(WITHIN)
    server.start()
    time.sleep(1)
    assert report.stat().st_mtime_ns == written
    assert server.process.poll() is None and sys.platform == "linux"
