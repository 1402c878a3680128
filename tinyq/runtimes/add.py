"""The rules by which runtimes add two int8 tensors of different grids.

Each takes a QAdd and its two codes arrays, int8 of one shape, and returns int8 of that shape.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QAdd
from tinyq.layers.add import LEFT_SHIFT
from tinyq.layers.checks import check_codes, elementwise_form
from tinyq.requantize import Rounding
from tinyq.runtimes.fma import fused

Codes = NDArray[np.int8]
BLOCK = 16
PYTORCH_BLOCK = 64


def fixed(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by equations (8.1) and (8.2), left_shift 20, rounding DOUBLE.

    Source: TFLite reference ``Add``; TFLite Micro.
    """
    return QAdd.from_float(*layer.in_grids, layer.out_grid).forward(a, b)


def litert_optimized(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by (8.1) and (8.2), in blocks of 16 codes with other roundings and in int16.

    blocks:    (8.1) under SINGLE, (8.2) under DOUBLE, wrapped to int16 before the clamp
    the rest:  both under DOUBLE, no wrap

    Codes go in blocks whatever their shape; the ``size % 16`` last ones fill none.  Scales that fit
    their data never leave int16.
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
    total = np.int64(0)
    for (codes, grid), rescale in zip(
        pairs(layer, a, b), (inputs.rescale_a, inputs.rescale_b), strict=True
    ):
        steps = codes.astype(np.int32) - np.int32(grid.zero_point)
        total = total + rescale.rescale(steps << np.int32(LEFT_SHIFT))
    return output.rescale_sum.rescale(total) + layer.out_grid.zero_point


def litert_default(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum by XNNPACK's rule where it takes the scales, else by LiteRT's own kernel.

    It takes ratios s_a / s_out and s_b / s_out in 2**-10..2**8, the upper end excluded.

    Source: LiteRT with its default delegate.
    """
    takes = all(2.0**-10 <= ratio < 2.0**8 for ratio in ratios(layer))
    return (xnnpack if takes else litert_optimized)(layer, a, b)


def xnnpack(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum with one multiplier a side, at most 21 bits, and one shift, ties up.

    shift = 20 - floor(log2(max(s_a, s_b) / s_out)); m = rint(s * 2**shift / s_out)
    y = clamp(((a - zp_a)*m_a + (b - zp_b)*m_b + 2**(shift-1) >> shift) + zp_out)

    Source: XNNPACK ``qs8-vadd``.
    """
    check_pair(layer, a, b)
    shift = 20 - (math.frexp(max(ratios(layer)))[1] - 1)
    total = np.int64(1) << (shift - 1)
    for codes, grid, ratio in zip((a, b), layer.in_grids, ratios(layer), strict=True):
        multiplier = np.int64(np.rint(np.ldexp(ratio, shift)))
        total = total + (codes.astype(np.int64) - grid.zero_point) * multiplier
    return to_codes((total >> shift) + layer.out_grid.zero_point, layer.out_grid)


def onnx_runtime(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum in float32, the zero_points folded into one constant, ties to even.

    r = s / s_out; constant = zp_out - fma(r_a, zp_a, r_b*zp_b)
    y = rint(clamp(fma(r_a, a, fma(r_b, b, constant)))), fma rounding once

    Tensors of a single element change places: then a is b and b is a.
    Source: ONNX Runtime ``QLinearAdd`` on a processor with FMA, found by measurement.
    """
    check_pair(layer, a, b)
    out = layer.out_grid
    zero_points = np.int8([grid.zero_point for grid in layer.in_grids])
    sides = list(zip(ratios(layer), zero_points, (a, b), strict=True))
    (r_a, zero_a, a), (r_b, zero_b, b) = reversed(sides) if a.size == 1 else sides
    constant = np.float32(out.zero_point) - fused(r_a, zero_a, r_b * zero_b.astype(np.float32))
    total = fused(r_a, a, fused(r_b, b, constant))
    return np.rint(np.clip(total, out.qmin, out.qmax)).astype(np.int8)


def pytorch(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum of the dequantized numbers, quantized anew in float32, ties to even.

    u = code + 128 and zp = zero_point + 128, PyTorch's unsigned codes; r = 1 / s_out
    blocks of 64:  u = rint((fma(s_a, u_a, -zp_a*s_a) + fma(s_b, u_b, -zp_b*s_b)) * r) + zp_out
    the rest:      u = rint((s_a*(u_a - zp_a) + s_b*(u_b - zp_b)) * r + zp_out)

    Blocks are counted as the codes lie in memory, images as (N, C, H, W).
    Source: PyTorch ``quantized::add`` with AVX2 or AVX-512, found by measurement.
    """
    check_pair(layer, a, b)
    ratio = np.float32(1) / np.float32(layer.out_grid.scale)
    zero_point = np.float32(layer.out_grid.zero_point + 128)
    blocks = sum(unsigned_fused(codes, grid) for codes, grid in pairs(layer, a, b))
    rest = sum(grid.dequantize(codes) for codes, grid in pairs(layer, a, b))
    in_block = channels_first_index(a.shape) < a.size // PYTORCH_BLOCK * PYTORCH_BLOCK
    total = np.where(
        in_block, np.rint(blocks * ratio) + zero_point, np.rint(rest * ratio + zero_point)
    )
    return to_codes(total - 128, layer.out_grid)


def pairs(layer: QAdd, a: Codes, b: Codes) -> list[tuple[Codes, Grid]]:
    """Return each side of an add with its grid."""
    return list(zip((a, b), layer.in_grids, strict=True))


def unsigned_fused(codes: Codes, grid: Grid) -> NDArray[np.float32]:
    """Return codes dequantized as PyTorch does in blocks: fma(s, u, -zp * s), u = code + 128."""
    scale = np.float32(grid.scale)
    return fused(scale, codes.astype(np.int16) + 128, -np.float32(grid.zero_point + 128) * scale)


def channels_first_index(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the place of each code in memory: of images as (N, C, H, W), of rows as they are."""
    index = np.arange(math.prod(shape))
    if len(shape) != 4:
        return index.reshape(shape)
    n, height, width, channels = shape
    return index.reshape(n, channels, height, width).transpose(0, 2, 3, 1)


def ratios(layer: QAdd) -> list[np.float32]:
    """Return s_a / s_out and s_b / s_out, in float32."""
    return [np.float32(grid.scale) / np.float32(layer.out_grid.scale) for grid in layer.in_grids]


def to_codes(values: NDArray, grid: Grid) -> Codes:
    """Return whole numbers clamped to grid, as int8."""
    return np.clip(values, grid.qmin, grid.qmax).astype(np.int8)


def check_pair(layer: QAdd, a: Codes, b: Codes) -> None:
    """Raise TypeError or ValueError unless a and b are codes of one shape that layer takes."""
    for codes, grid in zip((a, b), layer.in_grids, strict=True):
        check_codes(layer, codes, grid, elementwise_form(a))
    if a.shape != b.shape:
        raise ValueError(f"QAdd: a and b must have one shape, got {a.shape}, {b.shape}")
