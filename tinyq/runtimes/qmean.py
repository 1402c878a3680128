"""MEAN over height and width: a layer with grids of its own.

It is not the global average pool.  The pool divides the sum of the raw codes.  MEAN subtracts the
zero_point from each code, rescales from one grid to another, and so rounds in another place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import own_fields
from tinyq.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinyq.layers.checks import IMAGE, check_codes, check_form, output_size
from tinyq.layers.contract import Codes, Shape
from tinyq.layers.pool import check_mean
from tinyq.requantize import Requantizer


@dataclass(frozen=True)
class QMean:
    """Take the mean of each channel over the whole image, on a grid of its own.

    y = clamp(rescale(sum of (x - in_zero_point), in_scale / (count * out_scale)) + out_zero_point)

    in_grid, out_grid: grids of the codes; keep_dims: whether (N, 1, 1, C) comes out, not (N, C).
    Source: TFLite ``MEAN`` over axes 1 and 2.

    >>> QMean(Grid(0.5, 1), Grid(1.0, -3)).forward(np.int8([[[[3], [9]]]]))     # (1 + 4) / 2
    array([[0]], dtype=int8)
    """

    in_grid: Grid
    out_grid: Grid
    keep_dims: bool = False

    def __post_init__(self) -> None:
        own_fields(self)

    @property
    def in_grids(self) -> tuple[Grid]:
        """The grid of the input."""
        return (self.in_grid,)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: its ratio depends on the image's size, so forward makes it."""
        return {}

    def out_shape(self, shape: Shape) -> Shape:
        """Return (C,) for (H, W, C), or (1, 1, C) with keep_dims."""
        check_form(shape, IMAGE)
        return (1, 1, shape[2]) if self.keep_dims else (shape[2],)

    def total(self, codes: Codes) -> NDArray[np.int32]:
        """Return the sum of each channel's raw codes: int8 (N, H, W, C) to int32 (N, C).

        Raises TypeError or ValueError for what is not an image of at least one pixel.
        """
        check_codes(self, codes, self.in_grid, IMAGE)
        output_size(self, codes.shape, (1, 1), (1, 1))
        check_mean("QMean", codes.shape[1] * codes.shape[2])
        return codes.sum(axis=(1, 2), dtype=np.int32)

    def finish(self, values: NDArray[Any]) -> Codes:
        """Return whole numbers (N, C) clamped to out_grid, in the shape that keep_dims asks for."""
        clamped = np.clip(values, self.out_grid.qmin, self.out_grid.qmax).astype(np.int8)
        return clamped[:, None, None, :] if self.keep_dims else clamped

    def forward(self, codes: Codes) -> Codes:
        """Return the means: int8 (N, H, W, C) to (N, C), or (N, 1, 1, C) with keep_dims.

        k = min(floor(log2 count), 31 - shift); multiplier = (multiplier << k) / count, truncated;
        shift = shift + k; then equation (5.4) of the sum of (x - in_zero_point).
        Source: TFLite reference ``QuantizedMeanOrSum``.
        """
        total, count = self.total(codes), codes.shape[1] * codes.shape[2]
        steps = total - np.int32(count * self.in_grid.zero_point)
        multiplier, shift = quantize_multiplier(self.in_grid.scale / self.out_grid.scale)
        # The multiplier is shifted left before the division truncates it, so that it keeps its
        # bits: 2**k is at most count, so the quotient still fits int32, and shift + k at most 31.
        k = min(count.bit_length() - 1, 31 - shift)
        scaled = multiply_by_quantized_multiplier(steps, (multiplier << k) // count, shift + k)
        return self.finish(scaled + self.out_grid.zero_point)
