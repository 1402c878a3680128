"""The operator contracts: each layer has one, whole, and each of its lines gives what it says."""

import doctest
import re
from inspect import isclass
from pathlib import Path

import numpy as np
import pytest

from tinyq import Grid, layers
from tinyq.layers.passthrough import PassThrough

PAGE = Path(__file__).resolve().parents[1] / "book" / "operator_contracts.md"
TEXT = PAGE.read_text()
SECTIONS = dict(part.split("\n", 1) for part in re.split(r"^## ", TEXT, flags=re.M)[1:])
ROWS = ["contract", "takes", "gives", "grid", "rounding", "refuses", "in TFLite", "in ONNX"]
GRID = Grid(0.5, 10)


def rows(name: str) -> dict[str, str]:
    """The table of a layer's contract."""
    return dict(re.findall(r"^\| ([\w ]+) \| (.+) \|$", SECTIONS[name], re.M))


def test_every_example_and_every_message():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 42 and not result.failed


def test_every_layer_has_a_contract():
    assert sorted(SECTIONS) == sorted(layers.__all__)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_contract_has_every_row_and_an_example(name):
    assert list(rows(name)) == ROWS and rows(name)["contract"] == name
    assert ">>> " in SECTIONS[name] and name in SECTIONS[name].split("```python")[1]
    promised = not rows(name)["refuses"].startswith("nothing")
    assert ("Error: " in SECTIONS[name]) == promised, "an error that is promised must be shown"


@pytest.mark.parametrize("name", SECTIONS)
def test_passing_is_said_of_the_layers_that_pass(name):
    thing = getattr(layers, name)
    passes = issubclass(thing, PassThrough) if isclass(thing) else thing(GRID).out_grid is GRID
    assert rows(name)["grid"].startswith("passes" if passes else "requantizes to `out_grid`")


@pytest.mark.parametrize("name", SECTIONS)
def test_the_shapes_are_the_layers(name):
    """What "takes" and "gives" say of ranks holds for codes of that rank, and of no other."""
    thing = getattr(layers, name)
    if name == "QAdd" or not (isclass(thing) and issubclass(thing, PassThrough)):
        return
    arguments = {"QPad2D": [(1, 1, 1, 1)], "QClamp": [0, 9], "QGlobalAvgPool2D": []}
    layer = thing(GRID, *arguments.get(name, [(2, 2), (1, 1)]))
    image, row = np.full((2, 4, 4, 3), 10, np.int8), np.full((2, 3), 10, np.int8)
    assert layer.forward(image).ndim == (2 if "`(N, C)`:" in rows(name)["gives"] else 4)
    if "or `(N, C)`" in rows(name)["takes"]:
        assert layer.forward(row).shape == row.shape
    else:
        with pytest.raises(ValueError, match="must have shape"):
            layer.forward(row)
