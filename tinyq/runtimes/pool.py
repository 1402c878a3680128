"""The rules by which runtimes round an average pool.

Each takes a QAvgPool2D or QGlobalAvgPool2D, that of ONNX Runtime a QMeanPool2D too, and its codes,
int8 (N, H, W, C), and returns int8.
"""

from functools import reduce
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QAvgPool2D, QGlobalAvgPool2D, QMeanPool2D
from tinyq.layers.checks import IMAGE, check_codes, output_size, pad_image, taps
from tinyq.layers.contract import Codes
from tinyq.layers.pool import window_counts

AveragePool = QAvgPool2D | QGlobalAvgPool2D
Windows = QAvgPool2D | QMeanPool2D
Number = TypeVar("Number", np.int32, np.float32)


def half_away(layer: AveragePool, codes: Codes) -> Codes:
    """Return the mean of the raw codes by equation (7.3), ties away from code 0.

    Source: TFLite ``AveragePool``; TFLite Micro, LiteRT.
    """
    return layer.forward(codes)


def onnx_runtime(layer: AveragePool | QMeanPool2D, codes: Codes) -> Codes:
    """Return the mean by one of two roads, both in float32 with ties to even.

    window:       y = rint((sum of s*(x - zp), row by row) / count / s_out + zp_out)
    whole image:  y = rint(sum of (x - zp) * (s / (count*s_out))) + zp_out

    A window as large as the image, without pads, is computed as the whole image.
    Source: ONNX Runtime ``QLinearAveragePool`` and ``QLinearGlobalAveragePool``, found by
    measurement.
    """
    total, count = window_sums(layer, codes)
    grid, out, scale = layer.in_grid, layer.out_grid, np.float32(layer.in_grid.scale)
    out_scale = np.float32(out.scale)
    if isinstance(layer, QGlobalAvgPool2D) or _is_whole(layer, codes):
        steps = (total - count * np.int32(grid.zero_point)).astype(np.float32)
        # even s / (count*s) is not 1 / count: each of the two operations rounds
        ratio = scale / (count.astype(np.float32) * out_scale)
        mean = np.rint(steps * ratio) + out.zero_point
    else:
        # float32 sums depend on their order, here that of the window's rows
        real = window_total(layer, grid.dequantize(codes))
        mean = np.rint(real / count.astype(np.float32) / out_scale + np.float32(out.zero_point))
    return np.clip(mean, out.qmin, out.qmax).astype(np.int8)


def _is_whole(layer: Windows, codes: Codes) -> bool:
    return layer.kernel == codes.shape[1:3] and not any(layer.pads)


def pytorch(layer: AveragePool, codes: Codes) -> Codes:
    """Return the mean of PyTorch's unsigned codes u = code + 128, ties to even, in float32.

    window:       u = rint(sum of (u - zp) * (1 / count) + zp), zp = zero_point + 128
    whole image:  u = rint(sum of u * (1 / height / width)); with a single channel as a window

    Source: PyTorch ``avg_pool2d`` and ``adaptive_avg_pool2d`` of contiguous (N, C, H, W), found by
    measurement.
    """
    total, count = window_sums(layer, codes)
    grid, unsigned = layer.in_grid, total + np.int32(128) * count
    if isinstance(layer, QGlobalAvgPool2D) and codes.shape[3] > 1:
        height, width = np.float32(codes.shape[1]), np.float32(codes.shape[2])
        # 1 / height / width is not 1 / count: each division rounds
        mean = np.rint(unsigned.astype(np.float32) * (np.float32(1) / height / width))
    else:
        zero_point = grid.zero_point + 128
        steps = (unsigned - count * np.int32(zero_point)).astype(np.float32)
        mean = np.rint(steps * (np.float32(1) / count.astype(np.float32)) + np.float32(zero_point))
    return np.clip(mean - 128, grid.qmin, grid.qmax).astype(np.int8)


def window_sums(
    layer: AveragePool | QMeanPool2D, codes: Codes
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the sum of the raw codes in each window, and how many pixels it holds.

    codes: int8 (N, H, W, C).  The sums are int32 (N, OH, OW, C), or (N, C) for the global pool;
    the counts broadcast to them.
    """
    check_codes(layer, codes, layer.in_grid, IMAGE)
    if isinstance(layer, QGlobalAvgPool2D):
        output_size(layer, codes.shape, (1, 1), (1, 1))
        total = codes.sum(axis=(1, 2), dtype=np.int32)
        return total, np.array(codes.shape[1] * codes.shape[2], np.int32)
    counts = window_counts(codes.shape[1:3], layer)
    return window_total(layer, codes.astype(np.int32)), counts


def window_total(layer: Windows, image: NDArray[Number]) -> NDArray[Number]:
    """Return the sum of each window, row by row: (N, H, W, C) to (N, OH, OW, C), of one dtype."""
    image = pad_image(image, layer.pads, 0)
    out = output_size(layer, image.shape, layer.kernel, layer.stride)
    return reduce(np.add, (tap for _, _, tap in taps(image, layer.kernel, layer.stride, out)))
