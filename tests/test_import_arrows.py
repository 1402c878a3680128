"""The rooms of tinyq: each imports from those below it alone, and no two files in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "tinyq"
# From the arithmetic up, as CONTRIBUTING.md lists them; the first four in the chapters' order.
ROOMS = ["checks", "affine", "fixedpoint", "requantize", "weights", "loops", "layers"]
ROOMS += ["floatref", "observers", "engines", "network", "methods", "models", "analysis"]
ROOMS += ["runtimes", "export", "mutants", "plots", "widgets", "exercise", "commands"]
ROOMS += ["__init__", "__main__"]
FILES = sorted(FOLDER.rglob("*.py"))


def module_of(file: Path) -> str:
    """The module that a file is: tinyq.layers.conv, or tinyq.layers for the folder's __init__."""
    parts = file.relative_to(FOLDER.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = set(map(module_of, FILES))


def imported(file: Path) -> set[str]:
    """The modules of tinyq that a file imports anywhere in it, for types and in functions too."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found & MODULES


def room(module: str) -> str:
    """The name on the package's top floor that a module belongs to."""
    return f"{module}.__init__".split(".")[1]


def test_each_room_is_on_the_list():
    beside = {"__pycache__", "py.typed"}
    there = {path.stem for path in FOLDER.iterdir() if path.name not in beside}
    assert there == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=module_of)
def test_imports_run_downward(file):
    own = room(module_of(file))
    for module in imported(file):
        met = room(module)
        assert met == own or ROOMS.index(met) < ROOMS.index(own), f"{own} imports {module}"


def test_no_files_import_in_a_circle():
    # a folder's __init__ collects what is in it, and so stands above it
    graph = {module_of(file): imported(file) for file in FILES}
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(FILES)
