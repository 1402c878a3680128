"""Every layer of `tinyq.layers` gives the bytes of the oracle `tinyq.loops`: no tolerance.

`tinyq.runtimes.oracle` hands a layer's weights, scales and rounding to the loops.

Hypothesis draws shapes, strides, pads, grids and codes; it is derandomized, so every run sees the
same examples.  What is small enough is tried in full: all codes, all pairs, dense accumulators.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinyq import Grid, Requantizer, Rounding, loops
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu,
    qrelu6,
)
from tinyq.loops.conv import accumulate
from tinyq.runtimes import oracle

SEEDED = settings(max_examples=120, derandomize=True, deadline=None, database=None)
INT32_MAX = 2**31 - 1
SIZES = st.integers(1, 4)
STRIDES = st.tuples(*[st.sampled_from([1, 1, 2, 3, 9])] * 2)  # 9 is beyond every image here
ROUNDINGS = st.sampled_from([*Rounding, Rounding.DOUBLE, Rounding.DOUBLE])
CODE_RANGES = st.sampled_from([(-128, 127), (-128, 127), (-127, 127), (-8, 7), (0, 15)])


def edges_or_any(least: int, most: int) -> st.SearchStrategy[int]:
    """Integers in least..most, of which half are one of the two ends."""
    return st.sampled_from([least, most]) | st.integers(least, most)


def scales(low: float, high: float) -> st.SearchStrategy[float]:
    """Float32 scales whose base-2 logarithm lies in low..high."""
    return st.floats(low, high).map(lambda power: float(np.float32(2.0**power)))


def int_arrays(dtype: type, shape, elements: st.SearchStrategy[int]) -> st.SearchStrategy:
    """Arrays with every element drawn; by default hypothesis fills most of them with one value."""
    return arrays(dtype, shape, elements=elements, fill=st.nothing())


@st.composite
def grids(draw) -> Grid:
    qmin, qmax = draw(CODE_RANGES)
    return Grid(draw(scales(-10, 3)), draw(edges_or_any(qmin, qmax)), qmin, qmax)


@st.composite
def images(draw, grid: Grid, least: tuple[int, int] = (1, 1), channels: int | None = None):
    """A batch of 1 to 3 images of codes on grid, each at least as large as least."""
    height, width = (size + draw(st.integers(0, 4)) for size in least)
    shape = draw(st.integers(1, 3)), height, width, channels or draw(SIZES)
    return draw(int_arrays(np.int8, shape, edges_or_any(grid.qmin, grid.qmax)))


def listed(codes: np.ndarray) -> list:
    """What a layer returned, as the oracle returns it."""
    assert codes.dtype == np.int8, codes.dtype
    return codes.tolist()


@st.composite
def linear(draw, kind, *shape: int):
    """A layer with weights of the shape (O, ...), whose ratios run from 2^-33 to 2^4.

    Half of the ratios spread the accumulators over the codes; the others send them to 0 or to the
    ends, past 1 with left shifts that wrap.  A bias may reach the last value that fits int32.
    """
    in_grid, out_grid = draw(grids()), draw(grids())
    count = shape[0] if kind is QConv2DPerChannel else 1
    ratios = draw(st.lists(scales(-14, -8) | scales(-33, 4), min_size=count, max_size=count))
    weight_scale = np.float32(ratios) * np.float32(out_grid.scale) / np.float32(in_grid.scale)
    weight = draw(int_arrays(np.int8, shape, edges_or_any(-127, 127)))
    reach = INT32_MAX - 255 * 127 * weight[0].size
    biases = st.integers(-3000, 3000) | edges_or_any(-reach, reach)
    return kind(
        in_grid,
        out_grid,
        weight,
        draw(int_arrays(np.int32, shape[0], biases)),
        weight_scale,
        Requantizer.from_scales(in_grid.scale, weight_scale, out_grid.scale, draw(ROUNDINGS)),
        **({} if kind is QDense else {"stride": draw(STRIDES)}),
    )


@st.composite
def convolutions(draw, kind):
    """A convolution and images for it, from as small as its kernel."""
    kernel, channels = (draw(SIZES), draw(SIZES)), draw(SIZES)
    layer = draw(linear(kind, draw(SIZES), *kernel, channels))
    return layer, draw(images(layer.in_grid, kernel, channels))


def check_convolution(case) -> None:
    layer, batch = case
    assert listed(layer.forward(batch)) == [oracle.forward(layer, image) for image in batch]
    # Accumulators too: the codes hide what the clamp cuts off.
    acc = layer.accumulate(batch)
    kernels, zero_point = layer.weight.tolist(), layer.in_grid.zero_point
    for (n, i, j, o), got in np.ndenumerate(acc):
        top, left = i * layer.stride[0], j * layer.stride[1]
        image, bias = batch[n].tolist(), int(layer.bias[o])
        assert got == accumulate(image, kernels[o], bias, zero_point, top, left), (n, i, j, o)


@SEEDED
@given(convolutions(QConv2DPerChannel))
def test_conv_per_channel(case):
    check_convolution(case)


@SEEDED
@given(convolutions(QConv2D))
def test_conv_per_tensor(case):
    check_convolution(case)


@SEEDED
@given(st.data())
def test_dense(data):
    layer = data.draw(linear(QDense, data.draw(SIZES), data.draw(st.integers(1, 40))))
    (_, in_size), grid = layer.weight.shape, layer.in_grid
    codes = edges_or_any(grid.qmin, grid.qmax)
    batch = data.draw(int_arrays(np.int8, (data.draw(SIZES), in_size), codes))
    assert listed(layer.forward(batch)) == [oracle.forward(layer, row) for row in batch]


@pytest.mark.parametrize(("sign", "end"), [(1, INT32_MAX), (-1, loops.INT32_MIN)])
def test_the_accumulators_that_a_layer_accepts_are_those_that_fit_int32(sign, end):
    grid, weight = Grid(1.0, -128), np.full((1, 3), sign * 127, np.int8)
    bias = end - sign * 3 * 255 * 127
    row, ratio, one = np.full((1, 3), 127, np.int8), Requantizer(2.0**-25), np.float32([1])
    pair = loops.quantize_multiplier(2.0**-25)

    layer = QDense(grid, grid, weight, np.int32([bias]), one, ratio)
    assert layer.accumulate(row).tolist() == [[end]]
    want = loops.dense(row[0], weight, [bias], -128, *pair, -128)
    assert listed(layer.forward(row)) == [want]
    with pytest.raises(ValueError, match="accumulator must fit int32"):
        QDense(grid, grid, weight, np.int32([bias + sign]), one, ratio)
    with pytest.raises(OverflowError):
        loops.dense(row[0], weight, [bias + sign], -128, *pair, -128)


@SEEDED
@given(st.data(), grids(), st.tuples(*[st.integers(0, 3)] * 4))
def test_pad(data, grid, pads):
    batch = data.draw(images(grid))
    want = [loops.pad2d(x, pads, grid.zero_point) for x in batch]
    assert listed(QPad2D(grid, pads).forward(batch)) == want


@SEEDED
@given(st.data(), grids(), st.tuples(SIZES, SIZES), STRIDES)
def test_pools(data, grid, kernel, stride):
    batch = data.draw(images(grid, kernel))
    reach = [kernel[0] - 1] * 2 + [kernel[1] - 1] * 2
    pads = data.draw(st.tuples(*[st.integers(0, most) for most in reach]))
    for around in ((0, 0, 0, 0), pads):
        largest = [loops.max_pool2d(x, kernel, stride, around) for x in batch]
        assert listed(QMaxPool2D(grid, kernel, stride, around).forward(batch)) == largest
    mean = [loops.avg_pool2d(x, kernel, stride, grid.qmin, grid.qmax) for x in batch]
    assert listed(QAvgPool2D(grid, kernel, stride).forward(batch)) == mean
    mean = [loops.global_avg_pool2d(x, grid.qmin, grid.qmax) for x in batch]
    assert listed(QGlobalAvgPool2D(grid).forward(batch)) == mean


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9, 16])
def test_average_pools_of_every_sum(count):
    # An image a sum: `count` codes that differ by at most one and add up to it.
    sums = np.arange(-128 * count, 127 * count + 1)
    place = np.arange(count)
    batch = sums[:, None] // count + (place < (sums % count)[:, None])
    batch = batch.reshape(-1, 1, count, 1).astype(np.int8)
    want = [loops.global_avg_pool2d(x) for x in batch]
    assert listed(QGlobalAvgPool2D(Grid(1.0, -128)).forward(batch)) == want
    pooled = QAvgPool2D(Grid(1.0, -128), (1, count), (1, 1)).forward(batch)
    assert listed(pooled.reshape(-1, 1)) == want


@pytest.mark.parametrize("scale", [0.001, 0.02352941, 0.04, 0.3, 4.0, 12.0, 100.0])
def test_relus_of_every_code_on_every_zero_point(scale):
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    for zero_point in range(-128, 128):
        grid = Grid(scale, zero_point)
        (got,) = listed(qrelu(grid).forward(every))
        assert got == loops.relu(every[0], zero_point), zero_point
        six = min(int(6.0 / grid.scale + 0.5) + zero_point, 127)
        (got,) = listed(qrelu6(grid).forward(every))
        assert got == loops.clamp(every[0], zero_point, six), zero_point


@pytest.mark.parametrize(
    "three",
    [
        [Grid(0.09146, -3), Grid(0.06204, -1), Grid(0.06212, -128)],  # the seed's, nearly
        [Grid(1.0, 127), Grid(1.0, -128), Grid(2.0, 0)],  # every other sum is a tie
        [Grid(0.5, -128), Grid(0.0001, 127), Grid(3.0, 127)],
    ],
    ids=["seed", "ties", "far apart"],
)
def test_add_of_every_pair(three):
    a, b = np.mgrid[-128:128, -128:128].astype(np.int8)[..., None]
    add = QAdd.from_float(*three)
    assert listed(add.forward(a[None], b[None])) == [oracle.forward(add, a, b)]


@SEEDED
@given(st.data(), grids(), grids(), st.integers(0, 23), ROUNDINGS)
def test_add_on_any_grids(data, a_grid, b_grid, left_shift, rounding):
    # A last ratio of 1 or more is refused, as TFLite refuses it: the output needs a coarse scale.
    power = data.draw(st.floats(max(1.01 - left_shift, -2), 6))
    qmin, qmax = data.draw(CODE_RANGES)
    out_scale = max(a_grid.scale, b_grid.scale) * 2.0**power
    out_grid = Grid(out_scale, data.draw(edges_or_any(qmin, qmax)), qmin, qmax)
    add = QAdd.from_float(a_grid, b_grid, out_grid, left_shift, rounding)
    a = data.draw(images(a_grid))
    b = data.draw(int_arrays(np.int8, a.shape, edges_or_any(b_grid.qmin, b_grid.qmax)))
    want = [oracle.forward(add, x, y) for x, y in zip(a, b, strict=True)]
    assert listed(add.forward(a, b)) == want
