"""The rules by which runtimes round an average pool.

Each takes a QAvgPool2D or QGlobalAvgPool2D and its codes, int8 (N, H, W, C), and returns int8.
"""

from functools import reduce
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QAvgPool2D, QGlobalAvgPool2D
from tinyq.layers.checks import IMAGE, check_codes, output_size, taps
from tinyq.layers.contract import Codes

AveragePool = QAvgPool2D | QGlobalAvgPool2D
Number = TypeVar("Number", np.int32, np.float32)


def half_away(layer: AveragePool, codes: Codes) -> Codes:
    """Return the mean of the raw codes by equation (7.3), ties away from code 0.

    Source: TFLite ``AveragePool``; TFLite Micro, LiteRT.
    """
    return layer.forward(codes)


def onnx_runtime(layer: AveragePool, codes: Codes) -> Codes:
    """Return the mean by one of two roads, both in float32 with ties to even.

    window:       y = rint((sum of s*(x - zp), row by row) / count / s + zp)
    whole image:  y = rint(sum of (x - zp) * (s / (count*s))) + zp

    A window as large as the image is computed as the whole image.
    Source: ONNX Runtime ``QLinearAveragePool`` and ``QLinearGlobalAveragePool``, found by
    measurement.
    """
    total, count = window_sums(layer, codes)
    grid, scale = layer.in_grid, np.float32(layer.in_grid.scale)
    if isinstance(layer, QGlobalAvgPool2D) or layer.kernel == codes.shape[1:3]:
        steps = (total - np.int32(count * grid.zero_point)).astype(np.float32)
        # s / (count*s) is not 1 / count: each of the two operations rounds
        mean = np.rint(steps * (scale / (np.float32(count) * scale))) + grid.zero_point
    else:
        # float32 sums depend on their order, here that of the window's rows
        real = window_total(layer, grid.dequantize(codes))
        mean = np.rint(real / np.float32(count) / scale + np.float32(grid.zero_point))
    return np.clip(mean, grid.qmin, grid.qmax).astype(np.int8)


def pytorch(layer: AveragePool, codes: Codes) -> Codes:
    """Return the mean of PyTorch's unsigned codes u = code + 128, ties to even, in float32.

    window:       u = rint(sum of (u - zp) * (1 / count) + zp), zp = zero_point + 128
    whole image:  u = rint(sum of u * (1 / height / width)); with a single channel as a window

    Source: PyTorch ``avg_pool2d`` and ``adaptive_avg_pool2d`` of contiguous (N, C, H, W), found by
    measurement.
    """
    total, count = window_sums(layer, codes)
    grid, unsigned = layer.in_grid, total + np.int32(128 * count)
    if isinstance(layer, QGlobalAvgPool2D) and codes.shape[3] > 1:
        height, width = np.float32(codes.shape[1]), np.float32(codes.shape[2])
        # 1 / height / width is not 1 / count: each division rounds
        mean = np.rint(unsigned.astype(np.float32) * (np.float32(1) / height / width))
    else:
        zero_point = grid.zero_point + 128
        steps = (unsigned - np.int32(count * zero_point)).astype(np.float32)
        mean = np.rint(steps * (np.float32(1) / np.float32(count)) + np.float32(zero_point))
    return np.clip(mean - 128, grid.qmin, grid.qmax).astype(np.int8)


def window_sums(layer: AveragePool, codes: Codes) -> tuple[NDArray[np.int32], int]:
    """Return the sum of the raw codes in each window, and how many codes a window holds.

    codes: int8 (N, H, W, C).  The sums are int32 (N, OH, OW, C), or (N, C) for the global pool.
    """
    check_codes(layer, codes, layer.in_grid, IMAGE)
    if isinstance(layer, QGlobalAvgPool2D):
        output_size(layer, codes.shape, (1, 1), (1, 1))
        return codes.sum(axis=(1, 2), dtype=np.int32), codes.shape[1] * codes.shape[2]
    return window_total(layer, codes.astype(np.int32)), layer.kernel[0] * layer.kernel[1]


def window_total(layer: QAvgPool2D, image: NDArray[Number]) -> NDArray[Number]:
    """Return the sum of each window, row by row: (N, H, W, C) to (N, OH, OW, C), of one dtype."""
    out = output_size(layer, image.shape, layer.kernel, layer.stride)
    return reduce(np.add, (tap for _, _, tap in taps(image, layer.kernel, layer.stride, out)))
