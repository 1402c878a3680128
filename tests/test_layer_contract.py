"""Each layer keeps the contract of tinyq.layers.contract, and so does whoever looks a layer up."""

from dataclasses import replace

import numpy as np
import pytest
from layer_cases import LAYER_CASES, LayerCase, alone

from tinyq import Grid, Requantizer, floatref, layers
from tinyq.checks import integers
from tinyq.layers.contract import lookup
from tinyq.layers.nodes import INPUT, Node, check_nodes
from tinyq.layers.pool import LARGEST_MEAN
from tinyq.runtimes import oracle

WEIGHTED = floatref.Conv2D | floatref.DepthwiseConv2D | floatref.Dense
# a layer that reads nothing has its tests in test_constant.py
READING = {name: case for name, case in LAYER_CASES.items() if case.shapes}
CASES = pytest.mark.parametrize("case", READING.values(), ids=list(READING))


def codes(case: LayerCase, count: int = 2) -> list[np.ndarray]:
    """Random codes on the layer's own grids."""
    rng = np.random.default_rng(0)
    return [
        rng.integers(grid.qmin, grid.qmax + 1, (count, *shape)).astype(np.int8)
        for grid, shape in zip(case.layer.in_grids, case.shapes, strict=True)
    ]


def test_every_layer_has_a_case():
    assert set(LAYER_CASES) == set(layers.__all__) - {"same_pads"}  # which makes no layer
    kinds = {type(case.layer) for case in LAYER_CASES.values()}
    assert kinds == {kind for kind in vars(layers).values() if isinstance(kind, type)}


@CASES
def test_what_forward_makes_is_as_the_layer_says(case):
    made = case.layer.forward(*codes(case))
    assert (made.shape, made.dtype) == ((2, *case.layer.out_shape(*case.shapes)), np.int8)
    integers("what forward made", made, case.layer.out_grid.qmin, case.layer.out_grid.qmax)
    assert case.layer.forward(*codes(case, count=0)).shape == (0, *made.shape[1:])


@CASES
def test_a_layer_equals_its_loop_nest(case):
    inputs = codes(case)
    want = [oracle.forward(case.layer, *(one.tolist() for one in row)) for row in zip(*inputs)]  # noqa: B905
    assert case.layer.forward(*inputs).tolist() == want


@CASES
def test_a_layer_requantizes_or_passes_the_very_grid_on(case):
    passes = any(case.layer.out_grid is grid for grid in case.layer.in_grids)
    looks_up = isinstance(case.layer, layers.QTable | layers.QSoftmax)
    assert [passes, bool(case.layer.requantizers), looks_up].count(True) == 1


@CASES
def test_a_layer_does_what_its_float_original_does(case):
    """To half a step of the output and, for sums, what the steps of the weights come to."""
    inputs = codes(case)
    reals = [g.dequantize(c) for g, c in zip(case.layer.in_grids, inputs, strict=True)]
    want = case.original.forward(*reals)
    grid = case.layer.out_grid
    got = grid.dequantize(case.layer.forward(*inputs))
    assert want.shape == got.shape
    inside = (want > grid.dequantize(grid.qmin)) & (want < grid.dequantize(grid.qmax))
    inside &= (got > grid.dequantize(grid.qmin)) & (got < grid.dequantize(grid.qmax))
    assert inside.any() and np.abs(got - want)[inside].max() <= slack(case)


def slack(case: LayerCase) -> float:
    """How far the layer may be from its original: rounding, and weights that were rounded too."""
    layer, half = case.layer, 0.5001 * case.layer.out_grid.scale
    if isinstance(case.original, WEIGHTED):
        grid, terms = layer.in_grid, layer.weight[0].size
        largest = grid.scale * max(grid.qmax - grid.zero_point, grid.zero_point - grid.qmin)
        return half + 0.5001 * float(layer.weight_scale.max()) * largest * terms
    if isinstance(layer, layers.QMul):  # the high multiply rounds too, before the last shift
        half += 0.5 * layer.out_grid.scale * 2.0 ** -int(layer.requantizer.shift[0])
    return half if len(case.shapes) == 1 else half + 1e-4


@CASES
def test_shapes_that_a_layer_cannot_read_are_refused_before_it_runs(case):
    rank = len(case.shapes[0])
    wrong = [(4,) * (4 - rank)] * len(case.shapes)
    if type(case.layer) in CODE_BY_CODE:
        assert case.layer.out_shape(*wrong) == wrong[0]  # code by code: any shape
    elif type(case.layer) is layers.QConcat:
        assert case.layer.out_shape(*wrong) == (8,)
    else:
        with pytest.raises(ValueError, match="it must read |its weight needs "):
            case.layer.out_shape(*wrong)


@CASES
def test_the_ledger_has_a_row_for_it(case):
    row = alone(case).ledger()[-1]
    layer = case.layer
    assert (row.in_grids, row.out_grid) == (layer.in_grids, layer.out_grid)
    assert row.activation_bytes == np.prod(layer.out_shape(*case.shapes))


CODE_BY_CODE = {layers.QAdd, layers.QClamp, layers.QMul, layers.QRescale, layers.QSub}
CODE_BY_CODE |= {layers.QSoftmax, layers.QSoftmaxToGrid, layers.QTable}


class Mine(layers.QMaxPool2D):
    """A subclass, which may compute something else."""


def test_a_table_knows_exact_types_alone():
    mine = Mine(LAYER_CASES["QMaxPool2D"].layer.in_grid, (1, 1), (1, 1))
    with pytest.raises(TypeError, match="this room has no Mine, only QAdd, QMaxPool2D"):
        lookup({layers.QMaxPool2D: 1, layers.QAdd: 2}, mine, "this room")


SMALL = Grid(0.5, 0)


def added(**attributes) -> layers.QAdd:
    """An add on grids of scales 0.5 and 1, with attributes of its own."""
    return replace(layers.QAdd.from_float(SMALL, SMALL, Grid(1.0, 0)), **attributes)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"left_shift": 24}, "left_shift must be in 0..23 for steps of up to 128 codes, got 24"),
        ({"rescale_a": Requantizer(0.500001)}, "at most 1/2, 1/2 and below 1, got 0.500001, 0.5, "),
        ({"rescale_b": Requantizer(0.75)}, "at most 1/2, 1/2 and below 1, got 0.5, 0.75, "),
        ({"rescale_sum": Requantizer(1.0)}, "at most 1/2, 1/2 and below 1, got 0.5, 0.5, 1$"),
        ({"rescale_sum": Requantizer([0.1, 0.2])}, r"ratio must have shape \(1,\), got .*\(2,\)"),
    ],
)
def test_an_add_whose_sums_could_overflow_is_found(attributes, message):
    assert added(left_shift=23).left_shift == 23
    with pytest.raises(ValueError, match=f"^QAdd: .*{message}"):
        added(**attributes)


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("QConv2D", [(5, 6)], r"^it must read \(H, W, C\), got \(5, 6\)$"),
        ("QConv2D", [(5, 6, 4)], r"^its weight needs C = 3, got \(5, 6, 4\)$"),
        ("QDense", [()], r"^it must read \(C,\), got \(\)$"),
        ("QDense", [(8,)], r"^its weight needs C = 7, got \(8,\)$"),
        ("QDense", [(7, 8)], r"^its weight needs C = 7, got \(7, 8\)$"),
        ("QConcat", [(5, 6, 3)], r"^it must read 2 tensors, got 1$"),
        ("QConcat", [(5, 6, 3), (5, 7, 3)], r"^it must read shapes that differ on axis 0 alone, "),
        ("QConcat", [(), ()], r"^it must read shapes that differ on axis 0 alone, "),
        ("QPad", [(6, 3)], r"^it must read samples of rank 3, got \(6, 3\)$"),
        ("QReshape", [(7, 5)], r"^it must read a multiple of 3 codes, .* got \(7, 5\)$"),
        ("QTranspose", [(6, 3)], r"^it must read samples of rank 3, got \(6, 3\)$"),
        (
            "QConv2DPerChannel",
            [(1, 6, 3)],
            r"must fit the image, got codes of shape \(1, 1, 6, 3\)$",
        ),
        (
            "QMaxPool2D",
            [(5, 0, 3)],
            r"^QMaxPool2D.forward: .* of shape \(1, 6, 2, 3\)$",
        ),
        (
            "QGlobalAvgPool2D",
            [(5, 0, 3)],
            r"^QGlobalAvgPool2D.forward: .* of shape \(1, 5, 0, 3\)$",
        ),
        (
            "QAdd",
            [(4,), (5,)],
            r"^QAdd: a and b must have shapes that broadcast, got \(4,\), \(5,\)$",
        ),
    ],
)
def test_shapes_are_refused_with_what_is_needed_and_what_was_got(name, shapes, message):
    with pytest.raises(ValueError, match=message):
        LAYER_CASES[name].layer.out_shape(*shapes)


def test_a_mean_counts_the_pixels_of_both_sides():
    codes = np.broadcast_to(np.int8(3), (1, LARGEST_MEAN + 1, 1, 1))
    with pytest.raises(ValueError, match="^QGlobalAvgPool2D.forward: a mean must be of at most"):
        layers.QGlobalAvgPool2D(SMALL).forward(codes)


def test_a_node_has_a_name_and_inputs_by_name():
    layer = LAYER_CASES["qrelu"].layer
    with pytest.raises(TypeError, match="layer 3: Node: name must be a str, got 3"):
        Node(3, layer, (INPUT,))
    with pytest.raises(TypeError, match="nodes.0. must be a Node, got QClamp"):
        check_nodes([layer])
