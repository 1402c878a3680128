"""Transpose in int8: the axes of a sample in another order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers.checks import check_codes, check_rank, elementwise_form
from tinyq.layers.contract import Shape
from tinyq.layers.passthrough import PassThrough


@dataclass(frozen=True)
class QTranspose(PassThrough):
    """Put the axes of each sample in another order: axis i of the output is axes[i] of the input.

    axes: each axis of one sample once, counted from 0 without N.
    Source: TFLite ``TRANSPOSE``.

    >>> from tinyq.affine import Grid
    >>> QTranspose(Grid(0.1, 0), (1, 0)).forward(np.int8([[[1, 2], [3, 4]]])).tolist()
    [[[1, 3], [2, 4]]]
    """

    axes: tuple[int, ...]

    def _prove(self) -> None:
        check_axes("QTranspose", self.axes)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the sizes in their new order."""
        check_rank(shape, len(self.axes))
        return tuple(shape[axis] for axis in self.axes)

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the codes with their axes in the new order: int8 (N, ...) to int8 (N, ...)."""
        check_codes(self, codes, self.in_grid, elementwise_form(codes))
        check_rank(codes.shape[1:], len(self.axes))
        return np.ascontiguousarray(codes.transpose(0, *(1 + axis for axis in self.axes)))


def check_axes(name: str, axes: tuple[int, ...]) -> None:
    """Raise ValueError unless axes are 0, 1, ... in some order.

    >>> check_axes("QTranspose", (1, 2))
    Traceback (most recent call last):
    ValueError: QTranspose: axes must be 0..1, each once, got (1, 2)
    """
    if not axes or sorted(axes) != list(range(len(axes))):
        last = max(len(axes) - 1, 0)
        raise ValueError(f"{name}: axes must be 0..{last}, each once, got {axes}")
