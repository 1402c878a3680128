"""The bug gallery has every mutant, with a picture and an entry, and names real threads alone."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tinyq import plots
from tinyq.mutants import MUTANTS
from tinyq.plots.bugs import Bug

ROOT = Path(__file__).resolve().parents[1]
GALLERY = nbformat.read(ROOT / "notebooks" / "bug_gallery.ipynb", as_version=4)
THREADS = json.loads((ROOT / "book" / "bug_threads.json").read_text())
FAMILIES = list(dict.fromkeys(m.wrong.__module__.rsplit(".")[-1] for m in MUTANTS))


def outputs(kind: str) -> list[str]:
    cells = [cell for cell in GALLERY.cells if cell.cell_type == "code"]
    data = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return [one[kind] for one in data if kind in one]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_has_an_entry(mutant):
    (text,) = [text for text in outputs("text/markdown") if f"**{mutant.name}**" in text]
    start = text.index(f"**{mutant.name}**")
    entry = text[start : text.find("\n**", start) % (len(text) + 1)]
    assert f"in `{mutant.where}`. {mutant.summary}" in entry
    assert mutant.notice in entry and re.search(r"\d+ of 500 right", entry)
    assert entry.count("It bit someone") == len(THREADS.get(mutant.name, []))


def test_every_family_has_a_figure():
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in GALLERY.cells]
    assert [figure["name"] for figure in figures if figure] == [
        f"fig-bugs-{family}" for family in FAMILIES
    ]
    assert len(outputs("image/png")) == len(FAMILIES)


def test_threads_are_of_mutants_and_well_formed():
    assert set(THREADS) <= {mutant.name for mutant in MUTANTS}
    links = [link for rows in THREADS.values() for link, _ in rows]
    assert len(links) == len(set(links))
    for rows in THREADS.values():
        for link, what in rows:
            assert re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+", link)
            assert what[0].isupper() and what.endswith("."), what


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.thread], ids=lambda m: m.name)
def test_the_mutants_own_thread_is_named(mutant):
    assert mutant.thread in [link for link, _ in THREADS[mutant.name]]


def test_the_figure_shows_what_it_was_given():
    right, wrong = np.int8([[-128, 3], [4, 127]]), np.int8([[-128, 5], [1, 127]])
    figure = plots.bugs([Bug("a_bug", "a note", right, wrong), Bug("b", "", right, wrong[:1])])
    axes = np.reshape(figure.axes, (2, 4))
    shown = [cell.images[0].get_array() for cell in axes[0, 1:]]
    assert all(np.array_equal(a, b) for a, b in zip(shown[:2], (right, wrong), strict=True))
    assert shown[2].tolist() == [[0, 2], [-3, 0]]
    assert {cell.images[0].get_clim() for cell in axes[0, 1:3]} == {(-128, 127)}
    assert axes[0, 3].get_xlabel() == "3"
    assert [text.get_text() for text in axes[0, 0].texts] == ["a_bug", "a note"]
    assert [text.get_text() for text in axes[1, 3].texts] == ["2 × 2\nbecomes\n1 × 2"]
