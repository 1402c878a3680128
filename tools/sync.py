"""Regenerate the executed notebooks from their sources: `python tools/sync.py [name ...]`.

In each `notebooks/name.py` the stubs of the exercises are derived from their solutions. Then it is
read by jupytext, run from top to bottom in a fresh kernel and written beside its source as
`name.ipynb`, without what changes from run to run. Two runs give the same bytes: a notebook in
which nothing but timings would change (outputs of cells with the tag nbval-ignore-output) stays as
it was. So does the old notebook when a cell fails, and then the exit status is 1.

A name is the beginning of a chapter's file name (`05`) or the path of a source; none means all.
"""

import base64
import hashlib
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image

from tinyq.export.files import write_files
from tools.stubs import derive

CHAPTERS = Path(__file__).resolve().parents[1] / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"  # holds a random model id
TIMED = "nbval-ignore-output"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def execute(notebook: NotebookNode, folder: Path, started: list[int]) -> NotebookNode:
    """Run all cells in a fresh kernel in `folder`; `started` gets the number of each cell."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
        coalesce_streams=True,  # one text output a stream, however the kernel cut it
        record_timing=False,
        store_widget_state=False,
        on_cell_start=lambda cell, cell_index: started.append(cell_index),
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else a warning about its own sockets
    )
    with tempfile.TemporaryDirectory() as profile:  # the reader's own IPython settings stay out
        return client.execute(env={**os.environ, "IPYTHONDIR": profile})


def shrink(png: str) -> str:
    """The figure with a palette of 256 colours: a third of the bytes, and the same to the eye."""
    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    small = io.BytesIO()
    image.quantize(256).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode() + "\n"


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Replace what differs from run to run or from machine to machine, in place.

    Fixed notebook metadata without versions, cell ids that come from the cell's text, execution
    counts 1 to n, no widget models, figures in 256 colours.
    """
    notebook.metadata = nbformat.from_dict(METADATA)
    seen: dict[str, int] = {}
    count = 0
    for cell in notebook.cells:
        cell.id = cell_id(cell.source, seen)
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note on blank lines
        if cell.cell_type != "code":
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            data = output.get("data", {})
            data.pop(WIDGET_VIEW, None)
            if "image/png" in data:
                data["image/png"] = shrink(data["image/png"])
            if "execution_count" in output:
                output.execution_count = count
    return notebook


def cell_id(source: str, seen: dict[str, int]) -> str:
    """The id of a cell: from its text, so that an edit elsewhere leaves it; `seen` counts twins."""
    name = hashlib.sha256(source.encode()).hexdigest()[:8]
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def untimed(text: str) -> str:
    """A notebook's text without the outputs that are timings; what is no notebook, as it is."""
    try:
        notebook = nbformat.reads(text, as_version=4)
    except nbformat.reader.NotJSONError:
        return text  # say, one with a merge conflict
    for cell in notebook.cells:
        if TIMED in cell.metadata.get("tags", []):
            cell.outputs = []
    return nbformat.writes(notebook)


def write(notebook: NotebookNode, path: Path) -> bool:
    """Write `path` if more than timings changes; return whether it did."""
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    if path.exists() and untimed(path.read_text(encoding="utf-8")) == untimed(text):
        return False
    write_files({path: text.encode()}, force=True)
    return True


def describe(error: Exception, number: int, source: str) -> str:
    """The number of the failing cell, its text and why it failed."""
    why = getattr(error, "traceback", f"{error}:\n{source}")
    return f"cell {number}: {COLOURS.sub('', why)}"


def sync(source: Path) -> bool:
    """Regenerate one notebook; return whether it changed.

    Raises ValueError for a chapter that is none or has a cell that fails, OSError where the disk
    refuses.
    """
    derive(source)
    notebook, started = jupytext.read(source), []
    try:
        execute(notebook, source.parent, started)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        number = started[-1]
        why = describe(error, number, notebook.cells[number].source)
        raise ValueError(f"{source.name}, {why}") from error
    return write(normalise(notebook), source.with_suffix(".ipynb"))


def report(source: Path) -> str | None:
    """Regenerate one notebook, with a line of progress; return what went wrong, if anything did."""
    start = time.perf_counter()
    try:
        done = "written" if sync(source) else "unchanged"
    except (OSError, ValueError) as error:
        print("FAILED", flush=True)
        return f"{source.name}: {error}" if isinstance(error, OSError) else str(error)
    print(f"{time.perf_counter() - start:5.1f} s  {done}", flush=True)
    return None


def find(names: list[str]) -> list[Path]:
    """The sources that the names mean; a name that means none ends the program."""
    if not names:
        return sorted(CHAPTERS.glob("*.py"))
    sources = []
    for name in names:
        path = Path(name)
        matches = [path] if path.suffix == ".py" and path.exists() else []
        matches = matches or sorted(CHAPTERS.glob(f"{path.stem}*.py"))
        if not matches:
            sys.exit(f"no chapter begins with {name!r} in {CHAPTERS}")
        sources += matches
    return sources


def main(names: list[str]) -> int:
    """Regenerate the named chapters; return the exit status."""
    sources, failures = find(names), []
    for number, source in enumerate(sources, 1):
        print(f"[{number}/{len(sources)}] {source.stem:32}", end=" ", flush=True)
        failures.append(report(source))
    failures = [failure for failure in failures if failure]
    print(*failures, sep="\n\n", end="\n" if failures else "", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
