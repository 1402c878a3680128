"""All that writes files here, as functions to attack; tests/test_one_writer.py holds who is listed.

A writer is called as write(folder, version, force), with version 0 or 1: the two contents differ.
"""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from nbformat.v4 import new_code_cell, new_notebook

from tinyq import Network, Node, export
from tinyq.export.files import PARTIAL, rewrite
from tinyq.floatref import Dense, GlobalAvgPool2D
from tinyq.network import QNetwork
from tinyq.plots.style import save

sys.path.append(
    str(Path(__file__).resolve().parents[1] / "tools")
)  # as its scripts find each other
import stubs  # noqa: E402
import sync  # noqa: E402

IMAGES = np.linspace(-1, 2, 24, dtype=np.float32).reshape(2, 2, 2, 3)
State = dict[str, bytes | None]


@cache
def network(version: int) -> QNetwork:
    """Two small networks of the same layer and other numbers."""
    dense = Dense(np.eye(3, dtype=np.float32) * (1 + version), np.zeros(3, np.float32))
    nodes = Node("pool", GlobalAvgPool2D(), ("input",)), Node("dense", dense, ("pool",), "dense")
    return Network(nodes, channels=3).quantize(IMAGES)


def exported(kind: str, name: str, **extra: object) -> Callable[[Path, int, bool], None]:
    def write(folder: Path, version: int, force: bool) -> None:
        export.FORMATS[kind](network(version), folder / name, force=force, **extra)

    return write


def drawn(folder: Path, version: int, force: bool) -> None:
    figure = Figure(figsize=(1, 1))
    figure.text(0.5, 0.5, str(version))
    save(figure, folder / "figure.png", force=force)


def recorded(folder: Path, version: int, force: bool) -> None:
    rewrite(folder / "record.json", b"%d" % version * 10_000)


def executed(folder: Path, version: int, force: bool) -> None:
    cell = new_code_cell(f"# {version}\n" * 1000, id="one")
    sync.write(new_notebook(cells=[cell]), folder / "01_try.ipynb")


def derived(folder: Path, version: int, force: bool) -> None:
    """Version 0 is what the author has written, and version 1 what make sync makes of it."""
    source = folder / "01_try.py"
    if not version:
        folder.mkdir(exist_ok=True)
        stub, solution = "def f():\n    return ...\n", 'def f():\n    "Return 1."\n    return 1\n'
        text = (
            f'# %% tags=["stub"]\n{stub}\n# %% tags=["solution"]\n{solution}\n' + "# words\n" * 2000
        )
        source.write_text(text)
    else:
        stubs.derive(source)


# by the function that calls the one writer; of the second kind are those that always replace
ASKING = {
    "npz": exported("npz", "net.npz"),
    "tflite": exported("tflite", "net.tflite"),
    "onnx": exported("onnx", "net.onnx"),
    "c": exported("c", ".", images=IMAGES[:1]),
    "save": drawn,
}
REPLACING = {"rewrite": recorded, "write": executed, "derive": derived}
WRITERS = ASKING | REPLACING


def state(folder: Path) -> State:
    """The content of each file in a folder, by name, and None for itself where it is there."""
    if not folder.exists():
        return {}
    return {".": None} | {path.name: path.read_bytes() for path in folder.iterdir()}


def litter(found: State) -> set[str]:
    """The names of partial files."""
    head, tail = PARTIAL.split("{}")
    return {name for name in found if name.startswith(head) and name.endswith(tail)}
