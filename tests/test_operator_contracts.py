"""The operator contracts: each layer has one, whole, and each of its lines gives what it says."""

import doctest
import re
from inspect import isclass
from pathlib import Path

import numpy as np
import pytest

from tinyq import Grid, layers
from tinyq.export.c_kernels import KERNELS
from tinyq.export.onnx_operator import Operator
from tinyq.export.onnx_qlinear import qlinear
from tinyq.export.tflite_operators import operators as tflite_operators
from tinyq.export.tflite_steps import Step
from tinyq.layers.passthrough import PassThrough

PAGE = Path(__file__).resolve().parents[1] / "book" / "operator_contracts.md"
TEXT = PAGE.read_text()
SECTIONS = dict(part.split("\n", 1) for part in re.split(r"^## ", TEXT, flags=re.M)[1:])
ROWS = ["contract", "takes", "gives", "grid", "rounding", "refuses", "in TFLite", "in ONNX"]
ROWS += ["in C"]
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
def test_the_function_in_c_is_the_exporters(name):
    thing = getattr(layers, name)
    kind = thing if isclass(thing) else type(thing(GRID))
    assert rows(name)["in C"].split("`")[1] == KERNELS[kind].function


def layer_and_shapes(name: str) -> tuple[object, list[tuple[int, ...]]]:
    """A layer of a kind, and the shapes of what it reads."""
    thing, image = getattr(layers, name), (1, 4, 4, 3)
    one, bias = np.ones((2, 3), np.float32), np.zeros(2, np.float32)
    if name == "QDense":
        return thing.from_float(one, bias, GRID, GRID), [(1, 3)]
    if name.startswith("QConv2D"):
        return thing.from_float(one[:, None, None], bias, GRID, GRID), [image]
    if name == "QAdd":
        return thing.from_float(GRID, GRID, GRID), [image, image]
    arguments = {"QPad2D": [(1, 1, 1, 1)], "QClamp": [10, 127], "QGlobalAvgPool2D": []}
    if isclass(thing):
        return thing(GRID, *arguments.get(name, [(2, 2), (1, 1)])), [image]
    return thing(GRID), [image]


@pytest.mark.parametrize("name", SECTIONS)
def test_the_operators_of_tflite_and_onnx_are_the_exporters(name):
    layer, shapes = layer_and_shapes(name)
    written = tflite_operators(Step(layer, ("x", "y")[: len(shapes)], "made"), *shapes)
    first = rows(name)["in TFLite"].split("`")[1]
    assert [operator.code for operator in written] == [first]
    operator = qlinear(layer, ["x", "y"][: len(shapes)])
    while operator is not None:
        assert f"`{operator.code}`" in rows(name)["in ONNX"]
        operator = next((o for o in operator.operands if isinstance(o, Operator)), None)


@pytest.mark.parametrize("name", SECTIONS)
def test_the_shapes_are_the_layers(name):
    """What "takes" and "gives" say of ranks holds for codes of that rank, and of no other."""
    thing = getattr(layers, name)
    if name == "QAdd" or not (isclass(thing) and issubclass(thing, PassThrough)):
        return
    layer, _ = layer_and_shapes(name)
    image, row = np.full((2, 4, 4, 3), 10, np.int8), np.full((2, 3), 10, np.int8)
    assert layer.forward(image).ndim == (2 if "`(N, C)`:" in rows(name)["gives"] else 4)
    if "or `(N, C)`" in rows(name)["takes"]:
        assert layer.forward(row).shape == row.shape
    else:
        with pytest.raises(ValueError, match="must have shape"):
            layer.forward(row)
