"""Softmax in integers, its shares brought to a grid of any scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, frozen
from tinyq.fixedpoint import INT32
from tinyq.layers.checks import ANY, check_codes
from tinyq.layers.contract import Shape
from tinyq.layers.one_input import OneInput
from tinyq.layers.rescale import check_accumulator
from tinyq.layers.softmax import check_row, exponentials, shares
from tinyq.requantize import Requantizer, Rounding

BITS = 31  # of a share's fraction


@dataclass(frozen=True, eq=False)
class QSoftmaxToGrid(OneInput):
    """Take the softmax over the last axis, on a grid that need not be TFLite's.

    y = clamp(rescale(share * 2**31, 2**-31 / s_out) + zp_out)

    A share is that of QSoftmax with beta 1, before it is rounded to 8 bits.
    in_grid, out_grid: of the codes; requantizer: of one ratio, built by from_float.
    Raises TypeError or ValueError where one of these does not hold.
    Source: ONNX Runtime's quantizer, which lays the output on Grid(1/255, -128).

    >>> softmax = QSoftmaxToGrid.from_float(Grid(0.1, 0), Grid(1 / 255, -128))
    >>> softmax.forward(np.int8([[0, 10, 20]])).tolist()       # 0.0900, 0.2447 and 0.6652 of 255
    [[-105, -66, 42]]
    """

    out_grid: Grid
    requantizer: Requantizer

    def _prove(self) -> None:
        check_accumulator(type(self).__name__, INT32[1], self.requantizer)
        # derived whenever the layer is proved, for forward is integers alone
        vars(self)["exps"] = frozen(exponentials(self.in_grid.scale, 1.0))

    @classmethod
    @checked
    def from_float(
        cls, in_grid: Grid, out_grid: Grid, rounding: Rounding = Rounding.DOUBLE
    ) -> "QSoftmaxToGrid":
        """Build the layer on the host from its two grids.

        Raises as the class does, and ValueError for an out_grid.scale of 2**-31 or less.
        """
        return cls(in_grid, out_grid, Requantizer(2.0**-BITS / out_grid.scale, rounding))

    @cached_property
    def exps(self) -> NDArray[np.int32]:
        """The exponential of each difference max - x, 0..255: int32 (256,)."""
        return frozen(exponentials(self.in_grid.scale, 1.0))

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The one requantizer, of all shares."""
        return {"requantizer": self.requantizer}

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself.  Raises ValueError for rows that are empty or too long."""
        check_row(shape[-1])
        return shape

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the shares: int8 (N, ..., C), with C in 1..4095, same shape out."""
        check_codes(self, codes, self.in_grid, ANY)
        check_row(codes.shape[-1])
        fractions = np.minimum(shares(self.exps, codes, BITS), INT32[1])
        return self.requantizer.requantize(fractions.astype(np.int32), self.out_grid)
