"""The product of two tensors, code by code."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.layers.broadcast import broadcast_shape, check_pair, largest_step, steps
from tinyq.layers.contract import Shape
from tinyq.layers.rescale import check_accumulator
from tinyq.requantize import Requantizer, Rounding


@dataclass(frozen=True, eq=False)
class QMul(Proved):
    """Multiply two int8 tensors that live on different grids.

    y = clamp(rescale((a - zp_a) * (b - zp_b), s_a * s_b / s_out) + zp_out)

    in_grids: grids of a and b; out_grid: grid of the product.
    requantizer: of one ratio, built by from_float, so small that no left shift leaves int32.
    Raises TypeError or ValueError where one of these does not hold.
    Source: TFLite ``reference_integer_ops::Mul``; TFLite Micro.

    >>> mul = QMul.from_float(Grid(0.5, 0), Grid(0.25, 0), Grid(0.5, -8))
    >>> mul.forward(np.int8([[4]]), np.int8([[8]])).tolist()                  # 2.0 * 2.0
    [[0]]
    """

    in_grids: tuple[Grid, Grid]
    out_grid: Grid
    requantizer: Requantizer

    def _prove(self) -> None:
        a, b = self.in_grids
        check_accumulator("QMul", largest_step(a) * largest_step(b), self.requantizer)

    @classmethod
    @checked
    def from_float(
        cls, a_grid: Grid, b_grid: Grid, out_grid: Grid, rounding: Rounding = Rounding.DOUBLE
    ) -> "QMul":
        """Build the layer on the host from its three grids, the ratio by equation (5.10).

        Raises ValueError for an out_grid so fine that a product would leave int32.
        """
        requantizer = Requantizer.from_scales(
            a_grid.scale, [b_grid.scale], out_grid.scale, rounding
        )
        return cls((a_grid, b_grid), out_grid, requantizer)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The one requantizer."""
        return {"requantizer": self.requantizer}

    @checked
    def out_shape(self, a: Shape, b: Shape) -> Shape:
        """Return the shape that those of a and b broadcast to; raise ValueError for none."""
        return broadcast_shape("QMul", a, b)

    def forward(self, a: NDArray[np.int8], b: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the products: two int8 arrays (N, ...) whose samples broadcast, to int8."""
        a, b = check_pair(self, self.in_grids, a, b)
        product = steps(a, self.in_grids[0]) * steps(b, self.in_grids[1])
        return self.requantizer.requantize(product, self.out_grid)
