"""The gate that compares the notebooks' outputs is shut: a falsified digit does not pass."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
CHAPTER = NOTEBOOKS / "01_put_numbers_on_a_grid.ipynb"


def printed(output) -> str:
    """What the cell printed, "" for another kind of output."""
    return output.get("text", "") if output.output_type == "stream" else ""


def returned(output) -> str:
    """The text of the cell's value, "" for another kind of output."""
    return output.data.get("text/plain", "") if output.output_type == "execute_result" else ""


def falsify(notebook, text_of) -> str:
    """Change the last digit of the first such output; return the false text."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = text_of(output)
            if digits := re.findall(r"\d", text):
                head, _, tail = text.rpartition(digits[-1])
                false = f"{head}{(int(digits[-1]) + 1) % 10}{tail}"
                if "text" in output:
                    output.text = false
                else:
                    output.data["text/plain"] = false
                return false
    raise AssertionError(f"no output of {CHAPTER.name} has a digit that {text_of.__name__} finds")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """nbval's verdict on the chapter as it is and with a falsified digit, all in one run."""
    folder = tmp_path_factory.mktemp("gate")
    for name, text_of in [("true", None), ("printed", printed), ("returned", returned)]:
        notebook = nbformat.read(CHAPTER, as_version=4)
        if text_of:
            falsify(notebook, text_of)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p"]
    command += ["no:cacheprovider", f"--nbval-sanitize-with={NOTEBOOKS / 'sanitize.cfg'}", "-rA"]
    run = subprocess.run([*command, folder], cwd=folder, text=True, capture_output=True)
    return run.stdout


def verdicts(report: str, name: str) -> list[str]:
    """The verdict on each cell of a notebook, from the summary's lines."""
    return re.findall(rf"^(PASSED|FAILED|ERROR) {name}\.ipynb::", report, re.M)


@pytest.mark.full
def test_the_untouched_copy_passes(report):
    assert set(verdicts(report, "true")) == {"PASSED"}, report


@pytest.mark.full
@pytest.mark.parametrize("name, kind", [("printed", "stdout"), ("returned", "text/plain")])
def test_a_falsified_digit_fails(report, name, kind):
    wanted = sorted(verdicts(report, "true"))
    wanted[0] = "FAILED"
    assert sorted(verdicts(report, name)) == sorted(wanted), report
    assert f"mismatch '{kind}'" in report, report
