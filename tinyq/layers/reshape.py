"""Reshape in int8: the same codes in the same order, under other axes."""

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers.checks import check_codes, elementwise_form
from tinyq.layers.contract import Shape
from tinyq.layers.passthrough import PassThrough


@dataclass(frozen=True)
class QReshape(PassThrough):
    """Give the codes of each sample another shape; the last axis runs fastest, before and after.

    shape: of one sample, without N: integers >= 1, one of which may be -1, for what is left.
    Source: TFLite ``RESHAPE``.

    >>> from tinyq.affine import Grid
    >>> QReshape(Grid(0.1, 0), (-1,)).forward(np.int8([[[[1], [2]], [[3], [4]]]])).tolist()
    [[1, 2, 3, 4]]
    """

    shape: tuple[int, ...]

    def _prove(self) -> None:
        check_new_shape("QReshape", self.shape)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself, -1 replaced.  Raises ValueError for another count of codes."""
        return new_shape(shape, self.shape)

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the same codes, a view of them: int8 (N, ...) to (N, *shape)."""
        check_codes(self, codes, self.in_grid, elementwise_form(codes))
        return codes.reshape(len(codes), *new_shape(codes.shape[1:], self.shape))


def check_new_shape(name: str, shape: Shape) -> None:
    """Raise ValueError unless shape has axes, each >= 1 but for one -1.

    >>> check_new_shape("QReshape", (-1, 0))
    Traceback (most recent call last):
    ValueError: QReshape: shape must be integers >= 1, one of them perhaps -1, got (-1, 0)
    """
    others = [size for size in shape if size != -1]
    if not shape or len(others) < len(shape) - 1 or min(others, default=1) < 1:
        wanted = "integers >= 1, one of them perhaps -1"
        raise ValueError(f"{name}: shape must be {wanted}, got {shape}")


def new_shape(before: Shape, shape: Shape) -> Shape:
    """Return shape with its -1 replaced so that it has as many codes as before.

    >>> new_shape((2, 6), (3, -1))
    (3, 4)
    """
    count, known = prod(before), prod(size for size in shape if size != -1)
    made = tuple(count // known if size == -1 else size for size in shape)
    if prod(made) != count:
        times = "a multiple of " if -1 in shape else ""
        raise ValueError(f"it must read {times}{known} codes, for shape {shape}, got {before}")
    return made
