"""Derive an exercise's stub from its solution, so that the two cannot drift apart.

The stub holds each function of the solution that has a docstring, with that docstring and
`return ...` for a body.  What the reader need not write, the solution leaves without a docstring.
"""

import ast
import re
from pathlib import Path

import jupytext
from nbformat import NotebookNode

from tinyq.export.files import write_files


def stub_of(solution: str) -> str:
    """Return the source of the stub for the source of a solution.

    >>> print(stub_of('def f(x):\\n    "Return x + 1."\\n    return x + 1\\n\\nassert f(1) == 2'))
    def f(x):
        "Return x + 1."
        return ...
    """
    lines = solution.split("\n")
    stubs = []
    for node in ast.parse(solution).body:
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            head = lines[node.lineno - 1 : node.body[0].end_lineno]
            stubs.append("\n".join([*head, "    return ..."]))
    return "\n\n\n".join(stubs)


def exercises(notebook: NotebookNode) -> list[tuple[NotebookNode, NotebookNode]]:
    """Return (stub, solution) of each exercise, in order: the cells with these tags.

    Raises ValueError where one of them is missing.
    """
    tagged = {
        kind: [cell for cell in notebook.cells if kind in cell.metadata.get("tags", [])]
        for kind in ("stub", "solution")
    }
    if len(tagged["stub"]) != len(tagged["solution"]):
        counts = {kind: len(cells) for kind, cells in tagged.items()}
        raise ValueError(f"each exercise needs a stub and a solution, got {counts}")
    return list(zip(tagged["stub"], tagged["solution"], strict=True))


def derive(source: Path) -> bool:
    """Write every stub of a chapter anew from its solution; return whether the file changed.

    source: a chapter in the py:percent format.  All else in it stays as it is, to the byte, with
    its line ends.  Raises ValueError for a solution without a function that has a docstring, or a
    stub that the text does not hold once; OSError where the disk refuses.
    """
    text = before = source.read_bytes().decode()
    for stub, solution in exercises(jupytext.read(source)):
        wanted = stub_of(solution.source)
        if not wanted:
            raise ValueError(
                f"{source.name}: the solution needs the stub's docstring:\n{solution.source}"
            )
        if stub.source != wanted:
            found = re.findall("\r?\n".join(map(re.escape, stub.source.split("\n"))), text)
            if len(found) != 1:
                raise ValueError(f"{source.name}: this stub must stand there once:\n{stub.source}")
            end = "\r\n" if "\r\n" in text else "\n"
            text = text.replace(found[0], wanted.replace("\n", end))
    if text != before:
        write_files({source: text.encode()}, force=True)
    return text != before
