"""Broken accumulators of convolution and dense: zero_point, layout, stride, width."""

from dataclasses import replace

import numpy as np

from tinyq.affine import Grid
from tinyq.layers import QConv2D, QDense
from tinyq.mutants.mutant import breaks

accumulate = QConv2D.accumulate


@breaks(
    QConv2D,
    "accumulate",
    notice="Each channel is off by a constant, zero_point times the sum of its weights.",
    caught_by=("golden", "conv"),
)
def input_zero_point_kept(layer, codes):
    """The input's zero_point is not subtracted: the bias correction is missing."""
    return accumulate(replace(layer, in_grid=Grid(layer.in_grid.scale, 0)), codes)


@breaks(
    QConv2D,
    "accumulate",
    notice="Each channel is off by twice the correction; TFLite's input_offset is -zero_point.",
    caught_by=("golden", "conv"),
)
def input_zero_point_added(layer, codes):
    """The input's zero_point is added where it must be subtracted."""
    zero_point, weight = layer.in_grid.zero_point, layer.weight.astype(np.int32)
    return accumulate(layer, codes) + 2 * zero_point * weight.sum(axis=(1, 2, 3))


@breaks(
    QDense,
    "accumulate",
    notice="Codes far from the zero_point change sign.",
    caught_by=("40 percent", "golden", "dense"),
    thread="https://github.com/pytorch/executorch/pull/20655",
)
def steps_wrap_at_8_bits(layer, codes):
    """The zero_point is subtracted in int8, and the difference wraps."""
    steps = codes - np.int8(layer.in_grid.zero_point)
    return layer.bias + steps.astype(np.int32) @ layer.weight.astype(np.int32).T


@breaks(
    QDense,
    "accumulate",
    notice="Only large inputs on large weights go wrong, and only on some processors.",
    caught_by=("dense",),
    thread="https://github.com/microsoft/onnxruntime/issues/16105",
)
def pairs_saturate_at_16_bits(layer, codes):
    """Two products at a time are added in int16 and saturate, as x86's VPMADDUBSW does."""
    steps = codes.astype(np.int32) - layer.in_grid.zero_point
    products = steps[:, None, :] * layer.weight.astype(np.int32)
    pairs = np.add.reduceat(products, np.arange(0, steps.shape[1], 2), axis=2)
    return layer.bias + np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=2, dtype=np.int32)


@breaks(
    QConv2D,
    "accumulate",
    notice="Flat regions look right; strong edges turn into noise.",
    caught_by=("40 percent", "golden", "conv"),
)
def accumulator_of_16_bits(layer, codes):
    """The sum is kept in int16 and wraps."""
    return accumulate(layer, codes).astype(np.int16).astype(np.int32)


@breaks(
    QConv2D,
    "accumulate",
    notice="Each channel is off by its bias; a network without biases is right.",
    caught_by=("conv",),
)
def bias_forgotten(layer, codes):
    """The bias is not added."""
    return accumulate(layer, codes) - layer.bias


@breaks(
    QConv2D,
    "accumulate",
    notice="A horizontal edge detector answers to vertical edges.",
    caught_by=("golden", "conv"),
)
def height_and_width_swapped(layer, codes):
    """The kernel is read with its rows as columns: OWHI in place of OHWI."""
    return accumulate(replace(layer, weight=layer.weight.transpose(0, 2, 1, 3)), codes)


@breaks(
    QConv2D,
    "accumulate",
    notice="Symmetric kernels are right; a left edge is taken for a right one.",
    caught_by=("golden", "conv"),
)
def kernel_flipped(layer, codes):
    """The kernel is turned by 180 degrees: a convolution in the mathematician's sense."""
    return accumulate(replace(layer, weight=layer.weight[:, ::-1, ::-1]), codes)


@breaks(
    QConv2D,
    "accumulate",
    notice="The image is cut into strips, one colour mixed with another.",
    caught_by=("40 percent", "golden", "conv"),
)
def channels_first(layer, codes):
    """The image's bytes are in NCHW order and read as NHWC."""
    return accumulate(layer, codes.transpose(0, 3, 1, 2).reshape(codes.shape))


@breaks(
    QConv2D,
    "accumulate",
    notice="The output is too wide; a global pool at the end hides it.",
    caught_by=("golden", "conv"),
)
def stride_ignored_across(layer, codes):
    """The stride is used down the image, but not across it."""
    return accumulate(replace(layer, stride=(layer.stride[0], 1)), codes)


@breaks(
    QConv2D,
    "accumulate",
    notice="Layers with one stride for both axes are right, and most have one.",
    caught_by=("conv",),
)
def stride_down_used_across(layer, codes):
    """The stride down is used across too."""
    return accumulate(replace(layer, stride=(layer.stride[0], layer.stride[0])), codes)
