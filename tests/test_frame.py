"""Every chapter keeps to the frame, and the checker finds what a broken chapter breaks."""

import copy
import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from chapter import Chapter, chapter_files, chapter_number
from frame import RULES, faults

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = chapter_files(ROOT / "notebooks", ".ipynb")
TEXTS = ["tinyq/**/*.py", "notebooks/*.py", "book/*.md", "index.md"]


@pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_the_chapter_keeps_to_the_frame(path):
    cells = nbformat.read(path, as_version=4).cells
    found = faults(Chapter(chapter_number(path), cells, path.stat().st_size))
    assert not found, "\n".join([f"{path.name}:", *found])


def test_every_equation_that_is_cited_is_defined_once():
    texts = {path: path.read_text() for glob in TEXTS for path in ROOT.glob(glob)}
    tagged = Counter(tag for text in texts.values() for tag in re.findall(r"\\tag\{(.+?)\}", text))
    assert not [tag for tag, count in tagged.items() if count > 1]
    cited = {
        (path.name, number)
        for path, text in texts.items()
        # in prose "equation (1.1)", in a docstring also "(1.1)" alone, after the formula
        for number in re.findall(
            r"(?<!\w)\(((?:\d+|A)\.\d+)\)"
            if path.parts[-2] != "notebooks"
            else r"equations? \(((?:\d+|A)\.\d+)\)",
            text,
        )
    }
    assert {number for _, number in cited} >= {"1.1", "4.1", "5.9", "8.3"}
    assert not [(name, number) for name, number in cited if number not in tagged]


BOX = """# 1 · Put x on a grid

:::{admonition} In this chapter
:class: chapter-box
**Do:** a thing.

**Learn:** a thing.

**Need:** a thing.

**Time:** 30 minutes
:::"""
QUESTIONS = "\n".join(
    f"{n}. Why?\n\n   :::{{dropdown}} Answer\n   Because of the reason given above.\n   :::"
    for n in (1, 2, 3)
)
EXERCISE = "## Exercises\n\n### Exercise 1: quantize x\n\n**Goal.** Write it."
PNG = nbformat.v4.new_output("display_data", data={"image/png": "", "text/plain": "<Figure>"})


def printed(text):
    return [nbformat.v4.new_output("stream", text=text)]


def code(source, outputs=(), **metadata):
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def small_chapter() -> list:
    """The cells of the smallest chapter that keeps every rule."""
    text = nbformat.v4.new_markdown_cell
    stub, alt = 'def f(x):\n    "Return x."\n    return ...', "a line that rises"
    solution = stub.replace("...", "x") + "\n\n\nassert check(f(1), 1)"
    return [
        text(BOX),
        text("## A step\n\nSee equation.\n\n$$q = x \\tag{1.1}$$"),
        code("print(1)", printed("1\n")),
        text("That was one."),
        code("plot()", [PNG], mystnb={"image": {"alt": alt}}),
        text("That was a line."),
        text(EXERCISE),
        code(stub, tags=["stub"]),
        code("_ = check(f(1), 1)", printed("Not yet: ...\n"), tags=["check"]),
        code(solution, tags=["solution", "hide-cell"]),
        text("## Check yourself\n\n" + QUESTIONS),
        text("## What we built\n\nOurs equals the package."),
        code("assert ours == tinyq_s"),
    ]


def swap(n, old, new):
    """A fault: in cell n, `old` is replaced by `new`."""

    def plant(cells):
        assert old in cells[n].source
        cells[n].source = cells[n].source.replace(old, new)

    return plant


FAULTS = {
    "title without a verb": swap(0, "Put x on", "The"),
    "wrong number": swap(0, "# 1", "# 2"),
    "no number": swap(0, "1 · ", ""),
    "no box": swap(0, "chapter-box", "note"),
    "box without Need": swap(0, "**Need:** a thing.", ""),
    "no minutes": swap(0, "30 minutes", "short"),
    "no step": swap(1, "## A step", ""),
    "no exercises": swap(6, "## Exercises", "## More"),
    "second title": swap(1, "## A step", "# Another"),
    "long cell": swap(2, "print(1)", "print(1)\n" * 16),
    "empty cell": swap(2, "print(1)", ""),
    "long cells": lambda cells: [c.update(source="x = 1\n" * 6) for c in cells if "outputs" in c],
    "too many cells": lambda cells: cells.extend([code("x = 1")] * 20),
    "too many words": swap(1, "See", "see " * 2001),
    "no sentence between": lambda cells: cells.pop(3),
    "no sentence after": swap(3, "That was one.", "## Next"),
    "printed claim": swap(2, "print(1)", "print(1 == 1)"),
    "shown claim": swap(2, "print(1)", "np.array_equal(1, 1)"),
    "printed truth": lambda cells: cells[2].outputs[0].update(text="True\n"),
    "shown truth": lambda cells: cells[4].outputs[0].data.update({"text/plain": "np.False_"}),
    "no goal": swap(6, "**Goal.**", "Now."),
    "exercise without a number": swap(6, "Exercise 1", "Exercise"),
    "no stub": lambda cells: cells[7].metadata.clear(),
    "stub that answers": swap(7, "return ...", "return x"),
    "check that checks nothing": swap(8, "_ = check(f(1), 1)", "print('Not yet')"),
    "check that was run on a solution": lambda cells: cells[8].outputs[0].update(text="Right.\n"),
    "no solution": lambda cells: cells.pop(9),
    "solution of another function": swap(9, "def f", "def g"),
    "solution that promises something else": swap(9, "Return x", "Return y"),
    "solution that is not checked": swap(9, "assert check", "check"),
    "solution that is open": lambda cells: cells[9].metadata.update(tags=["solution"]),
    "two questions": swap(10, "\n3. Why?", "\nWhy?"),
    "open answer": swap(10, "{dropdown} Answer", "{note}"),
    "answer without a reason": swap(10, "Because of the reason given above.", "Yes."),
    "semicolon": swap(4, "plot()", "plot();"),
    "end without a claim": swap(12, "assert ", "print"),
    "end without code": lambda cells: cells.pop(),
    "no alt text": lambda cells: cells[4].metadata.clear(),
    "equation out of order": swap(1, "1.1", "1.2"),
}


def test_the_small_chapter_keeps_every_rule():
    assert not faults(Chapter("1", small_chapter()))


@pytest.mark.parametrize("plant", FAULTS.values(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(plant):
    cells = copy.deepcopy(small_chapter())
    plant(cells)
    assert faults(Chapter("1", cells))


def test_a_heavy_notebook_is_found():
    assert faults(Chapter("1", small_chapter(), size=200_001))


def test_every_rule_finds_some_planted_fault():
    found = faults(Chapter("1", small_chapter(), size=200_001))
    for plant in FAULTS.values():
        cells = copy.deepcopy(small_chapter())
        plant(cells)
        found += faults(Chapter("1", cells))
    silent = [rule.__name__ for rule in RULES if not any(rule.__name__ in f for f in found)]
    assert not silent
