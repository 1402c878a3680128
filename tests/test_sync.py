"""tools/sync.py: the same bytes on two runs, and no notebook from a chapter that fails."""

import resource
import subprocess
import sys
from functools import partial
from itertools import product
from pathlib import Path

import nbformat
import pytest

from tools.stubs import derive

SYNC = Path(__file__).resolve().parents[1] / "tools" / "sync.py"

# Everything that changes from run to run: split streams, a widget's id, a figure, a random cell id.
CHAPTER = """\
# %% [markdown]
# # 1 · Try
# %% tags=["hide-input"]
import sys
print("one"); sys.stdout.flush(); print("two")
# %%
import ipywidgets
ipywidgets.IntSlider()
# %% mystnb={"image": {"alt": "a line"}}
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2]);
# %%
1 + 1
# %%
1 + 1
"""


def sync(*sources):
    command = [sys.executable, str(SYNC), *map(str, sources)]
    return subprocess.run(command, text=True, capture_output=True)


@pytest.mark.full
def test_two_runs_give_the_same_bytes(tmp_path):
    sources = [tmp_path / "01_try.py", tmp_path / "02_twin.py"]
    for source in sources:
        source.write_text(CHAPTER)
    first = sync(*sources)
    assert first.returncode == 0 and first.stdout.count("written") == 2, first.stderr
    one, other = (source.with_suffix(".ipynb").read_bytes() for source in sources)
    assert one == other
    again = sync(sources[0])
    assert "unchanged" in again.stdout and sources[0].with_suffix(".ipynb").read_bytes() == one
    assert len(list(tmp_path.iterdir())) == 4

    cells = nbformat.reads(one.decode(), as_version=4).cells
    assert [cell.get("execution_count") for cell in cells] == [None, 1, 2, 3, 4, 5]
    assert cells[1].metadata == {"tags": ["hide-input"]}
    assert [output.text for output in cells[1].outputs] == ["one\ntwo\n"]
    assert list(cells[2].outputs[0].data) == ["text/plain"]
    assert "image/png" in cells[3].outputs[0].data
    assert cells[4].id != cells[5].id


@pytest.mark.full
def test_new_timings_alone_are_not_written(tmp_path):
    source = tmp_path / "01_try.py"
    timing = '# %% tags=["nbval-ignore-output"]\nimport time\nprint(time.perf_counter_ns())\n'
    source.write_text(f"{timing}# %%\n1 + 1\n")
    notebook = source.with_suffix(".ipynb")
    notebook.write_text("<<<<<<< a merge that went wrong")
    assert "written" in sync(source).stdout
    first = notebook.read_bytes()
    assert "unchanged" in sync(source).stdout and notebook.read_bytes() == first
    source.write_text(f"{timing}# %%\n1 + 2\n")
    assert "written" in sync(source).stdout
    before, after = (
        nbformat.reads(text, as_version=4).cells for text in (first.decode(), notebook.read_text())
    )
    assert before[0].outputs != after[0].outputs and after[1].outputs[0].data["text/plain"] == "3"


@pytest.mark.full
def test_a_failing_cell_leaves_the_old_notebook(tmp_path):
    bad = {"1 / 0": "ZeroDivisionError", "def f(:": "SyntaxError", "exit_now()": "Kernel died"}
    for n, cell in enumerate(bad):
        head = "import os\nexit_now = lambda: os._exit(1)"
        (tmp_path / f"0{n}_try.py").write_text(f"# %%\n{head}\n# %%\n{cell}\n")
        (tmp_path / f"0{n}_try.ipynb").write_text("the old one")
    run = sync(*sorted(tmp_path.glob("*.py")))
    assert run.returncode == 1
    for n, (cell, why) in enumerate(bad.items()):
        report = run.stderr.split(f"0{n}_try.py, cell 1:")[1].split("_try.py")[0]
        assert cell in report and why in report
        assert (tmp_path / f"0{n}_try.ipynb").read_text() == "the old one"


def test_an_unknown_chapter_is_refused():
    run = sync("99_none")
    assert run.returncode == 1 and "no chapter begins with '99_none'" in run.stderr


EXERCISE = """\
# %% tags=["stub"]
def grown(x):
    return ...

# %% tags=["check"]
grown(1)

# %% tags=["solution"]
def helper(x):
    return x + 1


def grown(x):
    "Return x + 1."
    return helper(x)


assert grown(1) == 2
"""


def test_a_stub_is_derived_from_its_solution(tmp_path):
    source = tmp_path / "01_try.py"
    source.write_text(EXERCISE)
    assert sync(source).returncode == 0
    stub = 'def grown(x):\n    "Return x + 1."\n    return ...\n'
    assert source.read_text() == EXERCISE.replace("def grown(x):\n    return ...\n", stub, 1)


# How an editor may have written a chapter: line ends, the last of them, a mark of the encoding.
HANDS = list(product(["\n", "\r\n"], [True, False], ["", "\ufeff# Words\n\n"], ["first", "last"]))


@pytest.mark.parametrize(("end", "closed", "mark", "place"), HANDS)
def test_a_new_stub_leaves_the_other_bytes_alone(end, closed, mark, place, tmp_path):
    source = tmp_path / "01_try.py"
    old, rest = EXERCISE.split("\n\n", 1)
    new = old.replace("\n    return", '\n    "Return x + 1."\n    return')
    assert new != old
    before, after = (
        (mark + (text if closed else text.rstrip("\n"))).replace("\n", end)
        for text in (
            f"{stub}\n\n{rest}" if place == "first" else f"{rest}\n{stub}\n" for stub in (old, new)
        )
    )
    source.write_bytes(before.encode())
    source.chmod(0o640)
    assert derive(source)
    assert source.read_bytes() == after.encode() and source.stat().st_mode & 0o777 == 0o640
    assert not derive(source)
    assert source.read_bytes() == after.encode()


def test_a_full_disk_leaves_the_chapter_and_gives_a_sentence(tmp_path):
    source, limit = tmp_path / "01_try.py", 8192
    before = EXERCISE + "# an author's words\n" * 1000
    source.write_text(before)
    full = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (limit, limit))
    command = [sys.executable, str(SYNC), str(source)]
    run = subprocess.run(command, text=True, capture_output=True, preexec_fn=full)
    assert run.returncode == 1 and "FAILED" in run.stdout
    assert run.stderr.startswith("01_try.py: ") and run.stderr.count("\n") == 1, run.stderr
    assert source.read_text() == before and list(tmp_path.iterdir()) == [source]


def test_a_solution_without_a_docstring_is_refused(tmp_path):
    source = tmp_path / "01_try.py"
    source.write_text(EXERCISE.replace('    "Return x + 1."\n', ""))
    run = sync(source)
    assert run.returncode == 1 and "the solution needs the stub's docstring" in run.stderr
    assert not source.with_suffix(".ipynb").exists()
