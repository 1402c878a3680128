"""The rules by which runtimes requantize accumulators where a Rounding does not say it all.

Each takes a convolution or dense layer and its int32 accumulators (..., O), and returns int8 codes.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.layers.linear import Linear
from tinyq.requantize import Requantizer, Rounding

INT32_MIN, INT32_END = -(2.0**31), 2.0**31


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
