"""Pad in int8 on any axis: the code of real zero around a sample."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers.checks import check_codes, check_rank, elementwise_form
from tinyq.layers.contract import Shape
from tinyq.layers.passthrough import PassThrough

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class QPad(PassThrough):
    """Surround a sample of any rank with the code of real zero, the zero_point.

    pads: (before, after) for each axis of one sample, each >= 0; QPad2D is the one for images.
    Source: TFLite ``PAD``.

    >>> from tinyq.affine import Grid
    >>> QPad(Grid(0.1, -1), ((0, 0), (1, 2))).forward(np.int8([[[5], [6]]])).tolist()
    [[[-1, 5, -1, -1], [-1, 6, -1, -1]]]
    """

    pads: tuple[tuple[int, int], ...]

    def _prove(self) -> None:
        check_pads("QPad", self.pads)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return before + size + after on each axis."""
        check_rank(shape, len(self.pads))
        return tuple(
            before + size + after for (before, after), size in zip(self.pads, shape, strict=True)
        )

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the padded codes: int8 (N, ...) to (N, ...)."""
        check_codes(self, codes, self.in_grid, elementwise_form(codes))
        check_rank(codes.shape[1:], len(self.pads))
        return np.pad(codes, ((0, 0), *self.pads), constant_values=self.in_grid.zero_point)


def check_pads(name: str, pads: Pads) -> None:
    """Raise ValueError unless there are pads, each >= 0.

    >>> check_pads("QPad", ((0, -1),))
    Traceback (most recent call last):
    ValueError: QPad: pads must be pairs (before, after) of integers >= 0, got ((0, -1),)
    """
    if not pads or min(size for pair in pads for size in pair) < 0:
        wanted = "pairs (before, after) of integers >= 0"
        raise ValueError(f"{name}: pads must be {wanted}, got {pads}")
