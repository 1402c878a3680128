"""The rules by which runtimes requantize accumulators where a Rounding does not say it all.

Each takes a convolution or dense layer and its int32 accumulators (..., O), and returns int8 codes.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QDepthwiseConv2D
from tinyq.layers.linear import Linear
from tinyq.requantize import Requantizer, Rounding

INT32_MIN, INT32_END = -(2.0**31), 2.0**31
MOST_TAPS = 25  # weights a channel of XNNPACK's depthwise kernels
BLOCK = 8  # channels that LiteRT's depthwise kernel rescales at once


def requantize(
    layer: Linear,
    acc: NDArray[np.int32],
    rounding: Rounding,
    product: type[np.floating] = np.float64,
) -> NDArray[np.int8]:
    """Return the codes of a layer's accumulators under a rounding, the ratio from its scales.

    product: precision of s_in * s_w; under FLOAT32 it is always float32.
    Where the zero_point takes a sum out of int32, the sum wraps, as in C.  Only FLOAT32 clamps it
    before that.
    """
    grid = layer.out_grid
    scales = product(layer.in_grid.scale) * layer.weight_scale.astype(product)
    requantizer = Requantizer.from_scales(1.0, scales, grid.scale, rounding)
    total = requantizer.rescale(acc) + grid.zero_point
    if rounding is not Rounding.FLOAT32:
        total = total.astype(np.int32)
    return np.clip(total, grid.qmin, grid.qmax).astype(np.int8)


def litert_optimized_depthwise(layer: Linear, acc: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the codes of a depthwise convolution: UP in full blocks of 8 channels, else DOUBLE.

    The blocks are of output channels; the ``O % 8`` last ones are the rest.
    Source: LiteRT optimized ``DepthwiseConvPerChannel`` on x86, found by measurement.
    """
    blocks, rest = (requantize(layer, acc, one) for one in (Rounding.UP, Rounding.DOUBLE))
    channels = np.arange(len(layer.bias))
    return np.where(channels < len(channels) // BLOCK * BLOCK, blocks, rest)


def xnnpack(layer: Linear, acc: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the codes by FLOAT32, except that a product below int32 wraps with its zero_point.

    y = clamp(int32(rint(min(float32(acc) * ratio, qmax - zp_out))) + zp_out), the sum in int32

    A product below -2**31 is cast to -2**31; a negative zero_point then wraps the sum, to qmax.
    Source: XNNPACK ``qs8-qc8w`` under LiteRT on x86 with AVX-512, found by measurement.
    """
    grid = layer.out_grid
    scales = layer.in_grid.scale, layer.weight_scale, grid.scale
    ratio = Requantizer.from_scales(*scales, Rounding.FLOAT32).ratio.astype(np.float32)
    product = np.minimum(acc.astype(np.float32) * ratio, np.float32(grid.qmax - grid.zero_point))
    steps = np.rint(product).astype(np.float64).clip(min=INT32_MIN).astype(np.int64)
    codes = (steps + grid.zero_point).astype(np.int32)
    return np.clip(codes, grid.qmin, grid.qmax).astype(np.int8)


def xnnpack_depthwise(layer: Linear, acc: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the codes of a depthwise convolution: FLOAT32, or by `xnnpack`.

    It is plain FLOAT32 where XNNPACK has a kernel of its own, which is for depth_multiplier 1 and
    at most 25 weights a channel.  Others run as convolutions of one channel each, which wrap.
    Source: XNNPACK ``qs8-qc8w-dwconv`` and ``igemm`` under LiteRT on x86, found by measurement.
    """
    if has_own_kernel(layer):
        return requantize(layer, acc, Rounding.FLOAT32)
    return xnnpack(layer, acc)


def has_own_kernel(layer: Linear) -> bool:
    """Return whether XNNPACK runs a layer by a depthwise kernel."""
    one = isinstance(layer, QDepthwiseConv2D) and layer.depth_multiplier == 1
    return one and layer.weight[0].size <= MOST_TAPS


def pytorch(layer: Linear, acc: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the codes by FLOAT32, the bias a real number, products beyond int32 cast.

    s = s_in * s_w; b = float32(bias * s), the real bias that PyTorch stores
    y = clamp(rint((float32(acc - bias) + b / s) * (s / s_out)) + zp_out), in float32

    A product that int32 does not hold becomes -2**31, whatever its sign: so x86 casts it.
    Source: PyTorch ``quantized::conv2d`` and ``quantized::linear`` under fbgemm, weights with a
    scale a channel, found by measurement.
    """
    scales = np.float32(layer.in_grid.scale) * layer.weight_scale
    bias = (layer.bias * scales.astype(np.float64)).astype(np.float32)
    grid, products = layer.out_grid, acc - layer.bias
    total = products.astype(np.float32) + bias / scales
    rounded = np.rint(total * (scales / np.float32(grid.scale))).astype(np.float64)
    fits = (rounded >= INT32_MIN) & (rounded < INT32_END)
    codes = np.where(fits, rounded, INT32_MIN) + grid.zero_point
    return np.clip(codes, grid.qmin, grid.qmax).astype(np.int8)
