"""The book's prose: short sentences, and none of the phrases that say nothing."""

import re
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXTS = [
    *sorted(ROOT.glob("notebooks/*.py")),
    *sorted(ROOT.glob("book/*.md")),
    *(ROOT / name for name in ("index.md", "README.md", "CONTRIBUTING.md")),
]
EMPTY = """
as we can see|as we have seen|basically|comprehensive|crucial|deep dive|delve|dive into|elegant
|embark|essentially|feel free|furthermore|game.chang\\w+|in conclusion|in essence|in summary
|in this (?:chapter|section),? (?:we|you) will|in today's|it is important to|it's important to
|it is worth noting|journey|landscape|let us|let's|leverag\\w+|moreover|needless to say
|obviously|of course|play a \\w+ role|powerful|realm|robust|seamless\\w*|simply|tapestry
|testament|trivial\\w*|under the hood|unlock|vibrant|without further ado
"""
BANNED = re.compile(rf"\b(?:{EMPTY.replace(chr(10), '')})\b|—", re.I)
MAX_WORDS = 35
# what is not a sentence: code, formulas, tables, figures, directives, links' addresses
SKIPPED = re.compile(
    r"^```.*?^```|\$\$.*?\$\$|^\|.*?$|^:::.*?$|^:[\w-]+:.*?$"
    r"|\]\([^)]*\)|<ol.*?</ol>|<[^>]+>|^---$.*?^---$",
    re.M | re.S,
)


def prose(path: Path) -> str:
    """Return the prose of a page: of a chapter its markdown cells, elsewhere the whole file."""
    if path.suffix == ".py":
        cells = jupytext.read(path).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    return SKIPPED.sub(" ", text)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a blank line, a list item and a heading end one, too.

    >>> sentences("One is 1.5. Two\\n\\n- three")
    ['One is 1.5.', 'Two', 'three']
    """
    blocks = re.split(r"\n\s*\n|^\s*(?:[-*#]+|\d+\.) |\n(?=\w[^\n]{0,60}\n  )", text, flags=re.M)
    found = [part for block in blocks for part in re.split(r"(?<=[.!?:])\s+(?=\S)", block)]
    return [" ".join(part.split()) for part in found if part.strip()]


def faults(text: str) -> list[str]:
    """Return what is wrong with a text, a line a fault."""
    empty = [f"{found[0]!r} says nothing" for found in BANNED.finditer(text)]
    long = [s for s in sentences(text) if len(s.split()) > MAX_WORDS]
    return empty + [f"{len(s.split())} words: {s[:200]}" for s in long]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_sentences_are_short_and_say_something(path):
    found = faults(prose(path))
    assert not found, "\n".join([path.name, *found])


@pytest.mark.parametrize(
    "text",
    ["Let's look at it.", "A scale — as before.", "This is simply a sum.", "one " * 36 + "end."],
)
def test_a_planted_fault_is_found(text):
    assert faults(text)


def test_code_and_formulas_are_no_prose(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("A sum.\n\n```\nlet's\n```\n\n$$ robust $$\n\n| simply |\n")
    assert not faults(prose(page))
