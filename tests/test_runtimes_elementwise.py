"""The runtimes' rules for tables, products, differences and rescales: answers that a random case
seldom meets, each of which tells a rule from one that is a rounding away from it.

The runtimes themselves are asked in test_agreement.py, and hundreds of their answers are stored.
"""

import numpy as np
import pytest

from tinyq import Grid, layers
from tinyq.layers.functions import Function
from tinyq.runtimes import RUNTIMES, add, forward
from tinyq.runtimes.broadcast import litert_loops

FOUR = ("tflite-micro", "litert-reference", "litert-optimized", "litert-xnnpack")


def answers(layer, *inputs) -> list[np.ndarray]:
    """What each of the four runtimes makes of a row."""
    return [forward(layer, *inputs, runtime=RUNTIMES[name])[0] for name in FOUR]


# What TFLite Micro 2026-10-23 and LiteRT 2.3.0 (reference, optimized, XNNPACK) answered.
@pytest.mark.parametrize(
    ("function", "in_grid", "out_grid", "alpha", "code", "given"),
    [
        # in integers, |x| of 15 and more is the end
        (
            "LOGISTIC",
            (2.0129661560058594, -62),
            (1 / 256, -128),
            None,
            -65,
            (-128, -127, -127, -127),
        ),
        ("LOGISTIC", (0.2076525092124939, -9), (1 / 256, -128), None, -16, (-80, -79, -79, -80)),
        # ties away from zero, and to even
        ("LOGISTIC", (0.006887755822390318, -45), (1 / 256, -128), None, 110, (63, 63, 63, 62)),
        ("TANH", (0.003906236495822668, -49), (1 / 128, 0), None, -50, (-1, 0, 0, 0)),
        ("TANH", (0.003906236495822668, -49), (1 / 128, 0), None, -48, (1, 0, 0, 0)),
        # the ratios of TFLite Micro are float64, those of LiteRT float32
        (
            "HARD_SWISH",
            (1.9787218570709229, -81),
            (0.5625922679901123, -105),
            None,
            -51,
            (0, 1, 1, 1),
        ),
        (
            "HARD_SWISH",
            (0.7464268207550049, -32),
            (0.42589831352233887, -111),
            None,
            67,
            (62, 63, 63, 63),
        ),
        (
            "LEAKY_RELU",
            (0.04465741291642189, -110),
            (0.013426411896944046, -94),
            0.30000001192092896,
            -87,
            (-18, -17, -17, -18),
        ),
        (
            "RELU",
            (0.008697764948010445, 5),
            (0.000675554561894387, 49),
            None,
            9,
            (100, 101, 101, 101),
        ),
        ("RELU", (2.5656545162200928, 27), (6.157570838928223, 85), None, 30, (87, 86, 86, 86)),
        # XNNPACK has 8 bits of fraction
        (
            "LEAKY_RELU",
            (2.1338717937469482, 97),
            (3.209625244140625, 2),
            0.10000000149011612,
            -121,
            (-13, -13, -13, -12),
        ),
        (
            "LEAKY_RELU",
            (0.8048290014266968, -32),
            (4.1803059577941895, 45),
            -0.20000000298023224,
            -30,
            (46, 46, 46, 45),
        ),
        # TFLite Micro's RELU6 does not look at the output's grid
        ("RELU6", (0.5110262632369995, 45), (0.6896777153015137, 15), None, -128, (45, 15, 15, 15)),
    ],
)
def test_a_table_as_measured(function, in_grid, out_grid, alpha, code, given):
    layer = layers.QTable.of(Function[function], Grid(*in_grid), Grid(*out_grid), alpha)
    assert tuple(row[0] for row in answers(layer, np.int8([[code]]))) == given


# What they answered for 17 equal pairs or codes: in a block of 16, and after it.
@pytest.mark.parametrize(
    ("kind", "a_grid", "b_grid", "out_grid", "a", "b", "given"),
    [
        # a product beyond int16: clamped to it, and the zero_point then wraps
        (
            layers.QMul,
            (0.656916618347168, -123),
            (0.06362670660018921, 78),
            (0.00024723971728235483, 122),
            12,
            123,
            ((127, 127), (127, 127), (-128, 127), (127, 127)),
        ),
        # a ratio of 2**8 and more is left to LiteRT's own kernel
        (
            layers.QMul,
            (0.0037003422621637583, -75),
            (0.007900198921561241, -117),
            (9.859683558488541e-08, -28),
            -86,
            95,
            ((-128, -128), (-128, -128), (127, -128), (127, -128)),
        ),
        (
            layers.QMul,
            (0.0037903699558228254, -33),
            (0.001162666012533009, -62),
            (9.253958705812693e-05, 123),
            -119,
            -15,
            ((-70, -70), (-70, -70), (-70, -70), (-69, -69)),
        ),
        (
            layers.QSub,
            (0.004238958936184645, -111),
            (0.018637368455529213, 39),
            (0.0067201294004917145, -23),
            14,
            86,
            ((-74, -74), (-74, -74), (-74, -74), (-75, -75)),
        ),
        (
            layers.QSub,
            (1.1990207433700562, -109),
            (0.6651849746704102, -11),
            (0.09569503366947174, -100),
            -118,
            -26,
            ((-109, -109), (-109, -109), (-109, -109), (-108, -108)),
        ),
    ],
)
def test_a_pair_as_measured(kind, a_grid, b_grid, out_grid, a, b, given):
    layer = kind.from_float(Grid(*a_grid), Grid(*b_grid), Grid(*out_grid))
    rows = answers(layer, np.full((1, 17), a, np.int8), np.full((1, 17), b, np.int8))
    assert [row.tolist() for row in rows] == [[block] * 16 + [rest] for block, rest in given]


@pytest.mark.parametrize(
    ("in_grid", "out_grid", "code", "given"),
    [
        # ties up in a block, away from zero after it; XNNPACK has 8 bits of fraction
        (
            (0.6447531580924988, 45),
            (8.505040168762207, 20),
            -54,
            ((12, 12), (12, 12), (13, 12), (13, 13)),
        ),
        (
            (0.05518752709031105, -92),
            (0.3589661717414856, 6),
            62,
            ((30, 30), (30, 30), (30, 30), (29, 29)),
        ),
        (
            (0.022468697279691696, 74),
            (0.20705318450927734, -45),
            -87,
            ((-63, -63), (-63, -63), (-62, -63), (-63, -63)),
        ),
    ],
)
def test_a_rescale_as_measured(in_grid, out_grid, code, given):
    layer = layers.QRescale.from_float(Grid(*in_grid), Grid(*out_grid))
    rows = answers(layer, np.full((1, 17), code, np.int8))
    assert [row.tolist() for row in rows] == [[block] * 16 + [rest] for block, rest in given]


# What LiteRT 2.3.0's optimized kernel gave for nine codes and one: a block of 8, and a rest.
@pytest.mark.parametrize(
    ("a_grid", "b_grid", "out_grid", "a", "b", "block", "rest"),
    [
        (
            (0.0034855110570788383, 84),
            (2.8478357791900635, 116),
            (0.0009560512262396514, 21),
            60,
            116,
            -67,
            -66,
        ),
        (
            (0.041035935282707214, 0),
            (0.11359496414661407, -97),
            (0.0009765848517417908, -7),
            60,
            -118,
            71,
            72,
        ),
    ],
)
def test_an_add_of_a_single_code_as_measured(a_grid, b_grid, out_grid, a, b, block, rest):
    layer = layers.QAdd.from_float(Grid(*a_grid), Grid(*b_grid), Grid(*out_grid))
    many, one = np.full((1, 9), a, np.int8), np.full((1, 1), b, np.int8)
    assert add.litert_optimized(layer, many, one)[0].tolist() == [block] * 8 + [rest]
    swapped = layers.QAdd.from_float(*layer.in_grids[::-1], layer.out_grid)
    assert add.litert_optimized(swapped, one, many)[0].tolist() == [block] * 8 + [rest]


@pytest.mark.parametrize(
    ("a", "b", "inner", "scalar"),
    [
        ((1, 4, 5), (1, 4, 5), 20, False),
        ((1, 4, 5), (1, 1, 5), 5, False),
        ((2, 3, 4, 5), (1, 1, 4, 5), 20, False),
        ((1, 4, 5), (1, 4, 1), 5, True),
        ((1, 4, 5), (1, 1, 1), 20, True),
        ((1, 1, 5), (1, 4, 1), 5, True),
        ((1, 2, 1), (1, 2, 7), 7, True),
        ((3, 1, 2, 5), (1, 4, 2, 5), 10, False),
    ],
)
def test_the_inner_loop_of_litert(a, b, inner, scalar):
    assert litert_loops(a, b) == litert_loops(b, a) == (inner, scalar)


def test_litert_has_no_loop_for_axes_that_alternate_twice():
    assert litert_loops((2, 1, 3, 1), (1, 5, 1, 4)) is None


@pytest.mark.parametrize(
    "layer",
    [
        layers.QMul.from_float(Grid(1.0, 0), Grid(1.0, 0), Grid(1.0, 0)),
        layers.QSub.from_float(Grid(1.0, 0), Grid(1.0, 0), Grid(1.0, 0)),
        layers.QRescale.from_float(Grid(1.0, 0), Grid(0.5, 0)),
        layers.QSoftmax(Grid(1.0, 0), Grid(1 / 256, -128)),
        layers.QTable.of(Function.RELU, Grid(1.0, 0), Grid(0.5, 0)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_rule_that_nobody_has_measured_is_refused(layer):
    inputs = [np.zeros((1, 2), np.int8)] * len(layer.in_grids)
    kind = type(layer).__name__
    for runtime in ["pytorch", *["onnxruntime"] * (kind in ("QSub", "QTable"))]:
        with pytest.raises(ValueError, match=f"measured what {runtime} makes of a {kind}"):
            forward(layer, *inputs, runtime=RUNTIMES[runtime])


def test_a_broadcast_sum_that_nobody_has_measured_is_refused():
    layer = layers.QAdd.from_float(Grid(1.0, 0), Grid(1.0, 0), Grid(1.0, 0))
    x = np.zeros((1, 2, 3), np.int8)
    with pytest.raises(ValueError, match="a and b must have one shape here"):
        forward(layer, x, x[:, :1], runtime=RUNTIMES["pytorch"])


@pytest.mark.parametrize("runtime", FOUR)
def test_a_table_of_no_function_is_refused(runtime):
    layer = layers.QTable(Grid(1.0, 0), Grid(1.0, 0), np.zeros(256, np.int8))
    with pytest.raises(
        ValueError, match="no runtime has an operator for a table of no named function"
    ):
        forward(layer, np.zeros((1, 2), np.int8), runtime=RUNTIMES[runtime])


@pytest.mark.parametrize("runtime", ["litert-reference", "litert-optimized", "litert-xnnpack"])
def test_a_code_that_hangs_on_the_last_bits_of_tanh_is_refused(runtime):
    # tanh(0.43579903) * 128 is 52.49999698: glibc 2.36 gave 53, a correctly rounded tanhf gives 52
    layer = layers.QTable.of(Function.TANH, Grid(0.4357990324497223, 0), Grid(1 / 128, 0))
    rules = RUNTIMES[runtime]
    assert forward(layer, np.int8([[0, 2, 3]]), runtime=rules).tolist() == [[0, 90, 111]]
    with pytest.raises(ValueError, match="TANH: the answer to code 1 depends on the last bits"):
        forward(layer, np.int8([[0, 1]]), runtime=rules)


def test_a_constant_is_the_same_for_all():
    layer = layers.QConstant(Grid(1.0, 0), np.int8([[3, 4]]))
    for runtime in RUNTIMES.values():
        assert forward(layer, runtime=runtime).tolist() == [[[3, 4]]]
