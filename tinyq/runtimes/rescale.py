"""The rules by which runtimes write int8 codes on another int8 grid.

Each takes a QRescale and its codes, int8 (N, ...), and returns int8 of that shape.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QRescale
from tinyq.layers.broadcast import steps
from tinyq.layers.checks import ANY, check_codes
from tinyq.layers.contract import Codes
from tinyq.requantize import Rounding
from tinyq.runtimes.add import BLOCK, in_blocks, to_codes


def fixed(layer: QRescale, codes: Codes) -> Codes:
    """Return the codes under DOUBLE.

    Source: TFLite reference ``Requantize``; TFLite Micro.
    """
    return QRescale.from_float(layer.in_grid, layer.out_grid).forward(codes)


def litert_optimized(layer: QRescale, codes: Codes) -> Codes:
    """Return the codes under UP in blocks of 16, and under DOUBLE in the ``size % 16`` last ones.

    Source: LiteRT optimized QUANTIZE on x86, found by measurement.
    """
    blocks, rest = (
        QRescale.from_float(layer.in_grid, layer.out_grid, rounding).forward(codes)
        for rounding in (Rounding.UP, Rounding.DOUBLE)
    )
    return np.where(in_blocks(codes.shape, codes.size, BLOCK), blocks, rest)


def onnx_runtime(layer: QRescale, codes: Codes) -> Codes:
    """Return the codes as real numbers, quantized anew, in float32, ties to even.

    y = clamp(rint(s_in * (x - zp_in) / s_out) + zp_out)

    Source: ONNX Runtime ``QLinearConcat``, and ``QuantizeLinear`` of ``DequantizeLinear``.
    """
    check_codes(layer, codes, layer.in_grid, ANY)
    return to_codes(quantized(layer.in_grid.dequantize(codes), layer.out_grid), layer.out_grid)


def quantized(reals: NDArray[np.float32], grid: Grid) -> NDArray[np.float32]:
    """Return ``rint(reals / scale) + zero_point`` in float32, not clamped: ``QuantizeLinear``."""
    return np.rint(reals / np.float32(grid.scale)) + np.float32(grid.zero_point)


def onnx_runtime_quantize(reals: NDArray[np.float32], grid: Grid) -> Codes:
    """Return real numbers as codes: ``QuantizeLinear``, clamped.

    >>> onnx_runtime_quantize(np.float32([[-20.5, -21.5, 200]]), Grid(1.0, 0)).tolist()
    [[-20, -22, 127]]
    """
    return to_codes(quantized(reals, grid), grid)


def litert_default(layer: QRescale, codes: Codes) -> Codes:
    """Return the codes by XNNPACK's 8 bits of fraction where it takes the ratio, else LiteRT's own.

    m = rint(256 * s_in / s_out), in float32;  y = clamp((((x - zp_in)*m + 128) >> 8) + zp_out)

    XNNPACK takes ratios in 2**-8..2**7.
    Source: XNNPACK ``qs8-vcvt``; LiteRT with its default delegate.
    """
    ratio = np.float32(layer.in_grid.scale) / np.float32(layer.out_grid.scale)
    if not 2.0**-8 <= ratio <= 2.0**7:
        return litert_optimized(layer, codes)
    check_codes(layer, codes, layer.in_grid, ANY)
    multiplier = np.int64(np.rint(np.float32(256) * ratio))
    scaled = (steps(codes, layer.in_grid) * multiplier + 128) >> 8
    return to_codes(scaled + layer.out_grid.zero_point, layer.out_grid)
