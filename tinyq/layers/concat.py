"""Concatenation in int8: several tensors on one grid, one after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked, whole
from tinyq.layers.checks import check_codes, elementwise_form
from tinyq.layers.contract import Shape
from tinyq.requantize import Requantizer


@dataclass(frozen=True)
class QConcat(Proved):
    """Put tensors that are on one grid side by side along an axis.

    in_grids: of each tensor, one or more, all equal; the first of them is the output's too.
    axis: of one sample, counted from 0 without N; all other sizes are equal.
    Source: TFLite ``CONCATENATION`` of tensors on one grid.

    >>> one = Grid(0.1, 0)
    >>> QConcat((one, one), 0).forward(np.int8([[1, 2]]), np.int8([[3]])).tolist()
    [[1, 2, 3]]
    """

    in_grids: tuple[Grid, ...]
    axis: int

    def _prove(self) -> None:
        whole("QConcat: axis", self.axis, least=0)
        if not self.in_grids or any(grid != self.in_grids[0] for grid in self.in_grids):
            raise ValueError(
                f"QConcat: in_grids must be one or more equal ones, got {self.in_grids}"
            )

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: the codes stay on their grid."""
        return {}

    @property
    def out_grid(self) -> Grid:
        """The grid of the output: the first input's itself."""
        grid, *_ = self.in_grids  # a forged empty tuple is a ValueError then
        return grid

    @checked
    def out_shape(self, *shapes: Shape) -> Shape:
        """Return the shape of the first with the sum of all sizes on the axis."""
        if len(shapes) != len(self.in_grids):
            raise ValueError(f"it must read {len(self.in_grids)} tensors, got {len(shapes)}")
        return joined_shape(shapes, self.axis)

    def forward(self, *codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the codes side by side: int8 (N, ...) each, to int8 (N, ...)."""
        for one in codes:
            check_codes(self, one, self.out_grid, elementwise_form(one))
        self.out_shape(*(one.shape[1:] for one in codes))
        if len({len(one) for one in codes}) > 1:
            raise ValueError(f"QConcat.forward: codes must have one N, got {[*map(len, codes)]}")
        return np.concatenate(codes, axis=1 + self.axis)


def joined_shape(shapes: tuple[Shape, ...], axis: int) -> Shape:
    """Return the shape of tensors of one sample that are put side by side along an axis.

    >>> joined_shape(((4, 2), (3, 2)), 0)
    (7, 2)
    """
    first = shapes[0]
    others = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if axis >= min(map(len, shapes)) or len(others) > 1:
        raise ValueError(f"it must read shapes that differ on axis {axis} alone, got {shapes}")
    return *first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :]
