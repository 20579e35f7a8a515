"""docs/conformance.md names a test for every line, and each test it names is there."""

import pathlib
import re

from exchange import ROOT

PAGE = ROOT / "docs" / "conformance.md"
LINES_WITHOUT_A_TEST = set()


def rows():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        found = re.match(r"\| (4\.\d+\.\d+) ", line)
        if found:
            yield found.group(1), re.findall(r"`(test_\w+)`", line)


def names_of_tests():
    return {
        name
        for path in pathlib.Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def test_every_line_of_the_conformance_page_names_a_test():
    assert {number for number, names in rows() if not names} == LINES_WITHOUT_A_TEST


def test_every_test_the_conformance_page_names_is_there():
    there = names_of_tests()
    assert [name for _, names in rows() for name in names if name not in there] == []


def test_every_test_about_taxii_stands_on_the_conformance_page():
    named = {name for _, names in rows() for name in names}
    about_taxii = {
        name
        for path in pathlib.Path(__file__).parent.glob("test_taxii_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    not_about_a_line = {
        "test_health_needs_no_credentials",
        "test_metrics_need_credentials",
        "test_help_names_the_commands_the_standard_form_relies_on",
    }
    assert about_taxii - named == not_about_a_line
