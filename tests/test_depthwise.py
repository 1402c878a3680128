"""Depthwise, dilation, padded average pools, MEAN of any axes: loop nests, runtimes, plans."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq import Grid, Requantizer, Rounding, layers
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, oracle
from tinyq.runtimes.linear import requantize

SEEDED = settings(max_examples=80, derandomize=True, deadline=None, database=None)
PAIRS = st.tuples(*[st.integers(1, 3)] * 2)


def drawn(seed: int, kernel, dilation, stride, channels: int, times: int | None):
    """A convolution with ties, depthwise for times and dense for None, and images that fit it."""
    rng = np.random.default_rng(seed)
    count = 3 if times is None else channels * times
    shape = (count, *kernel, channels) if times is None else (count, *kernel)
    grids = [Grid(2.0**-3, int(rng.integers(-128, 128))), Grid(1.0, int(rng.integers(-128, 128)))]
    scales = np.exp2(rng.integers(-8, -4, count)).astype(np.float32)
    weight = rng.integers(-128, 128, shape).astype(np.int8)
    bias = rng.integers(-3000, 3000, count).astype(np.int32)
    rounding = list(Rounding)[seed % len(Rounding)]
    rescale = Requantizer.from_scales(grids[0].scale, scales, grids[1].scale, rounding)
    parts = *grids, weight, bias, scales, rescale
    size = [
        (k - 1) * d + 1 + int(rng.integers(0, 4)) for k, d in zip(kernel, dilation, strict=True)
    ]
    images = rng.integers(-128, 128, (2, *size, channels)).astype(np.int8)
    if times is None:
        return layers.QConv2DPerChannel(*parts, stride, dilation), images
    return layers.QDepthwiseConv2D(*parts, times, stride, dilation), images


TIMES = st.sampled_from([None, 1, 1, 2, 3])
CONVOLUTIONS = st.tuples(st.integers(0, 10**6), PAIRS, PAIRS, PAIRS, st.integers(1, 5), TIMES)


@SEEDED
@given(CONVOLUTIONS)
def test_a_convolution_gives_its_loop_nests_bytes(case):
    layer, images = drawn(*case)
    assert layer.forward(images).tolist() == [oracle.forward(layer, image) for image in images]


@SEEDED
@given(CONVOLUTIONS, st.tuples(*[st.integers(0, 2)] * 4), st.sampled_from([None, (1, 1), (2, 3)]))
def test_a_plan_gives_the_layers_bytes(case, pads, pool):
    layer, images = drawn(*case)
    grid, out = layer.in_grid, layer.out_grid
    nodes = [Node("pad", layers.QPad2D(grid, pads), (INPUT,)), Node("conv", layer, ("pad",))]
    nodes.append(Node("relu", layers.qrelu(out), ("conv",)))
    size = layer.out_shape(nodes[0].layer.out_shape(images.shape[1:]))
    if pool and all(window <= most for window, most in zip(pool, size, strict=False)):
        nodes.append(Node("max", layers.QMaxPool2D(out, pool, pool), ("relu",)))
    grids = {INPUT: grid} | {node.name: node.layer.out_grid for node in nodes}
    qnet = QNetwork(tuple(nodes), grids, {}, images.shape[1:])
    assert np.array_equal(qnet.compile("numpy", len(images))(images), qnet(images))


@SEEDED
@given(st.integers(0, 10**6), PAIRS, PAIRS, st.integers(1, 5), st.integers(1, 5))
def test_an_average_pool_counts_real_pixels_alone(seed, kernel, stride, height, width):
    rng = np.random.default_rng(seed)
    pads = [int(rng.integers(0, size)) for size in (*kernel[:1] * 2, *kernel[1:] * 2)]
    if pads[0] + height + pads[1] < kernel[0] or pads[2] + width + pads[3] < kernel[1]:
        return
    codes = rng.integers(-128, 128, (2, height, width, 3)).astype(np.int8)
    layer = layers.QAvgPool2D(Grid(0.5, -10), kernel, stride, tuple(pads))
    assert layer.forward(codes).tolist() == [oracle.forward(layer, image) for image in codes]


@SEEDED
@given(st.integers(0, 10**6), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_mean_gives_its_loop_nests_bytes(seed, shape):
    rng = np.random.default_rng(seed)
    axes = tuple(rng.permutation(len(shape))[: rng.integers(1, len(shape) + 1)].tolist())
    grids = [Grid(float(np.exp2(rng.integers(-4, 3))), int(rng.integers(-128, 128))) for _ in "io"]
    layer = layers.QMean(*grids, axes, len(axes) == len(shape) or bool(rng.integers(2)))
    codes = rng.integers(-128, 128, (2, *shape)).astype(np.int8)
    got = layer.forward(codes)
    assert got.tolist() == [oracle.forward(layer, one) for one in codes]
    assert got.shape[1:] == layer.out_shape(tuple(shape))


X = [[[113, 32], [47, 101], [20, 70], [85, -71]], [[-114, -52], [-56, 95], [105, -127], [-1, 82]]]
X += [[[-95, 76], [-98, -9], [81, -51], [-41, -57]], [[56, -63], [125, -15], [-6, 1], [21, 13]]]
W = [[[2, 126, 78, 75], [51, 31, -41, 125], [-9, -73, 88, -87]]]
W += [[[91, 29, -98, -116], [-14, -118, -91, 4], [120, -9, 79, 106]]]
W += [[[82, 33, -15, 4], [-60, -1, -31, -64], [126, -124, -103, -78]]]


def test_tflite_micros_bytes_of_a_depthwise_convolution():
    grid, out = Grid(0.05, -7), Grid(0.25, 4)
    scales, bias = np.float32([0.01, 0.02, 0.004, 0.03]), np.int32([300, -200, 0, 1000])
    weight = np.int8(W).transpose(2, 0, 1)
    rescale = Requantizer.from_scales(grid.scale, scales, out.scale)
    layer = layers.QDepthwiseConv2D(grid, out, weight, bias, scales, rescale, 2, (2, 2))
    codes = layers.QPad2D(grid, (0, 1, 0, 1)).forward(np.int8([X]))
    want = [[[38, 14, 0, 49], [53, 50, 16, 100]], [[1, -128, 12, 113], [1, 30, 1, -52]]]
    assert layer.forward(codes).tolist() == [want]


def test_tflite_micros_bytes_of_an_average_pool_with_same():
    codes = np.int8([[10, -3, 7], [5, 120, -128], [0, 1, 2]])[None, ..., None]
    pool = layers.QAvgPool2D(Grid(0.5, -10), (3, 3), (1, 1), (1, 1, 1, 1))
    assert pool.forward(codes)[0, ..., 0].tolist() == [[33, 2, -1], [22, 2, 0], [32, 0, -1]]
    around = layers.QPad2D(pool.in_grid, pool.pads).forward(codes)
    zeros = replace(pool, pads=(0, 0, 0, 0)).forward(around)
    assert zeros[0, ..., 0].tolist() == [[9, -2, -6], [11, 2, -3], [8, -3, -6]]


def test_tflite_micros_bytes_of_a_weight_of_minus_128():
    scale, out = np.float32([0.05898105353116989]), Grid(0.0297, -128)
    rescale = Requantizer.from_scales(np.float32(1 / 255), scale, out.scale)
    weight, bias = np.int8([[-2, 2], [-5, -9], [-56, -128]]), np.int32([-2052, -1540, 33551])
    dense = layers.QDense(Grid(1 / 255, -128), out, weight, bias, scale, rescale)
    rows = np.int8([[127, -128], [-128, 127], [-128, -64]])
    want = [[-128, -128, 22], [-128, -128, -121], [-128, -128, 69]]
    assert dense.forward(rows).tolist() == want


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("taps", [25, 26])
def test_xnnpack_wraps_where_it_has_no_depthwise_kernel(taps, times):
    """Measured: below int32 a sum wraps in a convolution's kernel, and is clamped in depthwise."""
    one, out, count = Grid(1.0, 0), Grid(1.0, -91), 2 * times
    scales, bias = np.full(count, 22.0, np.float32), np.full(count, -186860707, np.int32)
    rescale, weight = Requantizer.from_scales(1.0, scales, 1.0), np.zeros((count, 1, taps), np.int8)
    layer = layers.QDepthwiseConv2D(one, out, weight, bias, scales, rescale, times)
    acc = layer.accumulate(np.zeros((1, 1, taps, 2), np.int8))
    got = RUNTIMES["litert-xnnpack"].special(layer)(layer, acc)
    assert (got == (-128 if (taps, times) == (25, 1) else 127)).all()


@pytest.mark.parametrize("count", [1, 7, 8, 9, 20])
def test_litert_optimized_rounds_full_blocks_of_channels_up(count):
    """Ties below zero: UP and DOUBLE part there, in channels 0..7 and behind the last block."""
    grid, scales = Grid(1.0, 0), np.ones(count, np.float32)
    parts = np.ones((count, 1, 1), np.int8), np.zeros(count, np.int32), scales
    rescale = Requantizer.from_scales(1.0, scales, 4.0)
    layer = layers.QDepthwiseConv2D(grid, Grid(4.0, 0), *parts, rescale)
    acc = layer.accumulate(np.full((1, 1, 1, count), -6, np.int8))
    got = RUNTIMES["litert-optimized"].special(layer)(layer, acc).ravel()
    up, double = (requantize(layer, acc, r).ravel() for r in (Rounding.UP, Rounding.DOUBLE))
    assert (up != double).all()
    assert got.tolist() == [*up[: count // 8 * 8], *double[count // 8 * 8 :]]
