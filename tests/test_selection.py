"""Which tests run first, and that a run says what it leaves out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """\
import sys
sys.path.insert(0, {folder!r})
import pytest
from selection import *

@pytest.fixture
def built_book(): pass
@pytest.fixture
def chromium(): pass
"""
FILES = {
    "a": "def test_quick(): pass",
    "b": "def test_quick(): pass\ndef test_reads(built_book): pass",
    "c": "def test_reads(built_book): pass",
    "d": "def test_looks(chromium): pass",
    "e": "import pytest\n@pytest.mark.full\ndef test_whole(): pass\ndef test_quick(): pass",
}


@pytest.fixture
def run(tmp_path):
    """Run pytest on FILES with some arguments and return what it printed."""
    (tmp_path / "conftest.py").write_text(CONFTEST.format(folder=str(Path(__file__).parent)))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n    full\n")
    for name, text in FILES.items():
        (tmp_path / f"test_{name}.py").write_text(text)

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(command, cwd=tmp_path, env=alone, text=True, capture_output=True)
        return done.stdout

    return run


def test_the_book_is_built_first_and_what_needs_none_of_it_runs_beside(run):
    text = run("--collect-only", "-q")
    tests = re.findall(r"^test_(\w)\.py::(\w+)", text, re.M)
    assert [file for file, _ in tests] == [*"bbdeeca"]
    assert [name for _, name in tests[:2]] == ["test_quick", "test_reads"], "as they stand"
    assert "Left out" not in text


def test_what_is_left_out_is_said(run):
    text = run("--collect-only", "-m", "not slow")
    assert "Left out: 4 slow tests, in test_b.py, test_c.py, test_d.py, test_e.py. `make t" in text
    text = run("-p", "xdist", "-n", "2", "-m", "not full")
    assert "Left out: 1 slow tests, in test_e.py. `make test-all` runs them." in text
    assert "6 passed" in text


def test_a_set_of_parameters_is_refused(run, tmp_path):
    path = tmp_path / "test_a.py"
    path.write_text(
        "import pytest\n@pytest.mark.parametrize('x', {1, 2})\ndef test_quick(x): pass\n"
    )
    assert "parametrize over a list, not over a set" in run("test_a.py")
