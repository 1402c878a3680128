"""The runtimes' rules against answers of TFLite Micro and LiteRT that a random case seldom meets.

The wheels themselves are asked in test_agreement.py, and hundreds of their answers are stored.
"""

from dataclasses import replace

import numpy as np
import pytest
from reference import GOLDEN

from tinyq import Grid, Requantizer, Rounding, layers
from tinyq.models import resnet
from tinyq.runtimes import RUNTIMES, QMean, add, forward, trace
from tools.agreement.cases import OPERATORS, case, cases


def dense(bias: int, in_grid: Grid, weight_scale: float, out_grid: Grid) -> layers.QDense:
    """Return a dense layer of one weight, 0, whose accumulator is its bias."""
    scales = np.float32([weight_scale])
    return layers.QDense(
        in_grid,
        out_grid,
        np.zeros((1, 1), np.int8),
        np.int32([bias]),
        scales,
        Requantizer.from_scales(in_grid.scale, scales, out_grid.scale),
    )


# What TFLite Micro 2026-10-23 and LiteRT 2.3.0 answered on 2026-11-23.
@pytest.mark.parametrize(
    ("bias", "zero_point", "scale", "micro", "reference"),
    [
        (2147483600, 127, 1.0, 79, -128),  # the left shift wraps; rounded + 127 wraps
        (2147483600, 127, 2.0, 31, -128),  # the product leaves int32 before that
        (-2147483600, -128, 1.0, -80, 127),
        (-2147483600, -128, 2.0, -32, 127),  # -2**31 - 128 wraps
        (2147483300, 127, 1.0, -128, 127),
        (-2147483647, -128, 0.99999994, -128, -128),
    ],
)
def test_overflow_wraps_as_measured(bias, zero_point, scale, micro, reference):
    layer = dense(bias, Grid(1.0, 0), scale, Grid(1.0, zero_point))
    x = np.zeros((1, 1), np.int8)
    assert forward(layer, x, runtime=RUNTIMES["tflite-micro"]) == micro
    assert forward(layer, x, runtime=RUNTIMES["litert-optimized"]) == micro
    assert forward(layer, x, runtime=RUNTIMES["litert-reference"]) == reference


# What LiteRT 2.3.0 with XNNPACK and ONNX Runtime 1.32.0 answered on 2026-11-23.
@pytest.mark.parametrize(
    ("bias", "zero_point", "xnnpack", "onnxruntime"),
    [
        (-31238734, -95, 127, -128),  # the product leaves int32: -2**31 - 95 wraps
        (-31238734, -1, 127, -128),
        (-31238734, 0, -128, -128),
        (-31238734, 95, -128, -128),
        (31238734, -95, 127, 127),
        (31238734, 95, 127, 127),
    ],
)
def test_xnnpack_wraps_below_int32_as_measured(bias, zero_point, xnnpack, onnxruntime):
    layer = dense(bias, Grid(0.004003855, 3), 6.942309, Grid(0.00017439877, zero_point))
    x = np.full((1, 1), 3, np.int8)
    assert forward(layer, x, runtime=RUNTIMES["litert-xnnpack"]) == xnnpack
    assert forward(layer, x, runtime=RUNTIMES["onnxruntime"]) == onnxruntime


def test_litert_optimized_add_wraps_whole_blocks_as_measured():
    # 60388 + 127 leaves int16: LiteRT 2.3.0 gave -128 in the block of 16 and 127 after it
    layer = layers.QAdd.from_float(Grid(1.0, 0), Grid(1.0, 0), Grid(0.002, 127))
    codes = np.full((1, 17), 60, np.int8)
    assert add.litert_optimized(layer, codes, codes)[0].tolist() == [-128] * 16 + [127]


# What LiteRT 2.3.0 answered; with s_in * s_w in float64 each would be one less.
@pytest.mark.parametrize(
    ("bias", "s_in", "s_w", "s_out", "code"),
    [
        (-13362, 0.121, 0.0046, 0.074, -100),
        (-198360, 0.142, 0.0005, 0.123, -114),
        (65282, 0.052, 0.0067, 0.257, 89),
    ],
)
def test_litert_optimized_dense_as_measured(bias, s_in, s_w, s_out, code):
    layer = dense(bias, Grid(s_in, 0), s_w, Grid(s_out, 0))
    x = np.zeros((1, 1), np.int8)
    optimized = RUNTIMES["litert-optimized"]
    assert forward(layer, x, runtime=optimized) == code
    assert forward(layer, x, runtime=replace(optimized, dense_product=np.float64)) == code - 1


# What LiteRT 2.3.0 answered: with other roundings of the inputs the block's code is another.
@pytest.mark.parametrize(
    ("a_grid", "b_grid", "out_grid", "a", "b", "block", "rest"),
    [
        ((9.236631, -92), (3.071526, 85), (0.0020021, -128), 13, -17, 123, 127),
        ((1.2047275, 68), (0.09854322, -57), (0.00070615456, 62), 26, -13, 84, -128),
        ((1.2047275, 68), (0.09854322, -57), (0.00070615456, 62), 110, -101, 40, 127),
        ((0.056195717, -97), (0.047535703, 7), (4.6408306e-05, -13), 73, 126, 50, 127),
        # with the rest under SINGLE its code is that of the block
        (
            (0.1686982959508896, -12),
            (0.6510254144668579, 49),
            (0.010652651078999043, 125),
            118,
            12,
            -78,
            -77,
        ),
    ],
)
def test_litert_optimized_add_as_measured(a_grid, b_grid, out_grid, a, b, block, rest):
    layer = layers.QAdd.from_float(Grid(*a_grid), Grid(*b_grid), Grid(*out_grid))
    a, b = np.full((1, 17), a, np.int8), np.full((1, 17), b, np.int8)
    assert add.litert_optimized(layer, a, b)[0].tolist() == [block] * 16 + [rest]


# What LiteRT 2.3.0 with XNNPACK answered, for 16 equal pairs: a block of LiteRT's own kernel.
@pytest.mark.parametrize(
    ("a_grid", "b_grid", "out_grid", "a", "b", "code"),
    [
        # with a multiplier of one bit more the code would be another
        ((1.610482, 80), (0.25661322, 120), (1.2992016, 58), 44, -11, -13),
        ((0.2191485, 102), (0.3798303, -52), (0.16481900, 66), -63, 56, 95),
        # ties of a multiplier go to even
        ((1.8506246, -50), (0.2069834, -118), (1.0, -109), 4, 49, 25),
        ((0.25413191, 80), (0.19560948, 0), (1.0, 27), -87, -123, -39),
        # a ratio of 2**-10 is taken, one below it is left to LiteRT: the other would be one off
        ((0.0009763590060174465, 116), (0.5497018, 114), (0.9997916221618652, 30), -18, -54, -62),
        ((0.0009714743355289102, 65), (1.257773, -70), (0.9948586821556091, 73), -1, -83, 56),
        # one of 2**8 is left to LiteRT, one below it is taken: the other would be the other end
        ((396.8732604980469, -105), (0.0322697, 66), (1.5502861738204956, -90), 76, 0, -128),
        ((556.3206176757812, -96), (0.2424868, -97), (2.1732780933380127, 71), 80, 0, 127),
    ],
)
def test_xnnpack_add_as_measured(a_grid, b_grid, out_grid, a, b, code):
    layer = layers.QAdd.from_float(Grid(*a_grid), Grid(*b_grid), Grid(*out_grid))
    sides = (np.full((1, 16), side, np.int8) for side in (a, b))
    got = forward(layer, *sides, runtime=RUNTIMES["litert-xnnpack"])
    assert got[0].tolist() == [code] * 16


# What LiteRT 2.3.0 answered: each case tells its rule from one that is a rounding away from it.
@pytest.mark.parametrize(
    ("runtime", "in_grid", "out_grid", "window", "code"),
    [
        # the multiplier is truncated when the count divides it
        ("litert-reference", (2.5, -126), (1.0, 92), [-119] * 7 + [-118] * 21, 111),
        # s_in / s_out is a float64
        (
            "litert-reference",
            (0.042561907321214676, 114),
            (0.18259532749652863, -75),
            [-43] * 10 + [-42] * 8,
            -112,
        ),
        # 1 / count is rounded apart
        (
            "litert-xnnpack",
            (0.0007536985795013607, -128),
            (0.0006460273289121687, -128),
            [-91] * 3 + [-92] * 4,
            -86,
        ),
        (
            "litert-xnnpack",
            (0.006875398103147745, -128),
            (0.004125238861888647, -128),
            [0] * 5 + [-1] * 5,
            85,
        ),
        # the bias is rounded by itself, its tie away from zero, and its quotient is a float32
        ("litert-optimized", (0.5, 5), (1.0, 3), [40], 20),
        ("litert-optimized", (0.25, -3), (0.5, 3), [40], 25),
        ("litert-optimized", (0.12551677227020264, 65), (0.14188852906227112, -9), [65], -10),
        # the ratio is a float32, of s_in over count * s_out
        ("litert-optimized", (2.5, 1), (1.0, -31), [13] * 15 + [14] * 9, -1),
        (
            "litert-optimized",
            (0.06215323880314827, 60),
            (0.029413457959890366, -127),
            [124] * 12 + [125] * 26,
            10,
        ),
    ],
)
def test_mean_as_measured(runtime, in_grid, out_grid, window, code):
    layer = QMean(Grid(*in_grid), Grid(*out_grid), keep_dims=runtime == "litert-optimized")
    image = np.int8(window).reshape(1, 1, -1, 1)
    assert forward(layer, image, runtime=RUNTIMES[runtime]).item() == code


@pytest.mark.parametrize("total", [-2, -3])
def test_litert_optimized_mean_rounds_up_in_blocks_of_16_channels_as_measured(total):
    # -2 / 4 is a tie, and -3 / 4 becomes one in the high multiply
    mean, image = (
        QMean(Grid(0.5, 0), Grid(0.5, 0), keep_dims=True),
        np.zeros((1, 1, 4, 24), np.int8),
    )
    image[0, 0, 0] = total
    got = forward(mean, image, runtime=RUNTIMES["litert-optimized"])
    assert got.ravel().tolist() == [0] * 16 + [-1] * 8


# TFLite Micro's RELU6 does not look at the output's grid, and a layer does
@pytest.mark.parametrize("operator", [one for one in OPERATORS if one != "relu6_rescaled"])
def test_tflite_micro_is_the_default(operator):
    for c in cases(operator, 60, seed=2):
        got = forward(c.layer, *c.inputs, runtime=RUNTIMES["tflite-micro"])
        assert np.array_equal(got, c.layer.forward(*c.inputs)), c.index


def test_the_layers_own_rounding_plays_no_part():
    c = case("add", seed=1, index=1)
    for runtime in RUNTIMES.values():
        want = forward(c.layer, *c.inputs, runtime=runtime)
        for rounding in Rounding:
            grids = *c.layer.in_grids, c.layer.out_grid
            other = layers.QAdd.from_float(*grids, left_shift=18, rounding=rounding)
            assert np.array_equal(forward(other, *c.inputs, runtime=runtime), want)


@pytest.fixture(scope="module")
def seed_network():
    seed = resnet.seed()
    return resnet.stem_block(seed.weights, seed.biases).quantize(seed.images), seed.images


def test_trace_under_tflite_micro_is_the_golden(seed_network):
    qnet, images = seed_network
    got = trace(qnet, images[:4], RUNTIMES["tflite-micro"])
    logits = got["dense_8x4"].tolist()
    lines = [f"sample {i}: {' '.join(map(str, row))}" for i, row in enumerate(logits)]
    assert lines == GOLDEN.splitlines()[2:]
    want = qnet.trace(images[:4])
    assert list(got) == list(want)
    assert all(np.array_equal(got[name], want[name]) for name in want)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_bad_input_is_refused_under_every_runtime(runtime):
    rules, grid = RUNTIMES[runtime], Grid(0.1, 0)
    image = np.zeros((1, 4, 4, 2), np.int8)
    plus = layers.QAdd.from_float(grid, grid, grid)
    for layer in (layers.QGlobalAvgPool2D(grid), QMean(grid, grid)):
        with pytest.raises(TypeError, match="must be int8"):
            forward(layer, image.astype(np.float32), runtime=rules)
        with pytest.raises(ValueError, match="must have shape"):
            forward(layer, image[0], runtime=rules)
        with pytest.raises(ValueError, match="must fit the image|without an empty axis"):
            forward(layer, image[:, :0], runtime=rules)
    with pytest.raises(TypeError, match="must be int8"):
        forward(plus, image, image.astype(np.int32), runtime=rules)
    with pytest.raises(ValueError, match="must have shapes that broadcast"):
        forward(plus, image, image[:, :2], runtime=rules)
    with pytest.raises(ValueError, match="kernel"):
        forward(layers.QAvgPool2D(grid, (5, 1), (1, 1)), image, runtime=rules)
