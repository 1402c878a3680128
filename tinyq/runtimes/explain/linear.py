"""Why a place of a layer with accumulators has its code: the accumulator, under each rounding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tinyq import layers, loops
from tinyq.layers.linear import Linear
from tinyq.requantize import Requantizer, Rounding
from tinyq.runtimes import linear
from tinyq.runtimes.explain.codes import Explanation, Facts, Spot, rule_name
from tinyq.runtimes.explain.steps import (
    Clamp,
    Step,
    clamped,
    decimal,
    ended,
    pair_of,
    rounding_steps,
)
from tinyq.runtimes.run import finish
from tinyq.runtimes.table import Runtime


@dataclass(frozen=True, eq=False)
class Sum:
    """The accumulators of one place.

    layer: that summed; row: int32 (O,), those of all channels; channel: the one explained; clamps:
    those that follow.
    """

    layer: Linear
    row: NDArray[np.int32]
    channel: int
    clamps: Sequence[Clamp]

    @property
    def acc(self) -> int:
        """The accumulator."""
        return int(self.row[self.channel])

    @property
    def weight_scale(self) -> np.float32:
        """The weight scale of the channel."""
        scales = self.layer.weight_scale
        return np.float32(scales[self.channel if len(scales) > 1 else 0])


def explain_linear(spot: Spot[Linear]) -> Explanation:
    """Return accumulator, bias, multiplier and shift, the exact real number, and each rule's steps.

    The five roundings come first, whether a runtime follows them or not.
    """
    n, *middle, channel = spot.place
    row = spot.layer.accumulate(spot.inputs[0][n : n + 1])[0][tuple(middle)]
    at = Sum(spot.layer, row, channel, spot.clamps)
    steps = {rounding.name: _step(at, rounding) for rounding in Rounding}
    for runtime in spot.runtimes:
        rule = linear_rule(runtime, spot.layer)
        step = steps.get(rule) or _of_its_own(at, runtime, rule)
        steps[rule] = replace(step, runtimes=(*step.runtimes, runtime.name))
    return Explanation(_facts(at), tuple(steps.values()))


def linear_rule(runtime: Runtime, layer: Linear) -> str:
    """Return what a runtime's rule for the accumulators of a layer is called."""
    if special := runtime.special(layer):
        base = "UP or DOUBLE" if special is linear.litert_optimized_depthwise else "FLOAT32"
        return f"{base} by {rule_name(special)}"
    if type(layer) is not layers.QDense:
        return runtime.conv.name
    return runtime.dense.name + (" of float32(s_in * s_w)" if _narrow(runtime) else "")


def _narrow(runtime: Runtime) -> bool:
    return runtime.dense_product is np.float32 and runtime.dense is not Rounding.FLOAT32


def _facts(at: Sum) -> Facts:
    layer = at.layer
    requantizer = _requantizer(at, Rounding.DOUBLE)
    multiplier, shift = pair_of(requantizer, at.channel)
    real = Fraction(layer.in_grid.scale) * Fraction(float(at.weight_scale))
    return {
        "accumulator": at.acc,
        "bias": int(layer.bias[at.channel]),
        "multiplier": multiplier,
        "shift": shift,
        "ratio": f"{multiplier} * 2**{-31 - shift}",
        "exact": decimal(at.acc * real / Fraction(layer.out_grid.scale)),
        "zero_point": layer.out_grid.zero_point,
    }


def _requantizer(at: Sum, rounding: Rounding) -> Requantizer:
    layer = at.layer
    scales = layer.in_grid.scale, layer.weight_scale, layer.out_grid.scale
    return Requantizer.from_scales(*scales, rounding)


def _step(at: Sum, rounding: Rounding) -> Step:
    one = [_requantizer(at, rounding)]
    return rounding_steps(at.acc, one, at.layer.out_grid, at.channel, at.clamps)[0]


def _of_its_own(at: Sum, runtime: Runtime, rule: str) -> Step:
    """Return the step of a rule that is not one of the five roundings as they stand."""
    special, layer = runtime.special(at.layer), at.layer
    if special in SPECIAL:
        return replace(SPECIAL[special](at), rule=rule)
    if not special and _narrow(runtime):
        product = np.float32(layer.in_grid.scale) * layer.weight_scale
        one = [Requantizer.from_scales(1.0, product, layer.out_grid.scale, runtime.dense)]
        step = rounding_steps(at.acc, one, layer.out_grid, at.channel, at.clamps)[0]
        multiplier, shift = pair_of(one[0], at.channel)
        return replace(step, rule=rule, numbers={"multiplier": multiplier, **step.numbers})
    code = int(finish(at.layer, at.row, runtime)[at.channel])
    return Step(rule, {}, None, None, clamped(code, at.clamps))


def _optimized_depthwise(at: Sum) -> Step:
    in_block = at.channel < len(at.row) // linear.BLOCK * linear.BLOCK
    return _step(at, Rounding.UP if in_block else Rounding.DOUBLE)


def _xnnpack_depthwise(at: Sum) -> Step:
    return _step(at, Rounding.FLOAT32) if linear.has_own_kernel(at.layer) else _xnnpack(at)


def _xnnpack(at: Sum) -> Step:
    grid, requantizer = at.layer.out_grid, _requantizer(at, Rounding.FLOAT32)
    index = at.channel if len(requantizer.ratio) > 1 else 0
    product = np.float32(at.acc) * np.float32(requantizer.ratio[index])
    kept = np.minimum(product, np.float32(grid.qmax - grid.zero_point))
    rounded = max(int(np.rint(kept)), loops.INT32_MIN)
    return ended("", {"product": float(product)}, rounded, grid, True, at.clamps)


def _pytorch(at: Sum) -> Step:
    layer, bias = at.layer, int(at.layer.bias[at.channel])
    scale = np.float32(layer.in_grid.scale) * at.weight_scale
    real_bias = np.float32(bias * np.float64(scale))
    total = np.float32(loops.wrap_int32(at.acc - bias)) + real_bias / scale
    product = total * (scale / np.float32(layer.out_grid.scale))
    rounded = int(np.rint(product))
    if not loops.INT32_MIN <= rounded <= loops.INT32_MAX:
        rounded = loops.INT32_MIN
    numbers = {"sum": float(total), "product": float(product)}
    return ended("", numbers, rounded, layer.out_grid, False, at.clamps)


SPECIAL: dict[object, Callable[[Sum], Step]] = {
    linear.litert_optimized_depthwise: _optimized_depthwise,
    linear.pytorch: _pytorch,
    linear.xnnpack: _xnnpack,
    linear.xnnpack_depthwise: _xnnpack_depthwise,
}
