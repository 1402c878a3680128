"""The difference of two tensors, code by code."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.layers.add import LEFT_SHIFT, check_sum_ratios
from tinyq.layers.broadcast import broadcast_shape, check_pair, steps
from tinyq.layers.contract import Shape
from tinyq.requantize import Requantizer, Rounding


@dataclass(frozen=True, eq=False)
class QSub(Proved):
    """Subtract two int8 tensors that live on different grids.

    twice_max = 2 * max(s_a, s_b); t_a and t_b by (8.1) with left_shift 20
    y = clamp(rescale(t_a - t_b, twice_max / (2**20 * s_out)) + zp_out)

    in_grids: grids of a and b; out_grid: grid of the difference.
    rescale_a, rescale_b, rescale_difference: requantizers of one ratio each, built by from_float;
    the first two at most 1/2 and the last below 1, so that no difference leaves int32.
    Raises TypeError or ValueError where one of these does not hold.
    Source: TFLite ``reference_ops::Sub``; TFLite Micro.

    >>> sub = QSub.from_float(Grid(0.5, 0), Grid(0.25, 0), Grid(1.0, -8))
    >>> sub.forward(np.int8([[8]]), np.int8([[4]])).tolist()                  # 4.0 - 1.0
    [[-5]]
    """

    in_grids: tuple[Grid, Grid]
    out_grid: Grid
    rescale_a: Requantizer
    rescale_b: Requantizer
    rescale_difference: Requantizer

    def _prove(self) -> None:
        check_sum_ratios("QSub", self.requantizers)

    @classmethod
    @checked
    def from_float(
        cls,
        a_grid: Grid,
        b_grid: Grid,
        out_grid: Grid,
        rounding: Rounding = Rounding.DOUBLE,
    ) -> "QSub":
        """Build the layer on the host from its three grids.

        Raises ValueError for an out_grid so fine that the last ratio reaches 1.
        """
        twice_max = 2 * max(a_grid.scale, b_grid.scale)
        scales = a_grid.scale, b_grid.scale, twice_max / 2**LEFT_SHIFT
        below = twice_max, twice_max, out_grid.scale
        made = (Requantizer(s / t, rounding) for s, t in zip(scales, below, strict=True))
        return cls((a_grid, b_grid), out_grid, *made)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The three requantizers: of a, of b, and of their difference."""
        return {"a": self.rescale_a, "b": self.rescale_b, "difference": self.rescale_difference}

    @checked
    def out_shape(self, a: Shape, b: Shape) -> Shape:
        """Return the shape that those of a and b broadcast to; raise ValueError for none."""
        return broadcast_shape("QSub", a, b)

    def forward(self, a: NDArray[np.int8], b: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the differences: two int8 arrays (N, ...) whose samples broadcast, to int8."""
        a, b = check_pair(self, self.in_grids, a, b)
        one, other = (
            requantizer.rescale(steps(codes, grid) << np.int32(LEFT_SHIFT))
            for codes, grid, requantizer in zip(
                (a, b), self.in_grids, (self.rescale_a, self.rescale_b), strict=True
            )
        )
        return self.rescale_difference.requantize(one - other, self.out_grid)
