"""The rules by which runtimes add two int8 tensors in integers, and what all such rules share.

Each takes a QAdd and its two codes arrays, int8 of one shape, and returns int8 of that shape.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QAdd
from tinyq.layers.add import LEFT_SHIFT
from tinyq.layers.checks import check_codes, elementwise_form
from tinyq.layers.contract import Codes
from tinyq.requantize import Rounding

# How many codes the vector kernel takes at once.  The codes left over go through scalar code that
# rounds otherwise, so a sum depends on the place of its codes.
BLOCK = 16


def fixed(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by equations (8.1) and (8.2), left_shift 20, rounding DOUBLE.

    Source: TFLite reference ``Add``; TFLite Micro.
    """
    return QAdd.from_float(*layer.in_grids, layer.out_grid).forward(a, b)


def litert_optimized(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by (8.1) and (8.2), in blocks of 16 codes with other roundings and in int16.

    blocks:    (8.1) under SINGLE, (8.2) under DOUBLE, wrapped to int16 before the clamp
    the rest:  both under DOUBLE, no wrap

    Blocks are counted over all codes, whatever their shape; the rest is the ``size % 16`` last
    ones.  No sum leaves int16 where the scales fit their data.
    Source: LiteRT optimized ``AddElementwiseInt8`` on x86, found by measurement.
    """
    check_pair(layer, a, b)
    blocks = rescaled_sum(layer, a, b, Rounding.SINGLE).astype(np.int16)
    rest = rescaled_sum(layer, a, b, Rounding.DOUBLE)
    in_block = np.arange(a.size).reshape(a.shape) < a.size // BLOCK * BLOCK
    return to_codes(np.where(in_block, blocks, rest), layer.out_grid)


def rescaled_sum(layer: QAdd, a: Codes, b: Codes, rounding: Rounding) -> NDArray[np.int64]:
    """Return the sum on out_grid, not clamped: (8.1) under rounding, (8.2) under DOUBLE."""
    inputs = QAdd.from_float(*layer.in_grids, layer.out_grid, rounding=rounding)
    output = QAdd.from_float(*layer.in_grids, layer.out_grid)
    steps_a, steps_b = (
        (codes.astype(np.int32) - np.int32(grid.zero_point)) << np.int32(LEFT_SHIFT)
        for codes, grid in pairs(layer, a, b)
    )
    total = inputs.rescale_a.rescale(steps_a) + inputs.rescale_b.rescale(steps_b)
    return output.rescale_sum.rescale(total) + layer.out_grid.zero_point


def litert_default(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by XNNPACK's rule where it takes the scales, else by LiteRT's own kernel.

    Source: LiteRT with its default delegate.
    """
    return (xnnpack if xnnpack_takes(layer) else litert_optimized)(layer, a, b)


def xnnpack_takes(layer: QAdd) -> bool:
    """Return whether both ratios s_a / s_out and s_b / s_out are at least 2**-10 and below 2**8."""
    return all(2.0**-10 <= ratio < 2.0**8 for ratio in ratios(layer))


def xnnpack(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum with one multiplier a side, at most 21 bits, and one shift, ties up.

    shift = 20 - floor(log2(max(s_a, s_b) / s_out)); m = rint(s * 2**shift / s_out)
    y = clamp((((a - zp_a)*m_a + (b - zp_b)*m_b + 2**(shift-1)) >> shift) + zp_out)

    Source: XNNPACK ``qs8-vadd``.
    """
    check_pair(layer, a, b)
    shift = 20 - (math.frexp(max(ratios(layer)))[1] - 1)  # frexp's mantissa is 1/2..1, not 1..2
    multipliers = [np.int64(np.rint(np.ldexp(ratio, shift))) for ratio in ratios(layer)]
    part_a, part_b = (
        (codes.astype(np.int64) - grid.zero_point) * multiplier
        for (codes, grid), multiplier in zip(pairs(layer, a, b), multipliers, strict=True)
    )
    rounded = (part_a + part_b + (np.int64(1) << (shift - 1))) >> shift
    return to_codes(rounded + layer.out_grid.zero_point, layer.out_grid)


def pairs(layer: QAdd, a: Codes, b: Codes) -> list[tuple[Codes, Grid]]:
    """Return each side of an add with its grid."""
    return list(zip((a, b), layer.in_grids, strict=True))


def ratios(layer: QAdd) -> list[np.float32]:
    """Return s_a / s_out and s_b / s_out, in float32."""
    return [np.float32(grid.scale) / np.float32(layer.out_grid.scale) for grid in layer.in_grids]


def to_codes(values: NDArray[Any], grid: Grid) -> Codes:
    """Return whole numbers clamped to grid, as int8."""
    return np.clip(values, grid.qmin, grid.qmax).astype(np.int8)


def check_pair(layer: QAdd, a: Codes, b: Codes) -> None:
    """Raise TypeError or ValueError unless a and b are codes of one shape that layer takes."""
    for codes, grid in zip((a, b), layer.in_grids, strict=True):
        check_codes(layer, codes, grid, elementwise_form(a))
    if a.shape != b.shape:
        raise ValueError(f"QAdd: a and b must have one shape, got {a.shape}, {b.shape}")
