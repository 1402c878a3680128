"""MEAN over axes of a tensor: a layer with grids of its own.

It is not the global average pool.  The pool divides the sum of the raw codes.  MEAN subtracts the
zero_point from each code, rescales from one grid to another, and so rounds in another place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, wholes
from tinyq.fixedpoint import multiply_by_quantized_multiplier
from tinyq.layers.checks import check_codes
from tinyq.layers.contract import Codes, Shape
from tinyq.layers.one_input import OneInput
from tinyq.layers.pool import check_mean
from tinyq.requantize import Requantizer


@dataclass(frozen=True)
class QMean(OneInput):
    """Take the mean over some axes, on a grid of its own.

    y = clamp(rescale(sum of (x - in_zero_point), in_scale / (count * out_scale)) + out_zero_point)

    in_grid, out_grid: grids of the codes; axes: of one sample, 0 for the first after N, so that
    (0, 1) are height and width of an image; keep_dims: whether they stay, of size 1, and
    (N, 1, 1, C) comes out instead of (N, C).
    Source: TFLite ``MEAN``.

    >>> QMean(Grid(0.5, 1), Grid(1.0, -3)).forward(np.int8([[[[3], [9]]]]))     # (1 + 4) / 2
    array([[0]], dtype=int8)
    """

    out_grid: Grid
    axes: tuple[int, ...] = (0, 1)
    keep_dims: bool = False

    def _prove(self) -> None:
        check_axes("QMean", self.axes)
        assert self.rescale  # which refuses what no multiplier can say

    @cached_property
    def rescale(self) -> Requantizer:
        """The ratio in_scale / out_scale; ValueError beyond 2**30."""
        return Requantizer(self.in_grid.scale / self.out_grid.scale)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """That of in_scale / out_scale; forward divides its multiplier by the count."""
        return {"rescale": self.rescale}

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (C,) for (H, W, C) and axes (0, 1), or (1, 1, C) with keep_dims."""
        made = mean_shape("it must read", (1, *shape), self.axes, self.keep_dims)
        check_mean("QMean", self.count(shape))
        return made[1:]

    def count(self, shape: Shape) -> int:
        """Return how many codes a mean is of, for one sample's shape."""
        return prod(shape[axis] for axis in self.axes)

    def total(self, codes: Codes) -> NDArray[np.int32]:
        """Return the sums of the raw codes: int8 (N, ...) to int32 (N, ...) without the axes.

        Raises TypeError or ValueError for what has not these axes, or an empty one.
        """
        behind = ", ..." * (getattr(codes, "ndim", 2) - 1)
        check_codes(self, codes, self.in_grid, f"(N{behind})")
        mean_shape("QMean.forward: codes must have shape", codes.shape, self.axes, self.keep_dims)
        check_mean("QMean", self.count(codes.shape[1:]))
        return codes.sum(axis=tuple(axis + 1 for axis in self.axes), dtype=np.int32)

    def finish(self, values: NDArray[Any]) -> Codes:
        """Return whole numbers, as total has them, clamped to out_grid; with keep_dims all axes."""
        clamped = np.clip(values, self.out_grid.qmin, self.out_grid.qmax).astype(np.int8)
        return np.expand_dims(clamped, [a + 1 for a in self.axes]) if self.keep_dims else clamped

    def forward(self, codes: Codes) -> Codes:
        """Return the means: int8 (N, ...) to the same without the axes, with keep_dims 1 for each.

        k = min(floor(log2 count), 31 - shift); multiplier = (multiplier << k) / count, truncated;
        shift = shift + k; then equation (5.4) of the sum of (x - in_zero_point).
        Source: TFLite reference ``QuantizedMeanOrSum``.
        """
        total, count = self.total(codes), self.count(codes.shape[1:])
        steps = total - np.int32(count * self.in_grid.zero_point)
        scaled = multiply_by_quantized_multiplier(steps, *self.divided(count))
        return self.finish(scaled + self.out_grid.zero_point)

    def divided(self, count: int) -> tuple[int, int]:
        """Return multiplier and shift of the ratio, divided by how many codes a mean is of."""
        multiplier, shift = int(self.rescale.multiplier[0]), int(self.rescale.shift[0])
        # The multiplier is shifted left before the division truncates it, so that it keeps its
        # bits: 2**k is at most count, so the quotient still fits int32, and shift + k at most 31.
        k = min(count.bit_length() - 1, 31 - shift)
        return (multiplier << k) // count, shift + k


def check_axes(name: str, axes: Sequence[int]) -> None:
    """Raise ValueError unless axes are one or more integers >= 0, each once.

    >>> check_axes("QMean", (1, 1))
    Traceback (most recent call last):
    ValueError: QMean: axes must be one or more, each once, got (1, 1)
    """
    if not axes or len(set(axes)) < len(axes):
        raise ValueError(f"{name}: axes must be one or more, each once, got {axes}")
    wholes(f"{name}: axes", axes, count=len(axes), least=0)


def mean_shape(wanted: str, shape: Shape, axes: Sequence[int], keep_dims: bool) -> Shape:
    """Return a shape (N, ...) without the axes of a sample, or with 1 for each of them.

    wanted: the start of the message.  Raises ValueError where an axis is not there, N alone would
    be left, or an axis is empty.

    >>> mean_shape("it must read", (5, 2, 3, 4), (0, 1), False)
    (5, 4)
    """
    if max(axes) + 1 >= len(shape) or (len(axes) + 1 == len(shape) and not keep_dims):
        raise ValueError(f"{wanted} (N, ...) with more than the axes {axes}, got {shape}")
    if 0 in shape[1:]:
        raise ValueError(f"{wanted} (N, ...) without an empty axis, got {shape}")
    whole = [None if i - 1 in axes else size for i, size in enumerate(shape)]
    if keep_dims:
        return tuple(1 if size is None else size for size in whole)
    return tuple(size for size in whole if size is not None)
