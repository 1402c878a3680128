"""The rules by which runtimes add two int8 tensors in float32.

Each takes a QAdd and its two codes arrays, int8 (N, ...) whose samples broadcast, for PyTorch's
rule of one shape, and returns int8.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QAdd
from tinyq.layers.broadcast import check_pair
from tinyq.layers.contract import Codes
from tinyq.runtimes.add import ratios, to_codes
from tinyq.runtimes.fma import fused

# How many codes the vector kernel takes at once; the codes left over are rounded otherwise.
BLOCK = 64


def onnx_runtime(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum in float32, the zero_points folded into one constant, ties to even.

    r = s / s_out; constant = zp_out - fma(r_a, zp_a, r_b*zp_b)
    y = rint(clamp(fma(r_a, a, fma(r_b, b, constant)))), where fma rounds once

    Where the tensors have a single element, a and b change places in both formulas.
    Source: ONNX Runtime ``QLinearAdd`` on a processor with FMA, found by measurement.
    """
    a, b = check_pair(layer, layer.in_grids, a, b)
    out = layer.out_grid
    zero_points = np.array([grid.zero_point for grid in layer.in_grids], np.int8)
    sides = list(zip(ratios(layer), zero_points, (a, b), strict=True))
    (r_a, zero_a, a), (r_b, zero_b, b) = reversed(sides) if a.size == b.size == 1 else sides
    constant = np.float32(out.zero_point) - fused(r_a, zero_a, r_b * zero_b.astype(np.float32))
    total = fused(r_a, a, fused(r_b, b, constant))
    return np.rint(np.clip(total, out.qmin, out.qmax)).astype(np.int8)


def pytorch(layer: QAdd, a: Codes, b: Codes) -> Codes:
    """Return the sum of the dequantized numbers, quantized anew in float32, ties to even.

    u = code + 128 and zp = zero_point + 128, PyTorch's unsigned codes; r = 1 / s_out
    blocks of 64:  u = rint((fma(s_a, u_a, -zp_a*s_a) + fma(s_b, u_b, -zp_b*s_b)) * r) + zp_out
    the rest:      u = rint((s_a*(u_a - zp_a) + s_b*(u_b - zp_b)) * r + zp_out)

    The rest is the ``size % 64`` last codes as they lie in memory, images as (N, C, H, W).
    Source: PyTorch ``quantized::add`` with AVX2 or AVX-512, found by measurement.
    """
    check_one_shape(layer, a, b)
    ratio = np.float32(1) / np.float32(layer.out_grid.scale)
    zero_point = np.float32(layer.out_grid.zero_point + 128)
    blocks = sum(unsigned_fused(codes, grid) for codes, grid in pairs(layer, a, b))
    rest = sum(grid.dequantize(codes) for codes, grid in pairs(layer, a, b))
    in_block = channels_first_index(a.shape) < a.size // BLOCK * BLOCK
    total = np.where(
        in_block, np.rint(blocks * ratio) + zero_point, np.rint(rest * ratio + zero_point)
    )
    return to_codes(total - 128, layer.out_grid)


def check_one_shape(layer: QAdd, a: Codes, b: Codes) -> None:
    """Raise ValueError where an axis would be repeated: nobody has measured PyTorch's sum then."""
    check_pair(layer, layer.in_grids, a, b)
    if a.shape != b.shape:
        raise ValueError(f"QAdd: a and b must have one shape here, got {a.shape}, {b.shape}")


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
