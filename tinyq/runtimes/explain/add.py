"""Why a place of a sum has its code: each side on its way to the common scale, and the sum."""

import math

import numpy as np
from numpy.typing import NDArray

from tinyq import layers, loops
from tinyq.affine import Grid
from tinyq.layers.add import LEFT_SHIFT
from tinyq.runtimes import add, add_floats
from tinyq.runtimes.explain.codes import Explanation, Facts, Numbers, Rule, Spot, by_rule
from tinyq.runtimes.explain.elementwise import pair_at, pair_facts
from tinyq.runtimes.explain.steps import Rescale, pair_of
from tinyq.runtimes.fma import fused

AddSpot = Spot[layers.QAdd]


def explain_add(spot: AddSpot) -> Explanation:
    """Return both codes, the exact sum in steps of out_grid, and each rule's sides and sum."""
    codes, (a, b) = pair_at(spot)
    facts = pair_facts(spot, codes, a + b)
    return Explanation(facts, by_rule(spot, lambda runtime: runtime.add, NUMBERS))


def _pair(spot: AddSpot) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two codes of a place, and the two steps code - zero_point."""
    (a, b), _ = pair_at(spot)
    grid_a, grid_b = spot.layer.in_grids
    return (a, b), (a - grid_a.zero_point, b - grid_b.zero_point)


def _integers(spot: AddSpot, sides: Rescale) -> tuple[Facts, int]:
    """Return (8.1) of both sides by one rounding, their sum, and (8.2) of it under DOUBLE."""
    usual = layers.QAdd.from_float(*spot.layer.in_grids, spot.layer.out_grid)
    _, steps = _pair(spot)
    a, b = (
        sides(step << LEFT_SHIFT, *pair_of(requantizer, 0))
        for step, requantizer in zip(steps, (usual.rescale_a, usual.rescale_b), strict=True)
    )
    last = pair_of(usual.rescale_sum, 0)
    rounded = loops.multiply_by_quantized_multiplier(a + b, *last)
    return {"a": a, "b": b, "sum": a + b}, rounded


def _fixed(spot: AddSpot) -> tuple[Facts, int]:
    return _integers(spot, loops.multiply_by_quantized_multiplier)


def _litert_optimized(spot: AddSpot) -> tuple[Facts, int | None]:
    shape = spot.inputs[0].shape
    if shape != spot.inputs[1].shape:
        return {}, None
    index, size = int(np.ravel_multi_index(spot.place, shape)), math.prod(shape)
    if index >= size // add.BLOCK * add.BLOCK:
        return _fixed(spot)
    return _integers(spot, loops.rescale_single)


def _litert_default(spot: AddSpot) -> tuple[Facts, int | None]:
    rule = _xnnpack if add.xnnpack_takes(spot.layer) else _litert_optimized
    return rule(spot)


def _xnnpack(spot: AddSpot) -> tuple[Facts, int]:
    _, (a, b) = _pair(spot)
    ratios = add.ratios(spot.layer)
    shift = 20 - (math.frexp(max(ratios))[1] - 1)
    m_a, m_b = (int(np.rint(np.ldexp(ratio, shift))) for ratio in ratios)
    total = a * m_a + b * m_b
    numbers = {"a": a * m_a, "b": b * m_b, "sum": total}
    return numbers, (total + 2 ** (shift - 1)) >> shift


def _onnx_runtime(spot: AddSpot) -> tuple[Facts, None]:
    # the constant holds all three zero_points, so the sum is the code before rint
    zeros = [np.int16(grid.zero_point) for grid in spot.layer.in_grids]
    codes = [np.int16(code) for code in _pair(spot)[0]]
    sides = list(zip(add.ratios(spot.layer), zeros, codes, strict=True))
    (r_a, zero_a, a), (r_b, zero_b, b) = sides[::-1] if spot.inputs[0].size == 1 else sides
    shared = fused(r_a, zero_a, r_b * np.float32(zero_b))
    constant = np.float32(spot.layer.out_grid.zero_point) - shared
    side = fused(r_b, b, constant)
    numbers = {"constant": float(constant), "with one side": float(side)}
    return {**numbers, "sum": float(fused(r_a, a, side))}, None


def _pytorch(spot: AddSpot) -> tuple[Facts, None]:
    shape = spot.inputs[0].shape
    codes = [np.int8(code) for code in _pair(spot)[0]]
    index = int(add_floats.channels_first_index(shape)[spot.place])
    in_block = index < math.prod(shape) // add_floats.BLOCK * add_floats.BLOCK
    side = add_floats.unsigned_fused if in_block else _dequantized
    pairs = zip(codes, spot.layer.in_grids, strict=True)
    a, b = (np.float32(side(np.asarray(code), grid)) for code, grid in pairs)
    total = (a + b) * (np.float32(1) / np.float32(spot.layer.out_grid.scale))
    return {"a": float(a), "b": float(b), "sum": float(total)}, None


def _dequantized(code: NDArray[np.int8], grid: Grid) -> NDArray[np.float32]:
    return grid.dequantize(code)


NUMBERS: dict[Rule, Numbers] = {
    add.fixed: _fixed,
    add.litert_optimized: _litert_optimized,
    add.litert_default: _litert_default,
    add.xnnpack: _xnnpack,
    add_floats.onnx_runtime: _onnx_runtime,
    add_floats.pytorch: _pytorch,
}
