"""The rules by which runtimes add two int8 tensors in integers, and what all such rules share.

Each takes a QAdd and its two codes arrays, int8 (N, ...) whose samples broadcast, and returns int8.
XNNPACK's rule takes a QSub as well.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.fixedpoint import saturating_rounding_doubling_high_mul
from tinyq.layers import QAdd, QSub
from tinyq.layers.add import LEFT_SHIFT
from tinyq.layers.broadcast import check_pair, steps
from tinyq.layers.contract import Codes
from tinyq.requantize import Requantizer, Rounding
from tinyq.runtimes.broadcast import litert_loops

Rescale = Callable[[Requantizer, NDArray[np.int32]], NDArray[np.int64]]

# How many codes LiteRT's vector kernels take at once.  The codes left over go through scalar code
# that rounds otherwise, so a sum depends on the place of its codes.
BLOCK, SCALAR_BLOCK = 16, 8


def fixed(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by equations (8.1) and (8.2), left_shift 20, rounding DOUBLE.

    Source: TFLite reference ``Add``; TFLite Micro.
    """
    return QAdd.from_float(*layer.in_grids, layer.out_grid).forward(a, b)


def litert_optimized(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by (8.1) and (8.2), in blocks of 16 codes with other roundings and in int16.

    blocks of 16:     (8.1) under SINGLE, (8.2) under DOUBLE, wrapped to int16 before the clamp
    scalar, of 8:     (8.1) by (5.2) and a shift that floors, (8.2) as in blocks of 16
    what is left:     both under DOUBLE, no wrap

    The codes of an inner loop are blocked together, see litert_loops: all codes where no axis is
    repeated; blocks of 8 where one side has a single code for the loop.  Where there is no such
    loop all is DOUBLE.  No sum leaves int16 where the scales fit their data.
    Source: LiteRT optimized ``AddElementwiseInt8`` and ``AddScalarBroadcast`` on x86, found by
    measurement.
    """
    a, b = check_pair(layer, layer.in_grids, a, b)
    rest, loops = rescaled_sum(layer, a, b, double), litert_loops(a.shape, b.shape)
    if loops is None:
        return to_codes(rest, layer.out_grid)
    rescale, size = (floored, SCALAR_BLOCK) if loops.scalar else (single, BLOCK)
    blocks = rescaled_sum(layer, a, b, rescale).astype(np.int16)
    in_block = in_blocks(rest.shape, loops.inner, size)
    return to_codes(np.where(in_block, blocks, rest), layer.out_grid)


def in_blocks(shape: tuple[int, ...], inner: int, size: int) -> NDArray[np.bool_]:
    """Return which codes of a tensor lie in a full block: inner codes are blocked at a time."""
    place = np.arange(math.prod(shape)).reshape(shape) % inner
    return place < inner // size * size


def rescaled_sum(layer: QAdd, a: Codes, b: Codes, rescale: Rescale) -> NDArray[np.int64]:
    """Return the sum on out_grid, not clamped: (8.1) by rescale, (8.2) under DOUBLE."""
    usual = QAdd.from_float(*layer.in_grids, layer.out_grid)
    total = sum(
        rescale(requantizer, steps(codes, grid) << np.int32(LEFT_SHIFT))
        for codes, grid, requantizer in zip(
            (a, b), layer.in_grids, (usual.rescale_a, usual.rescale_b), strict=True
        )
    )
    return usual.rescale_sum.rescale(total) + layer.out_grid.zero_point


def double(requantizer: Requantizer, x: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return x rescaled under DOUBLE."""
    return requantizer.rescale(x)


def single(requantizer: Requantizer, x: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return x rescaled under SINGLE."""
    return Requantizer(requantizer.ratio, Rounding.SINGLE).rescale(x)


def floored(requantizer: Requantizer, x: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return x rescaled by a ratio below 1: equation (5.2), then a shift without rounding."""
    high = saturating_rounding_doubling_high_mul(x, requantizer.multiplier)
    return high >> np.int64(requantizer.shift)


def litert_default(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by XNNPACK's rule where it takes the scales, else by LiteRT's own kernel.

    Source: LiteRT with its default delegate.
    """
    return (xnnpack if xnnpack_takes(layer) else litert_optimized)(layer, a, b)


def xnnpack_takes(layer: QAdd | QSub) -> bool:
    """Return whether both ratios s_a / s_out and s_b / s_out are at least 2**-10 and below 2**8."""
    return all(2.0**-10 <= ratio < 2.0**8 for ratio in ratios(layer))


def xnnpack(layer: QAdd | QSub, a: Codes, b: Codes) -> Codes:
    """Return the sum with one multiplier a side, at most 21 bits, and one shift, ties up.

    shift = 20 - floor(log2(max(s_a, s_b) / s_out)); m = rint(s * 2**shift / s_out)
    y = clamp((((a - zp_a)*m_a + (b - zp_b)*m_b + 2**(shift-1)) >> shift) + zp_out)

    For a difference m_b is taken with a minus.
    Source: XNNPACK ``qs8-vadd``, which subtracts as well.
    """
    a, b = check_pair(layer, layer.in_grids, a, b)
    shift = 20 - (math.frexp(max(ratios(layer)))[1] - 1)  # frexp's mantissa is 1/2..1, not 1..2
    m_a, m_b = (np.int64(np.rint(np.ldexp(ratio, shift))) for ratio in ratios(layer))
    grid_a, grid_b = layer.in_grids
    sign = -1 if isinstance(layer, QSub) else 1
    total = steps(a, grid_a) * m_a + steps(b, grid_b) * m_b * sign
    rounded = (total + (np.int64(1) << (shift - 1))) >> shift
    return to_codes(rounded + layer.out_grid.zero_point, layer.out_grid)


def ratios(layer: QAdd | QSub) -> list[np.float32]:
    """Return s_a / s_out and s_b / s_out, in float32."""
    return [np.float32(grid.scale) / np.float32(layer.out_grid.scale) for grid in layer.in_grids]


def to_codes(values: NDArray[Any], grid: Grid) -> Codes:
    """Return whole numbers clamped to grid, as int8."""
    return np.clip(values, grid.qmin, grid.qmax).astype(np.int8)
