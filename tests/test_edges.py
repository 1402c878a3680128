"""The edges, one table each: against the loop nests, against exact rationals, or by a proof.

tests/test_layers_equal_loops.py draws shapes and codes at random; here stands what chance may miss.
"""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from test_affine import exact_round

from tinyq import Grid, Requantizer, Rounding, layers, loops
from tinyq.runtimes import oracle
from tinyq.runtimes.oracle import ROUNDINGS
from tinyq.weights import quantize_weights

EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
INT32 = np.iinfo(np.int32)
ENDS = [INT32.min, INT32.min + 1, -(2**30), -3, -1, 0, 1, 3, 2**30, INT32.max - 1, INT32.max]
FLOAT32_MAX = np.finfo(np.float32).max


# ----------------------------------------------------------------------------------- the grid


@pytest.mark.parametrize("constant", [1e-30, 0.3, 2.0, 3e38])
def test_a_range_of_one_value_puts_it_on_an_end(constant):
    up, down = Grid.from_range(constant, constant), Grid.from_range(-constant, -constant)
    assert (up.zero_point, up.quantize(constant)) == (-128, 127)
    assert (down.zero_point, down.quantize(-constant)) == (127, -128)


@pytest.mark.parametrize("scale", [2.0**-20, 0.1, 0.0784, 3.0, 1e30])
@pytest.mark.parametrize("zero_point", [-128, -1, 127])
def test_quantize_steps_exactly_at_each_tie_and_never_back(scale, zero_point):
    grid = Grid(scale, zero_point)
    # the float32 next to each tie k + 1/2, and its neighbours on both sides
    near = np.float32(grid.scale * (np.arange(-258, 258) + 0.5))
    x = np.concatenate([np.nextafter(near, -FLOAT32_MAX), near, np.nextafter(near, FLOAT32_MAX)])
    x = np.sort(np.concatenate([x, [-FLOAT32_MAX, FLOAT32_MAX]]).astype(np.float32))
    got = grid.quantize(x)
    assert (np.diff(got.astype(int)) >= 0).all()
    steps = [exact_round(Fraction(float(v)) / Fraction(grid.scale)) for v in x]
    assert got.tolist() == [min(max(step + zero_point, -128), 127) for step in steps]


def test_weight_ties_go_away_from_zero():
    ties = np.float32([0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 126.5, -126.5, 127.5, -127.5]) / 8
    codes = quantize_weights(ties[None], np.float32([0.125]))
    assert codes.tolist() == [[1, -1, 2, -2, 3, -3, 127, -127, 127, -127]]


# ------------------------------------------------------------------------------- requantization


@pytest.mark.parametrize("rounding", [Rounding.DOUBLE, Rounding.UP, Rounding.SINGLE])
@pytest.mark.parametrize("multiplier", [2**30, 2**30 + 1, 2**31 - 2, 2**31 - 1])
def test_the_ends_of_multiplier_shift_and_accumulator(rounding, multiplier):
    for shift in (-30, -29, -1, 0, 1, 2, 15, 30, 31):
        ratio = multiplier * 2.0 ** (-31 - shift)
        requantizer = Requantizer(ratio, rounding)
        assert (requantizer.multiplier.item(), requantizer.shift.item()) == (multiplier, shift)
        write, rescale = ROUNDINGS[rounding]
        want = [rescale(acc, *write(ratio)) for acc in ENDS]
        assert requantizer.rescale(np.int32(ENDS)).tolist() == want, shift


@pytest.mark.parametrize(
    ("rounding", "want"),
    [
        # acc / 2 for -3, -1, 1, 3, then acc / 4 for -6, -2, 2, 6
        (Rounding.DOUBLE, [-1, 0, 1, 2, -2, -1, 1, 2]),
        (Rounding.UP, [-1, 0, 1, 2, -1, 0, 1, 2]),
        (Rounding.SINGLE, [-1, 0, 1, 2, -1, 0, 1, 2]),
        (Rounding.FLOAT32, [-2, 0, 0, 2, -2, 0, 0, 2]),
        (Rounding.FLOAT64, [-2, -1, 1, 2, -2, -1, 1, 2]),
    ],
)
def test_ties_of_both_signs(rounding, want):
    halves = Requantizer(0.5, rounding).rescale(np.int32([-3, -1, 1, 3])).tolist()
    quarters = Requantizer(0.25, rounding).rescale(np.int32([-6, -2, 2, 6])).tolist()
    assert halves + quarters == want


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("ratio", [2.0**-31, 1e-3, 0.5, 0.99])
def test_requantize_saturates_on_the_side_of_the_accumulator(rounding, ratio):
    for zero_point, (qmin, qmax) in product((-8, 0, 7), [(-128, 127), (-8, 7)]):
        grid = Grid(1.0, zero_point, qmin, qmax)
        got = Requantizer(ratio, rounding).requantize(np.int32(ENDS), grid)
        for acc, code in zip(ENDS, got.tolist(), strict=True):
            real = min(max(Fraction(acc) * Fraction(ratio) + zero_point, qmin), qmax)
            # half a code, and a quarter where the high multiply rounds before a shift by one
            assert qmin <= code <= qmax and abs(code - real) <= Fraction(3, 4), acc


# --------------------------------------------------------------------------------- all the codes


@pytest.mark.parametrize("zero_point", [-128, -127, -1, 0, 126, 127])
def test_layers_that_look_at_one_pixel_leave_every_code_alone(zero_point):
    grid = Grid(0.1, zero_point)
    for layer in (
        layers.QPad2D(grid, (0, 0, 0, 0)),
        layers.QMaxPool2D(grid, (1, 1), (1, 1)),
        layers.QAvgPool2D(grid, (1, 1), (1, 1)),
        layers.QClamp(grid, -128, 127),
    ):
        assert layer.forward(EVERY).tolist() == EVERY.tolist(), layer
    pixels = EVERY.reshape(256, 1, 1, 1)
    assert layers.QGlobalAvgPool2D(grid).forward(pixels).ravel().tolist() == [*range(-128, 128)]


@pytest.mark.parametrize(("zero_in", "zero_out"), [(-128, 127), (127, -128), (-1, 3)])
def test_every_code_times_every_weight(zero_in, zero_out):
    weight = np.arange(-127, 128, dtype=np.int8).reshape(255, 1, 1, 1)
    scales = np.float32(np.linspace(0.03, 0.05, 255))
    grids = Grid(0.02, zero_in), Grid(0.1, zero_out)
    requantizer = Requantizer.from_scales(grids[0].scale, scales, grids[1].scale)
    bias = np.arange(255, dtype=np.int32) * 9 - 1000
    conv = layers.QConv2DPerChannel(*grids, weight, bias, scales, requantizer)
    want = [oracle.forward(conv, EVERY[0])]
    assert conv.forward(EVERY).tolist() == want
    assert len(set(np.ravel(want))) > 150


PAIRS = {
    "zero_points at the ends": [Grid(0.05, -128), Grid(0.03, 127), Grid(0.04, -128)],
    "the other ends": [Grid(0.05, 127), Grid(0.03, -128), Grid(0.04, 127)],
    "equal grids": [Grid(0.05, -5), Grid(0.05, -5), Grid(0.05, -5)],
    "both ends saturate": [Grid(1.0, 0), Grid(1.0, 0), Grid(0.25, 0)],
    "coarse sum": [Grid(0.01, 3), Grid(0.02, -9), Grid(0.9, 7)],
    "scales far apart": [Grid(5.0, 0), Grid(0.001, 0), Grid(6.0, 0)],
    "narrow sum": [Grid(0.1, -1), Grid(0.2, 1), Grid(3.0, 0, -8, 7)],
}


@pytest.mark.parametrize("three", PAIRS.values(), ids=PAIRS)
def test_every_pair_adds_up_to_half_a_code(three):
    a, b = np.mgrid[-128:128, -128:128].astype(np.int8)[:, None, :, :, None]
    got = layers.QAdd.from_float(*three).forward(a, b)
    # float32 scales times 2**60 are integers: no rounding in what follows
    s_a, s_b, s_out = (int(Fraction(grid.scale) * 2**60) for grid in three)
    zero_a, zero_b, zero_out = (grid.zero_point for grid in three)
    real = s_a * (a.astype(object) - zero_a) + s_b * (b.astype(object) - zero_b) + s_out * zero_out
    real = np.clip(real, s_out * three[2].qmin, s_out * three[2].qmax)
    # two roundings at 20 more bits cost a little beyond the half
    assert (abs(real - got.astype(object) * s_out) * 2**16 <= s_out * (2**15 + 1)).all()
    swapped = layers.QAdd.from_float(three[1], three[0], three[2]).forward(b, a)
    assert (swapped == got).all()


# ---------------------------------------------------------------------------------------- shapes

SHAPES = {
    "one pixel": ((1, 1), (1, 1), (1, 1)),
    "one pixel, strides beyond it": ((1, 1), (1, 1), (5, 7)),
    "kernel as big as the image": ((4, 5), (4, 5), (1, 1)),
    "that, strides beyond it": ((4, 5), (4, 5), (9, 9)),
    "one row": ((1, 6), (1, 2), (3, 2)),
    "one column": ((6, 1), (3, 1), (2, 3)),
    "kernel as high as the image": ((4, 6), (4, 1), (2, 2)),
    "stride beyond it on one axis": ((5, 6), (2, 2), (8, 1)),
    "last pixels never seen": ((6, 6), (2, 2), (3, 5)),
}


@pytest.mark.parametrize(("size", "kernel", "stride"), SHAPES.values(), ids=SHAPES)
def test_shapes_at_the_edge(size, kernel, stride):
    rng = np.random.default_rng(1)
    grids = Grid(0.02, -128), Grid(0.7, 5)
    images = rng.integers(-128, 128, (2, *size, 3)).astype(np.int8)
    weights = rng.normal(size=(4, *kernel, 3)).astype(np.float32)
    weights[1] = 0  # a dead channel: its output is its bias
    bias = np.float32([0, 2.1, -3, 1])
    for kind in (layers.QConv2D, layers.QConv2DPerChannel):
        conv = kind.from_float(weights, bias, *grids, stride)
        got = conv.forward(images)
        assert got.tolist() == [oracle.forward(conv, image) for image in images]
        assert (got[..., 1] == 5 + 3).all()
    largest = layers.QMaxPool2D(grids[0], kernel, stride)
    mean = layers.QAvgPool2D(grids[0], kernel, stride)
    assert largest.forward(images).tolist() == [loops.max_pool2d(x, kernel, stride) for x in images]
    assert mean.forward(images).tolist() == [loops.avg_pool2d(x, kernel, stride) for x in images]


# ---------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize("zero_point", [-128, -3, 127])
@pytest.mark.parametrize(("qmin", "qmax"), [(-128, 127), (-128, -2), (-3, 127)])
def test_the_accumulator_range_is_reached_in_every_channel(zero_point, qmin, qmax):
    rng = np.random.default_rng(2)
    grid = Grid(0.1, min(max(zero_point, qmin), qmax), qmin, qmax)
    weights = rng.normal(size=(5, 3, 2, 4)).astype(np.float32)
    conv = layers.QConv2DPerChannel.from_float(weights, rng.normal(size=5), grid, Grid(0.1, 0))
    least, largest = conv.accumulator_range()
    for channel, weight in enumerate(conv.weight):
        brightest = np.where(weight > 0, qmax, qmin).astype(np.int8)
        darkest = np.where(weight > 0, qmin, qmax).astype(np.int8)
        acc = conv.accumulate(np.stack([brightest, darkest]))[:, 0, 0, channel]
        assert acc.tolist() == [largest[channel], least[channel]]


def test_one_channel_beyond_int32_is_enough_to_refuse():
    grid, room = Grid(1.0, -128), INT32.max - 255 * 127
    weight = np.int8([[[[1]]], [[[127]]], [[[-127]]]])
    ratio, scales = Requantizer([0.5, 0.5, 0.5]), np.float32([1, 1, 1])
    full = np.int32([0, room, -room - 1])
    conv = layers.QConv2DPerChannel(grid, grid, weight, full, scales, ratio)
    assert conv.accumulate(np.int8([[[[127]]]])).ravel().tolist() == [255, INT32.max, INT32.min]
    for channel, one in ((1, 1), (2, -1)):
        beyond = full.copy()
        beyond[channel] += one
        with pytest.raises(ValueError, match="QConv2DPerChannel: the accumulator must fit int32"):
            replace(conv, bias=beyond)


def test_left_shift_headroom_of_every_zero_point():
    for zero_point in range(-128, 128):
        grid = Grid(1.0, zero_point)
        reach = max(abs(q - zero_point) for q in (-128, 127))
        most = max(n for n in range(31) if reach << n <= INT32.max)
        layers.QAdd.from_float(grid, grid, Grid(2.0, 0), left_shift=most)
        with pytest.raises(ValueError, match=f"left_shift must be in 0..{most} for steps of up to"):
            layers.QAdd.from_float(grid, grid, Grid(2.0, 0), left_shift=most + 1)
    assert f"{2**31 / (255 << 20):.2f}" == "8.03"


@pytest.mark.parametrize("left_shift", [1, 20, 23])
@pytest.mark.parametrize("ratio", [1.0, 0.999, 1 / 3, 1e-4])
def test_no_step_of_the_add_leaves_int32(left_shift, ratio):
    # At the corners every step is largest.  The oracle raises OverflowError beyond int32; both
    # inputs have a ratio of at most 1/2, so their sum stays below the larger of the two.
    corners = np.int8([-128, 127])
    a, b = np.meshgrid(corners, corners)
    for zero_a, zero_b in product((-128, 0, 127), repeat=2):
        out = Grid(2.1, 0)
        add = layers.QAdd.from_float(Grid(1.0, zero_a), Grid(ratio, zero_b), out, left_shift)
        assert max(add.rescale_a.ratio[0], add.rescale_b.ratio[0]) == 0.5
        assert add.rescale_sum.ratio[0] < 1
        got = add.forward(a[None, ..., None], b[None, ..., None])
        assert got.tolist() == [oracle.forward(add, a[..., None], b[..., None])]
