"""Near-zero channels: weight scales made wide enough that the bias fits int32.

A channel whose weights have died has a tiny scale, in which its bias needs more codes than int32
has.  Its scale may be wider: such weights move no output, whatever their codes are.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import FLOAT32_MAX, FLOAT32_TINY, Grid, round_half_away
from tinyq.weights import by_channel, quantize_weights, weight_max, weight_scales

WIDE = 2**30  # what a widened channel reaches: half of int32, so that its bias may be corrected
FEW = 64  # the most that is left of code 127 then
Real = NDArray[np.float64]


def without_the_smallest(
    weights: NDArray[np.float32], per_channel: bool, bits: int
) -> NDArray[np.float32]:
    """Return weights with zeros in each channel for which (3.1) is no normal float32.

    weights, per_channel, bits: as weight_scales takes them; without per_channel all are one.

    >>> without_the_smallest(np.float32([[1.0], [1e-40]]), per_channel=True, bits=8).tolist()
    [[1.0], [0.0]]
    """
    lost = _lost(weights, 1 if not per_channel else len(weights), bits)
    if not lost.any():
        return weights
    return np.where(by_channel(lost.astype(np.float32), weights) > 0, np.float32(0), weights)


def widened_scales(
    scales: NDArray[np.float32],
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    in_grid: Grid,
    out_grid: Grid,
    bits: int,
) -> NDArray[np.float32]:
    """Return scales, each widened where int32 would not hold the accumulator.

    scale_o = (|bias_o| + in_scale * reach * sum |w_o|) / (in_scale * 2**30),
    reach = the largest |x - zero_point| on in_grid

    The same for weights so small that (3.1) is no normal float32.  A scale stays where widening it
    could move an output by more than half a step: then the accumulator is refused later.  One
    scale for all channels becomes that of the channel that needs the widest.
    scales: float32 (O,) or (1,), of (3.1); weights, bias, bits: as from_float takes them.
    Returns float32 of the shape of scales.  Raises ValueError, as weight_scales does, for weights
    that are too small and whose scale must stay.
    Source: ONNX Runtime's quantizer, which widens a scale for an int32 bias likewise.
    """
    rows = np.abs(weights.astype(np.float64)).reshape(len(weights), -1)
    lost, one = _lost(weights, len(scales), bits), len(scales) < len(weights)
    tight = ~_fits(weights, bias, in_grid, scales, bits) | lost
    if not tight.any():
        return scales
    reach = _reach(in_grid)
    units = (np.abs(bias.astype(np.float64)) + in_grid.scale * reach * rows.sum(axis=1)) / WIDE
    # float32 rounds the scale, and a reader in_scale * scale: neither may fall below 2**-126
    units = np.maximum(units, FLOAT32_TINY * max(1.0, in_grid.scale) * (1 + 2.0**-20))
    if one:
        tight, units = np.array([True]), units[tight].max(keepdims=True)
    moved, wanted = units * reach * rows.shape[1] / 2, units / in_grid.scale
    widened = tight & (moved <= out_grid.scale / 2) & (wanted <= FLOAT32_MAX)
    if (lost & ~widened).any():
        return weight_scales(weights, not one, bits)  # which says what is wrong
    return np.where(widened, wanted, scales).astype(np.float32)


def _lost(weights: NDArray[np.float32], scales: int, bits: int) -> NDArray[np.bool_]:
    """Return for each of so many scales whether its weights are too small for it."""
    largest = np.abs(weights.astype(np.float64)).reshape(scales, -1).max(axis=1)
    return np.asarray((largest > 0) & (largest / weight_max(bits) < FLOAT32_TINY))


def _reach(grid: Grid) -> int:
    return max(grid.qmax - grid.zero_point, grid.zero_point - grid.qmin)


def _fits(
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    in_grid: Grid,
    scales: NDArray[np.float32],
    bits: int,
) -> NDArray[np.bool_]:
    """Return for each channel whether int32 holds all accumulators, those of (4.2)."""
    codes = quantize_weights(weights, scales, bits).astype(np.int64).reshape(len(weights), -1)
    with np.errstate(over="ignore"):
        start = bias.astype(np.float64) / (in_grid.scale * scales.astype(np.float64))
    start = round_half_away(np.clip(start, -(2.0**60), 2.0**60))
    at_ends = [codes * (q - in_grid.zero_point) for q in (in_grid.qmin, in_grid.qmax)]
    least, most = np.minimum(*at_ends).sum(axis=1), np.maximum(*at_ends).sum(axis=1)
    limits = np.iinfo(np.int32)
    held = (np.abs(start) <= limits.max) & (start + least >= limits.min)
    return np.asarray(held & (start + most <= limits.max))


def widened_channels(
    weight: NDArray[np.int8],
    bias: NDArray[np.int32],
    weight_scale: NDArray[np.float32],
    in_grid: Grid,
) -> tuple[int, ...]:
    """Return the channels whose scale widened_scales has widened, as their numbers show.

    Half of code 127 at most is left of their weights, and a quarter of int32 at least is taken; or
    the scale is the least that there is.

    >>> widened_channels(np.int8([[127], [0]]), np.int32([9, 2**30]), np.float32([1]), Grid(1.0, 0))
    (1,)
    """
    codes = np.abs(weight.astype(np.int64)).reshape(len(bias), -1)
    taken = np.abs(bias.astype(np.int64)) + _reach(in_grid) * codes.sum(axis=1)
    scales = np.broadcast_to(weight_scale.astype(np.float64), len(bias))
    least = scales * min(1.0, in_grid.scale) < 2 * FLOAT32_TINY
    few = (codes.max(axis=1) <= FEW) & (taken >= WIDE / 2)
    return tuple(np.flatnonzero(few | least).tolist())
