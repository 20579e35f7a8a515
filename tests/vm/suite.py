#!/usr/bin/env python3
"""A part of the tests inside the machine of tools/vm, on its kernel: `tools/vm suite NAME` starts this.

    suite.py NAME FOLDER [WORD]...    the stories with the breakwater in FOLDER, then the unit tests that lie there;
                                      with words, only those whose file has one of them in its name

Ends, as tools/test does, with: N passed, N failed.
"""
import importlib.machinery
import importlib.util
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUITES = {
    # the unit tests' programs, and the stories
    "guard": (["test_guard_*", "test_sys_*"], ["guard_*_test.py", "test_guard_*.py"]),
}
PATIENCE = 12  # an emulated processor is that much slower, as far as a story's own limits go
PROGRAM_SECONDS = 300 * PATIENCE
LAST = ["test_guard_sim", "test_guard_score_benign", "test_guard_content"]  # they compute for long and ask the kernel nothing


def tools_test():
    loader = importlib.machinery.SourceFileLoader("tools_test", str(ROOT / "tools" / "test"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tools_test", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def chosen(folder, patterns, words):
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    found = [path for path in found if not words or any(word in path.name for word in words)]
    return sorted(found, key=lambda path: (LAST.index(path.name) + 1 if path.name in LAST else 0, path.name))


def programs(test, score, files):
    for program in files:
        began = time.monotonic()
        before = score.passed
        status, output = test.run([program], timeout=PROGRAM_SECONDS)
        test.count_program(score, program.name.removeprefix("test_"), output, {0: "OK", 77: "SKIP"}.get(status, "FAIL"))
        print(f"unit    {program.name}: {score.passed - before} passed in {time.monotonic() - began:.0f} s", flush=True)


def stories(test, score, folder, files):
    """Each file in a process of its own, as tools/test does, but one after the other: the processor is emulated."""
    env = {**os.environ, "BREAKWATER": str(folder / "breakwater"), "BW_PATIENCE": str(PATIENCE),
           "PYTHONDONTWRITEBYTECODE": "1"}
    for path in files:
        began = time.monotonic()
        before = score.passed
        report = pathlib.Path(f"/fetch/stories/{path.stem}.xml")
        done = subprocess.run([sys.executable, "-m", "pytest", "-v", "--tb=short", "--durations=3", "-p", "no:cacheprovider",
                               f"--junitxml={report}", path], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, check=False)
        if done.returncode not in (0, 1, 5) or not report.exists():
            score.add(f"stories of {path.name}", False, f"pytest ended with {done.returncode}")
        if report.exists():
            test.count_stories(score, report)
        print(f"stories {path.name}: {score.passed - before} passed in {time.monotonic() - began:.0f} s", flush=True)


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in SUITES:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[2])
    units, told = SUITES[sys.argv[1]]
    test = tools_test()
    score = test.Score()
    print(f"kernel  {platform.release()}", flush=True)
    stories(test, score, folder, chosen(ROOT / "tests", told, sys.argv[3:]))
    programs(test, score, chosen(folder, units, sys.argv[3:]))
    return score.close()


if __name__ == "__main__":
    sys.exit(main())
