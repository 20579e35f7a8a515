#!/usr/bin/env python3
"""A part of the tests inside the machine of tools/vm, on its kernel: `tools/vm suite NAME` starts this.

    suite.py NAME FOLDER [WORD]...    the stories with the breakwater in FOLDER, then the unit tests that lie there;
                                      with words, only those whose file has one of them in its name, in the words'
                                      order; of WORD:EXPRESSION only the stories that pytest's -k picks by it, so
                                      that 'room:xfs' and 'room:btrfs' run beside each other

$BW_ABREAST files of stories run beside each other: they wait most of their time, and waiting costs no processor.

Ends, as tools/test does, with: N passed, N failed.
"""
import concurrent.futures
import importlib.machinery
import importlib.util
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SUITES = {
    # the unit tests' programs, and the stories
    "guard": (["test_guard_*", "test_sys_*"], ["guard_*_test.py", "test_guard_*.py"]),
}
PATIENCE = 12  # an emulated processor is that much slower, as far as a story's own limits go
PROGRAM_SECONDS = 300 * PATIENCE
ABREAST = int(os.environ.get("BW_ABREAST", "1"))
PRINTING = threading.Lock()
LAST = ["test_guard_sim", "test_guard_score_benign", "test_guard_content"]  # they compute for long and ask the kernel nothing


def tools_test():
    loader = importlib.machinery.SourceFileLoader("tools_test", str(ROOT / "tools" / "test"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tools_test", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def chosen(folder, patterns, words):
    """Each file with the expression that picks from it, once or once for each expression: in the words' order, else by name."""
    found = sorted((path for pattern in patterns for path in folder.glob(pattern) if path.is_file()),
                   key=lambda path: (LAST.index(path.name) + 1 if path.name in LAST else 0, path.name))
    picked = []
    for word in words or [""]:
        part, _, expression = word.partition(":")
        picked += [(path, expression) for path in found if part in path.name and (path, expression) not in picked]
    return picked


def programs(test, score, files):
    for program, _ in files:
        began = time.monotonic()
        before = score.passed
        status, output = test.run([program], timeout=PROGRAM_SECONDS)
        test.count_program(score, program.name.removeprefix("test_"), output, {0: "OK", 77: "SKIP"}.get(status, "FAIL"))
        print(f"unit    {program.name}: {score.passed - before} passed in {time.monotonic() - began:.0f} s", flush=True)


def story(folder, number, path, expression):
    """One file, or what is picked from it, in a process of its own; its lines are passed on as they come, whole, with the name of the file before."""
    env = {**os.environ, "BREAKWATER": str(folder / "breakwater"), "BW_PATIENCE": str(PATIENCE),
           "PYTHONDONTWRITEBYTECODE": "1"}
    report = pathlib.Path(f"/fetch/stories/{path.stem}.{number}.xml")
    # a folder of its own: pytest takes away what it believes to be left by others, mounts and all
    with tempfile.TemporaryDirectory(prefix="stories-", ignore_cleanup_errors=True) as base:
        words = [sys.executable, "-u", "-m", "pytest", "-v", "--tb=short", "--durations=3", "-p", "no:cacheprovider",
                 f"--basetemp={base}/{path.stem}", f"--junitxml={report}", *(["-k", expression] if expression else []), path]
        with subprocess.Popen(words, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace") as run:
            for line in run.stdout:
                with PRINTING:
                    print(f"{path.stem.removesuffix('_test').removeprefix('guard_')}: {line}", end="", flush=True)
    return report, run.returncode


def stories(test, score, folder, files):
    with concurrent.futures.ThreadPoolExecutor(ABREAST) as pool:
        began = time.monotonic()
        running = {pool.submit(story, folder, number, *file): file for number, file in enumerate(files)}
        for done in concurrent.futures.as_completed(running):
            (path, expression), (report, status) = running[done], done.result()
            before = score.passed
            if status not in (0, 1, 5) or not report.exists():
                score.add(f"stories of {path.name}", False, f"pytest ended with {status}")
            if report.exists():
                test.count_stories(score, report)
            with PRINTING:
                print(f"stories {':'.join(filter(None, (path.name, expression)))}: {score.passed - before} passed, "
                      f"{time.monotonic() - began:.0f} s after the first began", flush=True)


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
