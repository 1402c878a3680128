"""The rules by which runtimes multiply two int8 tensors.

Each takes a QMul and its two codes arrays, int8 (N, ...) whose samples broadcast, and returns int8.
"""

import numpy as np

from tinyq.layers import QMul
from tinyq.layers.broadcast import check_pair, steps
from tinyq.layers.contract import Codes
from tinyq.requantize import Requantizer, Rounding
from tinyq.runtimes.add import BLOCK, in_blocks, to_codes
from tinyq.runtimes.broadcast import litert_loops

INT16 = -(2**15), 2**15 - 1


def fixed(layer: QMul, a: Codes, b: Codes) -> Codes:
    """Return the product under DOUBLE, the ratio s_a * s_b / s_out in float64.

    Source: TFLite Micro ``CalculateOpDataMul``.
    """
    return QMul.from_float(*layer.in_grids, layer.out_grid).forward(a, b)


def litert_reference(layer: QMul, a: Codes, b: Codes) -> Codes:
    """Return the product under DOUBLE, the ratio in float32.

    Source: LiteRT ``mul::Prepare``, reference ``Mul``.
    """
    return QMul(layer.in_grids, layer.out_grid, Requantizer(ratio(layer))).forward(a, b)


def litert_optimized(layer: QMul, a: Codes, b: Codes) -> Codes:
    """Return litert_reference, in blocks of 16 codes with an int16 that wraps.

    blocks:  the rescaled product clamped to int16, plus zp_out, wrapped to int16

    The codes of an inner loop are blocked together, see litert_loops.
    Source: LiteRT optimized ``MulElementwise`` and ``MulSimpleBroadcast`` on x86, found by
    measurement.
    """
    a, b = check_pair(layer, layer.in_grids, a, b)
    product = steps(a, layer.in_grids[0]) * steps(b, layer.in_grids[1])
    scaled, zero_point = Requantizer(ratio(layer)).rescale(product), layer.out_grid.zero_point
    loops, total = litert_loops(a.shape, b.shape), scaled + zero_point
    if loops is not None:
        wrapped = (np.clip(scaled, *INT16) + zero_point).astype(np.int16)
        total = np.where(in_blocks(total.shape, loops.inner, BLOCK), wrapped, total)
    return to_codes(total, layer.out_grid)


def litert_default(layer: QMul, a: Codes, b: Codes) -> Codes:
    """Return the product under FLOAT32 where XNNPACK takes the scales, else by LiteRT's kernel.

    XNNPACK takes ratios of at least 2**-16 and below 2**8.

    Source: XNNPACK ``qs8-vmul``; LiteRT with its default delegate.
    """
    if not 2.0**-16 <= ratio(layer) < 2.0**8:
        return litert_optimized(layer, a, b)
    return QMul.from_float(*layer.in_grids, layer.out_grid, Rounding.FLOAT32).forward(a, b)


def onnx_runtime(layer: QMul, a: Codes, b: Codes) -> Codes:
    """Return the product in float32, the zero_point added before it is rounded to even.

    y = clamp(rint((a - zp_a) * (b - zp_b) * (s_a * s_b / s_out) + zp_out))

    Source: ONNX Runtime ``QLinearMul``, found by measurement.
    """
    a, b = check_pair(layer, layer.in_grids, a, b)
    product = steps(a, layer.in_grids[0]) * steps(b, layer.in_grids[1])
    scaled = product.astype(np.float32) * np.float32(ratio(layer))
    return to_codes(np.rint(scaled + np.float32(layer.out_grid.zero_point)), layer.out_grid)


def ratio(layer: QMul) -> float:
    """Return s_a * s_b / s_out, both operations in float32."""
    s_a, s_b = (np.float32(grid.scale) for grid in layer.in_grids)
    return float(s_a * s_b / np.float32(layer.out_grid.scale))
