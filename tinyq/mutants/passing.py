"""Broken layers without a requantizer: pad, ReLU, pools."""

from dataclasses import replace

import numpy as np

from tinyq.layers import QGlobalAvgPool2D, QMaxPool2D, QPad2D, pool
from tinyq.layers.passthrough import QClamp
from tinyq.layers.pool import mean_codes
from tinyq.mutants.mutant import breaks

pad, max_pool = QPad2D.forward, QMaxPool2D.forward


@breaks(
    QPad2D,
    "forward",
    notice="A frame runs around every feature map, the stronger the further zero_point is from 0.",
    caught_by=("golden", "pad"),
    thread="https://github.com/apache/tvm/pull/4807",
)
def pad_with_code_zero(layer, codes):
    """The border holds code 0 where it must hold the code of real zero, the zero_point."""
    top, bottom, left, right = layer.pads
    return np.pad(codes, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=0)


@breaks(
    QPad2D,
    "forward",
    notice="Everything moves by one pixel: TensorFlow's SAME against PyTorch's padding.",
    caught_by=("40 percent", "golden", "pad"),
    thread="https://github.com/taehoonlee/tensornets/issues/25",
)
def padding_split_off_by_one(layer, codes):
    """One row and one column of the padding go to the end where they belong to the beginning."""
    top, bottom, left, right = layer.pads
    down, across = min(top, 1), min(left, 1)
    pads = (top - down, bottom + down, left - across, right + across)
    return pad(replace(layer, pads=pads), codes)


@breaks(
    QClamp,
    "forward",
    notice="On a grid of zero_point -128 nothing comes out below the middle of the range.",
    caught_by=("40 percent", "golden", "relu", "relu6"),
)
def relu_at_code_zero(layer, codes):
    """ReLU clamps at code 0 where it must clamp at the zero_point."""
    return np.clip(codes, np.int8(0), np.int8(layer.high))


@breaks(
    QClamp,
    "forward",
    notice="On zero_point -1 a code of -2 slips through; on a low one the top codes are lost.",
    caught_by=("golden", "relu", "relu6"),
)
def relu_before_zero_point(layer, codes):
    """The accumulator is clamped at low, and the zero_point is added after."""
    zero_point = layer.in_grid.zero_point
    clamped = np.clip(codes.astype(np.int16) - zero_point, layer.low, layer.high) + zero_point
    return np.clip(clamped, -128, 127).astype(np.int8)


@breaks(
    QClamp,
    "forward",
    notice="Activations above code 6 are flat; plain ReLU is right.",
    caught_by=("relu6",),
)
def relu6_at_code_six(layer, codes):
    """ReLU6 clamps at code 6 where it must clamp at the code of 6.0."""
    high = layer.high if layer.high == layer.in_grid.qmax else max(6, layer.low)
    return np.clip(codes, np.int8(layer.low), np.int8(high))


@breaks(
    QMaxPool2D,
    "forward",
    notice="Windows of negative codes come out as 0; on zero_point -128 that is half of the range.",
    caught_by=("golden", "max pool"),
)
def max_pool_starts_at_code_zero(layer, codes):
    """The search for the largest code starts at 0 and not at qmin."""
    return np.maximum(max_pool(layer, codes), np.int8(0))


@breaks(
    QMaxPool2D,
    "forward",
    notice="Odd sizes give one row and one column more; even sizes are right.",
    caught_by=("max pool",),
)
def max_pool_keeps_partial_windows(layer, codes):
    """The image is padded with code 0 until the last window, cut off otherwise, fits."""
    rest = [
        -(size - kernel) % stride
        for size, kernel, stride in zip(codes.shape[1:3], layer.kernel, layer.stride, strict=True)
    ]
    return max_pool(layer, np.pad(codes, ((0, 0), (0, rest[0]), (0, rest[1]), (0, 0))))


@breaks(
    pool,
    "mean_codes",
    notice="The pooled codes are up to one closer to 0: on zero_point -128, too bright.",
    caught_by=("golden", "average pool", "global pool"),
)
def mean_truncates(total, count, grid):
    """The mean is cut to an integer, as C's division does."""
    return np.trunc(total / count).astype(np.int8)


@breaks(
    pool,
    "mean_codes",
    notice="Half of the means that lie halfway between two codes move by one.",
    caught_by=("average pool",),
    thread="https://github.com/uxlfoundation/oneDNN/issues/560",
)
def mean_half_even(total, count, grid):
    """A mean halfway between two codes goes to the even one."""
    return np.rint(total / count).astype(np.int8)


@breaks(
    pool,
    "mean_codes",
    notice="Some means halfway between two codes move by one, as in TFLite's MEAN.",
    caught_by=("average pool",),
)
def mean_without_zero_point(total, count, grid):
    """The zero_point is taken out before the division and put back after, which moves the ties."""
    centred = total - count * grid.zero_point
    steps = np.sign(centred) * ((np.abs(centred) + count // 2) // count)
    return np.clip(steps + grid.zero_point, grid.qmin, grid.qmax).astype(np.int8)


@breaks(
    QGlobalAvgPool2D,
    "forward",
    notice="Square images are right; an oblong one is too bright or too dark.",
    caught_by=("global pool",),
)
def global_mean_of_a_square(layer, codes):
    """The sum is divided by the height squared, not by height times width."""
    total = codes.sum(axis=(1, 2), dtype=np.int32)
    return mean_codes(total, codes.shape[1] ** 2, layer.in_grid)
