"""A wall clock that is set while the guard runs, a year ahead or an hour back: history stays, the newest is the newest."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest
from exchange import binary, patience
from guard_rig import place, why_not  # noqa: F401  (place is a fixture)

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = [f"file {n}" for n in range(4)]


@pytest.fixture(scope="session")
def clock_shim(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no compiler to build the clock shim with")
    if binary() and b"__asan_init" in pathlib.Path(binary()).read_bytes():
        pytest.skip("a sanitized program takes no preloaded clock")
    built = tmp_path_factory.mktemp("shims") / "clock.so"
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", built, ROOT / "tests" / "shims" / "clock.c", "-ldl"],
                   check=True, timeout=60 * patience())
    return built


def write_all(p):
    """A version of each, kept before this returns; their contents."""
    before = {name: len(p.versions_of(name)) for name in NAMES}
    contents = {name: os.urandom(3000) for name in NAMES}
    for name, content in contents.items():
        (p.share / name).write_bytes(content)
    p.until(lambda: all(len(p.versions_of(name)) > before[name] for name in NAMES))
    return contents


@pytest.mark.parametrize("shift_s", (365 * 86400, -3600), ids=("a year ahead", "an hour back"))
def test_a_clock_that_is_set_costs_no_history(place, clock_shim, shift_s):
    p = place("ext4")
    first = {name: os.urandom(2000) for name in NAMES}
    for name, content in first.items():
        (p.share / name).write_bytes(content)
    p.enroll()
    jump_ns = time.monotonic_ns() + 4_000_000_000
    clock = {"LD_PRELOAD": str(clock_shim), "BW_CLOCK_SHIFT_S": str(shift_s), "BW_CLOCK_FROM_NS": str(jump_ns)}
    p.start("--mode", "observe", env=clock)
    before = write_all(p)
    numbers = {name: p.versions_of(name)[-1][0] for name in NAMES}
    p.until(lambda: time.monotonic_ns() > jump_ns)
    after = write_all(p)
    p.verify()
    p.stop()
    # a start is when old versions are looked for; nobody knows how long the machine was off
    p.start("--mode", "observe", env={**clock, "BW_CLOCK_FROM_NS": "0"})
    p.until(lambda: p.ask("SELECT 1 FROM setting WHERE name = 'clock'"))
    p.verify()
    p.stop()
    for name in NAMES:
        versions = [row[0] for row in p.versions_of(name)]
        assert numbers[name] in versions and len(versions) >= 2, (name, versions)
        assert p.ask("SELECT newest FROM file WHERE name = ?", os.fsencode(name))[0][0] == versions[-1]
        (p.share / name).write_bytes(b"spoiled")
        p.guard("restore", "--file", p.share / name, "--yes")
        assert (p.share / name).read_bytes() == after[name]
        p.guard("restore", "--file", p.share / name, "--version", str(numbers[name]), "--yes")
        assert (p.share / name).read_bytes() == before[name]
