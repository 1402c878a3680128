"""The rules by which runtimes bring accumulators back to int8 where a Rounding does not say it all.

Each takes a convolution or dense layer and its int32 accumulators (..., O), and returns int8 codes.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.layers.linear import Linear

INT32_MIN, INT32_END = -(2.0**31), 2.0**31


def pytorch(layer: Linear, acc: NDArray[np.int32]) -> NDArray[np.int8]:
    """Return the codes by FLOAT32, the bias a real number, products beyond int32 cast.

    s = s_in * s_w; b = float32(bias * s), the real bias that PyTorch stores
    y = clamp(rint((float32(acc - bias) + b / s) * (s / s_out)) + zp_out), in float32

    A product that int32 does not hold becomes -2**31, of either sign, as x86 casts it.
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
