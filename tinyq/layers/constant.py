"""A tensor that is the same for every sample."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked, integers
from tinyq.layers.contract import Shape
from tinyq.requantize import Requantizer


@dataclass(frozen=True, eq=False)
class QConstant(Proved):
    """Give stored codes: a batch of one, which an add, a difference or a product repeats.

    out_grid: of the codes; codes: int8, of one sample's shape, at least one axis.
    Raises TypeError or ValueError where one of these does not hold.

    >>> QConstant(Grid(0.5, 0), np.int8([3, 4])).forward().tolist()
    [[3, 4]]
    """

    out_grid: Grid
    codes: NDArray[np.int8]

    def _prove(self) -> None:
        if not self.codes.ndim:
            raise ValueError("QConstant: codes must have at least one axis, got shape ()")
        integers("QConstant: codes", self.codes, self.out_grid.qmin, self.out_grid.qmax)

    @property
    def in_grids(self) -> tuple[()]:
        """None: it reads nothing."""
        return ()

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: the codes lie on out_grid."""
        return {}

    @checked
    def out_shape(self) -> Shape:
        """Return the shape of the codes."""
        return self.codes.shape

    def forward(self) -> NDArray[np.int8]:
        """Return the codes as a batch of one: int8 (1, ...)."""
        return self.codes[None]
