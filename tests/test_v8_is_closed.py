"""Every V8 is closed before Python ends: one that is left to its __del__ hangs Python 3.13."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("py_mini_racer", reason="not installed")

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ["book", "notebooks", "tests", "tinyq", "tools"]
# What makes a V8, by the file that does; each runs in a process of its own.
MAKERS = {
    "tests/widget_v8.py": "from widget_v8 import V8; kept, dropped = V8([]), V8([]); del dropped",
    "book/book_epub.py": "from book_epub import typeset; assert '<svg' in typeset('x', False)",
}
WATCHED = """
import sys
sys.path[:0] = ["tests", "book", "."]
from py_mini_racer import MiniRacer
made = []
whole = MiniRacer.__init__
def init(racer):
    whole(racer)
    made.append(1)
def left(racer):
    print("left to __del__" if racer._own_context_maker else "closed", flush=True)
    racer.close()
MiniRacer.__init__, MiniRacer.__del__ = init, left
{}
print(len(made), flush=True)
"""


def test_these_are_all_that_make_one():
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    making = {str(f.relative_to(ROOT)) for f in files if "MiniRacer()" in f.read_text("utf-8")}
    assert making - {Path(__file__).relative_to(ROOT).as_posix()} == set(MAKERS)


@pytest.mark.parametrize("file", MAKERS)
def test_it_is_closed_before_python_ends(file):
    code = WATCHED.format(MAKERS[file])
    child = [sys.executable, "-c", code]
    done = subprocess.run(child, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("\n")[:-1]
    made = int(next(line for line in said if line.isdigit()))
    assert made > 0 and [line for line in said if not line.isdigit()] == ["closed"] * made, said
