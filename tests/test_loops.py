"""The oracle's kernels, `tinyq.loops`, against NumPy, exact fractions and results done by hand."""

import ast
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from tinyq import loops


def half_away(x: Fraction) -> int:
    """Round to the nearest integer, a tie away from zero."""
    return floor(x + Fraction(1, 2)) if x >= 0 else -floor(-x + Fraction(1, 2))


def codes(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-128, 128, shape)


def test_the_oracle_imports_neither_numpy_nor_the_rest_of_tinyq():
    files = sorted(Path(loops.__file__).parent.glob("*.py"))
    assert len(files) >= 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            assert not isinstance(node, ast.Import), f"{file.name}: plain import"
            if isinstance(node, ast.ImportFrom):
                allowed = ("collections.abc", "math", "operator", "tinyq.loops")
                assert node.module.startswith(allowed), f"{file.name} imports {node.module}"


def test_numpy_integers_are_read_as_python_ints():
    image = np.array([[[-128], [127]]], np.int8)
    (row,) = loops.conv2d(image, np.int8([[[[127], [127]]]]), [0], (1, 1), 127, [2**30], [8], 0)
    assert row == [[half_away(Fraction(127 * -255, 512))]]
    assert {type(q) for q in row[0]} == {int}
    with pytest.raises(TypeError, match="float"):
        loops.relu([[[1.0]]], 0)


def test_a_convolution_done_by_hand():
    # Two 1x2 filters over a 2x4 image of one channel, strides 1 down and 2 right, zero_point 1.
    image = [[[1], [2], [3], [4]], [[5], [6], [7], [8]]]  # minus 1: 0 1 2 3 / 4 5 6 7
    weights = [[[[10], [1]]], [[[-1], [2]]]]
    # filter 0, bias 5: 10*0+1+5=6, 10*2+3+5=28, 10*4+5+5=50, 10*6+7+5=72; ratio 1/2
    # filter 1, bias -9: 0+2-9=-7, -2+6-9=-5, -4+10-9=-3, -6+14-9=-1; ratio 1/4 = 2^30, shift 1
    got = loops.conv2d(image, weights, [5, -9], (1, 2), 1, [2**30, 2**30], [0, 1], -10)
    # two roundings: -3.5 -> -3, -1.5 -> -2; -2.5 -> -2 -> -1; -1.5 -> -1, -0.5 -> -1; -0.5 -> 0
    assert got == [[[-7, -12], [4, -11]], [[15, -11], [26, -10]]]


@pytest.mark.parametrize("seed", range(20))
def test_convolution_accumulates_what_numpy_accumulates(seed):
    rng = np.random.default_rng(seed)
    height, width, channels, filters = rng.integers(1, 8, 4)
    down, right, zero_in, zero_out = *rng.integers(1, 4, 2), *codes(rng, 2)
    kernel = int(rng.integers(1, height + 1)), int(rng.integers(1, width + 1))
    image = codes(rng, height, width, channels)
    weights, biases = codes(rng, filters, *kernel, channels), rng.integers(-5000, 5000, filters)
    pairs = [loops.quantize_multiplier(float(r)) for r in 2.0 ** rng.uniform(-12, 1, filters)]
    multipliers, shifts = zip(*pairs, strict=True)

    windows = sliding_window_view(image - zero_in, kernel, (0, 1))[::down, ::right]
    acc = np.einsum("yxchw,ohwc->yxo", windows, weights) + biases
    want = [
        [
            [loops.requantize(acc, *pair, zero_out) for acc, pair in zip(pixel, pairs, strict=True)]
            for pixel in row
        ]
        for row in acc.tolist()
    ]
    got = loops.conv2d(
        image, weights, biases, (down, right), zero_in, multipliers, shifts, zero_out
    )
    assert got == want


def test_dense_is_a_matrix_product():
    rng = np.random.default_rng(3)
    vector, weights, biases = codes(rng, 37), codes(rng, 11, 37), rng.integers(-9999, 9999, 11)
    pair = loops.quantize_multiplier(0.0017)
    acc = (weights @ (vector + 128) + biases).tolist()
    want = [loops.requantize(a, *pair, -128) for a in acc]
    assert len(set(want)) > 5
    assert loops.dense(vector, weights, biases, -128, *pair, -128) == want


def test_a_fan_in_of_66311_is_the_last_that_fits_int32():
    pixel, weight = [127], [127]  # 127 - (-128) = 255 times 127 a product
    assert loops.dense(pixel * 66_311, [weight * 66_311], [0], -128, 2**30, 24, 0) == [64]
    with pytest.raises(OverflowError, match="does not fit in int32"):
        loops.dense(pixel * 66_312, [weight * 66_312], [0], -128, 2**30, 24, 0)


def test_the_accumulator_of_a_convolution_may_reach_int32_max_and_no_more():
    def convolve(bias):
        weights = [[[[127], [127]]]]
        return loops.conv2d([[[127], [127]]], weights, [bias], (1, 1), -128, [2**30], [24], 0)

    assert convolve(2**31 - 1 - 2 * 255 * 127) == [[[64]]]
    with pytest.raises(OverflowError, match="2147483648 does not fit in int32"):
        convolve(2**31 - 2 * 255 * 127)


def test_an_accumulator_that_leaves_int32_and_comes_back_is_refused_too():
    for bias, first, second in [(2**31 - 1, 1, -1), (2**31, -1, 0), (-(2**31), -1, 1)]:
        with pytest.raises(OverflowError, match="does not fit in int32"):
            loops.dense([1, 1], [[first, second]], [bias], 0, 2**30, 24, 0)
        with pytest.raises(OverflowError, match="does not fit in int32"):
            loops.conv2d([[[1, 1]]], [[[[first, second]]]], [bias], (1, 1), 0, [2**30], [24], 0)


def test_pad_writes_the_value_around_the_image():
    rng = np.random.default_rng(4)
    image = codes(rng, 3, 2, 4)
    for top, bottom, left, right in [(0, 0, 0, 0), (1, 2, 3, 0), (0, 5, 1, 1)]:
        widths = ((top, bottom), (left, right), (0, 0))
        want = np.pad(image, widths, constant_values=-77).tolist()
        assert loops.pad2d(image, (top, bottom, left, right), -77) == want
    with pytest.raises(ValueError, match="pads"):
        loops.pad2d(image, (0, -1, 0, 0), 0)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 1), (1, 4), (5, 6)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (3, 1), (9, 9)])
def test_pools_see_the_windows_that_numpy_sees(size, stride):
    image = codes(np.random.default_rng(5), 5, 6, 3)
    windows = sliding_window_view(image, size, (0, 1))[:: stride[0], :: stride[1]]
    assert loops.max_pool2d(image, size, stride) == windows.max((3, 4)).tolist()
    mean = [
        [[half_away(Fraction(total, size[0] * size[1])) for total in pixel] for pixel in row]
        for row in windows.sum((3, 4)).tolist()
    ]
    assert loops.avg_pool2d(image, size, stride) == mean


def test_average_pool_rounds_the_raw_sum_away_from_code_zero():
    for count in (2, 3, 4, 16):
        for total in range(-3 * count, 3 * count + 1):
            image = [[[total // count + (i < total % count)] for i in range(count)]]
            assert sum(q[0] for q in image[0]) == total
            want = [half_away(Fraction(total, count))]
            assert loops.global_avg_pool2d(image) == want, (total, count)
    assert loops.avg_pool2d([[[100], [100]]], (1, 1), (1, 1), qmax=50) == [[[50], [50]]]
    assert loops.avg_pool2d([[[-100]]], (1, 1), (1, 1), qmin=-50) == [[[-50]]]


def test_relu_and_clamp():
    image = codes(np.random.default_rng(6), 4, 5, 3)
    assert loops.relu(image, -20) == np.maximum(image, -20).tolist()
    assert loops.clamp(image, -20, 30) == np.clip(image, -20, 30).tolist()
    with pytest.raises(ValueError, match="lo"):
        loops.clamp(image, 30, -20)


@pytest.mark.parametrize(
    ("scales", "zero_points"),
    [((0.06204, 0.09146, 0.06212), (-1, -3, -128)), ((1.0, 0.0001, 0.9), (127, -128, 5))],
)
def test_add_is_within_half_a_step_and_a_bit_of_the_real_sum(scales, zero_points):
    every = range(-128, 128)
    image_a, image_b = [[[a] * 256 for a in every]], [[list(every) for _ in every]]
    pairs = loops.add_multipliers(*scales)
    (rows,) = loops.add(image_a, image_b, zero_points, pairs)
    scale_a, scale_b, scale_out = map(Fraction, scales)
    zero_a, zero_b, zero_out = zero_points
    for a, row in zip(every, rows, strict=True):
        for b, code in zip(every, row, strict=True):
            real = (scale_a * (a - zero_a) + scale_b * (b - zero_b)) / scale_out + zero_out
            error = abs(min(max(real, -128), 127) - code)
            assert error <= Fraction(1, 2) + Fraction(1, 2**16), (a, b)


def test_a_left_shift_of_23_is_the_edge_of_the_add():
    for left_shift in (20, 23):
        pairs = loops.add_multipliers(1.0, 1.0, 3.0, left_shift)
        got = loops.add([[[127]]], [[[127]]], (-128, -128, -128), pairs, left_shift)
        assert got == [[[(255 + 255) // 3 - 128]]]
    with pytest.raises(OverflowError, match="does not fit in int32"):
        loops.add([[[127]]], [[[0]]], (-128, 0, 0), pairs, left_shift=24)


def test_add_clamps_to_its_own_qmin_and_qmax():
    pairs = loops.add_multipliers(1.0, 1.0, 1.0)
    got = loops.add([[[90, -90, 3]]], [[[90, -90, 4]]], (0, 0, 0), pairs, qmin=-9, qmax=100)
    assert got == [[[100, -9, 7]]]


def test_shapes_that_do_not_fit_are_refused():
    one = [[[1]]]
    pairs = loops.add_multipliers(1.0, 1.0, 1.0)
    for call in (
        lambda: loops.conv2d(one, [[[[1, 2]]]], [0], (1, 1), 0, [1], [0], 0),
        lambda: loops.conv2d(one, [[[[1]]]], [0, 0], (1, 1), 0, [1], [0], 0),
        lambda: loops.conv2d(one, [[[[1], [1]]]], [0], (1, 1), 0, [1], [0], 0),
        lambda: loops.conv2d(one, [[[[1]]]], [0], (1, 0), 0, [1], [0], 0),
        lambda: loops.max_pool2d(one, (2, 1), (1, 1)),
        lambda: loops.avg_pool2d(one, (1, 2), (1, 1)),
        lambda: loops.add(one, [[[1, 2]]], (0, 0, 0), pairs),
        lambda: loops.dense([1], [[1, 2]], [0], 0, 1, 0, 0),
    ):
        with pytest.raises(ValueError):
            call()
