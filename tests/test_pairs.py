"""Each chapter's notebook is its source, executed: same cells, all run, nothing of this machine."""

import copy
import json
import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("*.py"))
IDS = [source.stem for source in SOURCES]
HOST = re.compile(r"/home/|/Users/|[A-Z]:\\\\|site-packages|ipykernel_|0x[0-9a-f]{8,}")
FOLDERS = [str(NOTEBOOKS.parent), sys.prefix, tempfile.gettempdir()]


def cells(notebook) -> list[tuple]:
    """What a pair must share, cell by cell."""
    meta = ("tags", "mystnb")
    return [
        (cell.cell_type, cell.source, {key: cell.metadata.get(key) for key in meta})
        for cell in notebook.cells
    ]


def drift(source, notebook) -> list[str]:
    """Where the two notebooks of a pair differ."""
    ours, theirs = cells(source), cells(notebook)
    faults = [
        f"cell {n} differs:\n  .py    {a}\n  .ipynb {b}"
        for n, (a, b) in enumerate(zip(ours, theirs, strict=False))
        if a != b
    ]
    if len(ours) != len(theirs):
        faults.append(f"the .py has {len(ours)} cells, the .ipynb {len(theirs)}")
    return faults


def unexecuted(notebook) -> list[str]:
    """Code cells whose execution count is not their number, from 1 on."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        f"code cell {n} has execution count {cell.execution_count}: {cell.source[:60]!r}"
        for n, cell in enumerate(code, 1)
        if cell.execution_count != n
    ]


def foreign(notebook) -> list[str]:
    """Traces of the machine or of a widget's model in what is stored, and messages on stderr."""
    faults = ["the metadata hold a widget's state"] if "widgets" in notebook.metadata else []
    for n, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
            text = json.dumps([output.get("text"), data, output.get("traceback")])
            if "application/vnd.jupyter.widget" in text:
                faults.append(f"cell {n} holds a widget's model id")
            if output.get("name") == "stderr":
                faults.append(f"cell {n} wrote to stderr: {output.text!r}")
            traces = [*HOST.findall(text), *(folder for folder in FOLDERS if folder in text)]
            faults += [f"cell {n} shows {trace!r}, of this machine only" for trace in traces]
    return faults


@pytest.mark.parametrize("source", SOURCES, ids=IDS)
def test_the_notebook_is_the_source_executed(source):
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    faults = drift(jupytext.read(source), notebook) + unexecuted(notebook) + foreign(notebook)
    assert not faults, "\n".join([f"{source.name}: run `make sync`", *faults])


def test_the_table_of_contents_lists_every_chapter_and_every_pair_is_whole():
    toc = yaml.safe_load((NOTEBOOKS.parent / "_toc.yml").read_text())
    listed = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    chapters = [name.removeprefix("notebooks/") for name in listed if name.startswith("notebooks/")]
    assert chapters == IDS == [path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb"))]


def pair() -> list:
    """A small executed notebook, twice."""
    code = nbformat.v4.new_code_cell("1 + 1", execution_count=1, metadata={"tags": ["stub"]})
    code.outputs = [nbformat.v4.new_output("stream", text="2\n")]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A"), code])
    return [copy.deepcopy(notebook), notebook]


FAULTS = {
    "source": lambda nb: nb.cells[1].update(source="1 + 2"),
    "cell type": lambda nb: nb.cells[1].update(cell_type="raw"),
    "tags": lambda nb: nb.cells[1].metadata.update(tags=[]),
    "alt text": lambda nb: nb.cells[1].metadata.update(mystnb={"image": {"alt": "other"}}),
    "cell missing": lambda nb: nb.cells.pop(),
    "not executed": lambda nb: nb.cells[1].update(execution_count=None),
    "executed twice": lambda nb: nb.cells[1].update(execution_count=2),
    "machine path": lambda nb: nb.cells[1].outputs[0].update(text="/home/ann/x.py"),
    "this folder": lambda nb: nb.cells[1].outputs[0].update(text=str(NOTEBOOKS)),
    "address": lambda nb: nb.cells[1].outputs[0].update(text="<Line at 0x7f00aa11bb22>"),
    "stderr": lambda nb: nb.cells[1].outputs[0].update(name="stderr"),
    "widget state": lambda nb: nb.metadata.update(widgets={}),
    "widget id": lambda nb: (
        nb.cells[1]
        .outputs[0]
        .update(data={"application/vnd.jupyter.widget-view+json": {"model_id": "1"}})
    ),
}


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(plant):
    source, notebook = pair()
    assert not drift(source, notebook) + unexecuted(notebook) + foreign(notebook)
    plant(notebook)
    assert drift(source, notebook) + unexecuted(notebook) + foreign(notebook)
