"""The Makefile: its help, its clean output, its refusal of an old Python, what CI runs of it."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ["setup", "run", "golden", "ledger", "bench", "plot", "accuracy"]
TARGETS += ["sync", "book", "onepage", "epub", "pdf", "test", "test-all", "agreement"]
TARGETS += ["test-torch", "lab", "test-lab", "bench-widgets", "bench-loop", "bench-engines"]
TARGETS += ["own-model", "lock", "check", "clean", "help"]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    """Run make as from a shell, not as a child of the make that runs the tests."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments],
        cwd=cwd,
        env=env,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


def test_help_is_the_default_and_lists_each_target():
    help_text = make().stdout
    assert re.findall(r"^make ([\w-]+) +\S", help_text, re.MULTILINE) == TARGETS


def test_silent_golden_prints_the_golden_alone():
    # The environment that runs this test stands in for .venv, so that nothing is installed.
    run = make("-s", "golden", f"py={sys.executable}", "--old-file=.venv/ready")
    assert run.returncode == 0, run.stderr
    first, *_, last = lines = run.stdout.splitlines()
    assert (len(lines), first) == (6, "# resnet18_block_int8 golden output")
    assert last == "sample 3: 5 124 109 -34"


def test_an_old_python_is_refused_by_name_before_anything_is_made(tmp_path: Path):
    for name in ["Makefile", "requirements.lock", "pyproject.toml"]:
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old-python"
    old.write_text(
        f"""#!/bin/sh
        [ "$1" = -V ] && echo Python 3.10.9 && exit
        exec "{sys.executable}" -c "import sys; sys.version_info = (3, 10, 9); exec('$2')"
        """
    )
    old.chmod(0o755)
    run = make("-s", "golden", f"PYTHON={old}", cwd=tmp_path)
    assert run.returncode != 0
    assert run.stdout == ""
    assert f"needs Python 3.11 or newer, with venv; {old} is Python 3.10.9." in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_without_a_browser_make_pdf_says_what_it_needs(tmp_path):
    env = {**os.environ, "PATH": str(tmp_path), "CHROMIUM": ""}
    command = [sys.executable, ROOT / "tools/print_book.py", "book.html", tmp_path / "book.pdf"]
    run = subprocess.run(command, text=True, capture_output=True, env=env)
    assert run.returncode == 1 and not run.stdout
    assert "needs a browser" in run.stderr and "open book.html in any browser" in run.stderr
    assert not (tmp_path / "book.pdf").exists()


def marked(target: str) -> str:
    """The markers that a target's run of pytest selects, "" for everything."""
    recipe = make("-n", target, "--old-file=.venv/ready").stdout.splitlines()
    (words,) = [shlex.split(line)[3:] for line in recipe if " -m pytest " in line]
    return words[words.index("-m") + 1] if "-m" in words else ""


def test_make_test_leaves_out_what_is_full_and_nothing_else():
    assert (marked("test"), marked("test-all"), marked("check")) == ("not full", "", "not slow")


def test_ci_runs_every_test_and_skips_none_for_want_of_a_browser_or_a_compiler():
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    texts = [file.read_text() for file in [ROOT / ".ci" / "run", *workflows]]
    for text in texts:
        assert "make test-all" in text and not re.search(r"make test(?!-)", text)
        assert "TINYQ_REQUIRE_BROWSER" in text and "TINYQ_REQUIRE_COMPILERS" in text
