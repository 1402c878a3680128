"""A chapter as the frame's rules see it: numbered cells, headings, sections."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nbformat import NotebookNode

Faults = Iterator[str]


def chapter_files(folder: Path, suffix: str) -> list[Path]:
    """The chapters and the appendix, which keeps to the same frame."""
    return sorted([*folder.glob(f"[0-9]*{suffix}"), *folder.glob(f"appendix_*{suffix}")])


def chapter_number(path: Path) -> str:
    """A chapter's number as its title has it: "4" for 04_..., "A" for the appendix."""
    return "A" if path.stem.startswith("appendix_") else str(int(path.stem[:2]))


@dataclass(frozen=True)
class Chapter:
    """A chapter's number, "A" for the appendix, its cells, and the bytes of its .ipynb."""

    number: str
    cells: list[NotebookNode]
    size: int = 0

    @property
    def code(self) -> list[tuple[int, NotebookNode]]:
        """The code cells, each with its place in the notebook."""
        return [(n, cell) for n, cell in enumerate(self.cells) if cell.cell_type == "code"]

    @property
    def prose(self) -> list[tuple[int, NotebookNode]]:
        """The markdown cells, each with its place in the notebook."""
        return [(n, cell) for n, cell in enumerate(self.cells) if cell.cell_type == "markdown"]

    def headings(self, level: int) -> list[tuple[int, str]]:
        """The place and the text of each heading of a level."""
        pattern = re.compile(rf"^{'#' * level} (.+)$", re.M)
        return [(n, text) for n, cell in self.prose for text in pattern.findall(cell.source)]

    def section(self, title: str) -> list[tuple[int, NotebookNode]]:
        """The cells from that with the heading `## title` to that with the next one."""
        starts = [*self.headings(2), (len(self.cells), "")]
        spans = [(a, b) for (a, text), (b, _) in pairwise(starts) if text == title]
        return [(n, self.cells[n]) for a, b in spans for n in range(a, b)]

    def text(self, title: str) -> str:
        """The prose from the heading `## title` to the next heading of that level."""
        prose = "\n\n".join(cell.source for _, cell in self.prose)
        found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", prose, re.M | re.S)
        return found[1] if found else ""


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])
