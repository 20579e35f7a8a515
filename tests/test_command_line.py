"""What all commands share: help, manual, completion, exit status, config file, a full disk, one OpenSSL."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
from exchange import binary, children_of, run


def commands():
    overview = run("help").stdout
    return re.findall(r"^  ([a-z]+)  ", overview, re.M)


def test_help_without_anything_goes_to_the_reader_who_asked_and_else_counts_as_a_mistake():
    assert run("--help").stdout == run("help").stdout
    silent = run(check=False)
    assert (silent.returncode, silent.stdout) == (2, "")
    assert "usage: breakwater COMMAND" in silent.stderr


def test_every_command_explains_itself():
    assert commands()
    for name in commands():
        page = run("help", name).stdout
        assert page == run(name, "--help").stdout
        assert f"breakwater {name}: " in page
        assert "--data DIR" in page
        assert max(len(line) for line in page.splitlines() if " | " not in line) < 140


def test_every_manual_page_is_clean_markup(tmp_path):
    if not shutil.which("groff"):
        pytest.skip("groff is not there")
    for name in commands():
        page = run("help", "--man", name).stdout
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True, text=True)
        assert done.stderr == "", name


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_its_shell_and_knows_every_command(shell):
    script = run("completion", shell).stdout
    for name in commands():
        assert name in script
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script, text=True).returncode == 0


def test_bash_completes_choices_after_their_option():
    ask = (
        'source <("$0" completion bash); COMP_WORDS=(breakwater doctor --format ""); COMP_CWORD=3;'
        ' _breakwater; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", ask, str(binary())], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["text", "json"]


@pytest.mark.parametrize(
    "words, answer",
    [
        (["docter"], "breakwater: unknown command 'docter'; did you mean 'doctor'?"),
        (["doctor", "--fromat", "json"], "breakwater doctor: unknown option '--fromat'; did you mean '--format'?"),
        (["doctor", "--format", "xml"], "breakwater doctor: --format is 'xml', and must be one of: text, json"),
        (["doctor", "\x1b[2Jx"], "breakwater doctor: '\\x1b[2Jx' is one word too many"),
        (["doctor", "--config", "/nowhere/x"], "breakwater doctor: cannot read '/nowhere/x': not found"),
    ],
)
def test_a_mistake_is_named_and_ends_with_2(words, answer):
    done = run(*words, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == answer


def test_the_config_file_speaks_the_options_and_names_the_line_of_a_mistake(tmp_path):
    file = tmp_path / "breakwater.conf"
    file.write_text("[doctor]\nformat = json\n")
    assert json.loads(run("doctor", "--config", file, check=False).stdout)["findings"]
    file.write_text("[doctor]\nformat = json\n[help]\nmna = yes\n")
    done = run("doctor", "--config", file, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"breakwater doctor: config file '{file}': line 4: 'mna' is no option of [help]")


def test_an_answer_that_does_not_fit_on_the_disk_is_not_a_success():
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary(), "help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3
    assert done.stderr == "breakwater help: cannot write to standard output: no space left on the device\n"


def test_doctor_finds_the_kernels_features_and_the_libraries(tmp_path):
    done = run("doctor", "--format", "json", "--data", tmp_path, check=False)
    answer = json.loads(done.stdout)
    states = {finding["name"]: finding["state"] for finding in answer["findings"]}
    assert {"kernel", "landlock", "seccomp", "memory-files", "openssl", "openssl-news", "disk"} <= set(states)
    assert done.returncode == (1 if answer["lacking"] else 0)
    assert answer["lacking"] == sum(state == "lacking" for state in states.values())
    assert states["openssl"] == "ok"


def mapped_libcryptos(pid):
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    return {line.split(maxsplit=5)[5] for line in maps.splitlines() if "/libcrypto.so" in line}


def test_exactly_one_libcrypto_is_mapped_in_every_process_of_the_exchange(exchange):
    for pid in [exchange.process.pid, *children_of(exchange.process.pid)]:
        assert len(mapped_libcryptos(pid)) == 1
