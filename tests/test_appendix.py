"""The appendix: it runs without the extra `fast`, and only its timings escape the comparison."""

import subprocess
import sys
from pathlib import Path

import jupytext

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
APPENDIX = NOTEBOOKS / "appendix_make_it_fast.py"
TAG, TIMING = "nbval-ignore-output", "tell("
BLOCK = """
import sys
sys.modules |= dict.fromkeys(["numba", "onnx", "onnxruntime"])  # None: the import fails
"""


def code(path: Path) -> list:
    """The code cells of a notebook's source."""
    return [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def test_it_runs_where_the_extra_is_missing():
    source = "\n".join([BLOCK, *(cell.source for cell in code(APPENDIX))])
    command = [sys.executable, "-W", "error", "-c", source]
    run = subprocess.run(command, cwd=NOTEBOOKS, text=True, capture_output=True)
    assert run.returncode == 0, run.stderr
    assert "no u8 x s8 product here" in run.stdout
    assert "engine 'vnni' needs the extra 'fast'" in run.stdout
    assert "vnni:" not in run.stdout, "the engine ran after all"


def test_only_the_appendix_has_outputs_that_nothing_compares():
    escaped = {
        path.name
        for path in NOTEBOOKS.glob("*.py")
        for cell in code(path)
        if any(tag.startswith("nbval") for tag in cell.metadata.get("tags", []))
    }
    assert escaped == {APPENDIX.name}


def test_a_cell_escapes_exactly_when_it_prints_a_timing():
    cells = [cell for cell in code(APPENDIX) if f"def {TIMING}" not in cell.source]
    tagged = [TAG in cell.metadata.get("tags", []) for cell in cells]
    assert tagged == [TIMING in cell.source for cell in cells] and sum(tagged) == 6
