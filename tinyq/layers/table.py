"""A function of one code: a table that has its answer for each of the 256 codes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, integers
from tinyq.layers.checks import ANY, check_codes
from tinyq.layers.contract import Shape
from tinyq.layers.functions import (
    Function,
    Table,
    leaky_relu_table,
    logistic_table,
    relu6_table,
    relu_table,
    tanh_table,
)
from tinyq.layers.hard_swish import hard_swish_table
from tinyq.layers.one_input import OneInput
from tinyq.requantize import Requantizer

FILL: dict[Function, Callable[..., Table]] = {
    Function.LOGISTIC: logistic_table,
    Function.TANH: tanh_table,
    Function.HARD_SWISH: hard_swish_table,
    Function.LEAKY_RELU: leaky_relu_table,
    Function.RELU: relu_table,
    Function.RELU6: relu6_table,
}


@dataclass(frozen=True, eq=False)
class QTable(OneInput):
    """Look each code up in a table.

    y = table[x + 128]

    in_grid, out_grid: of the codes; table: int8 (256,), each on out_grid.
    function: what the table was filled with, so that the runtimes' own formulas can be told; None
    for a table of any other origin.  alpha: the slope below zero of LEAKY_RELU, None for others.
    Raises TypeError or ValueError where one of these does not hold.

    >>> tanh = QTable.of(Function.TANH, Grid(0.05, 0), Grid(1 / 128, 0))
    >>> tanh.forward(np.int8([[-128, 0, 10]])).tolist()                 # tanh(0.5) * 128 is 59.15
    [[-128, 0, 59]]
    """

    out_grid: Grid
    table: NDArray[np.int8]
    function: Function | None = None
    alpha: float | None = None

    def _prove(self) -> None:
        if self.table.shape != (256,):
            raise ValueError(f"QTable: table must have shape (256,), got {self.table.shape}")
        integers("QTable: table", self.table, self.out_grid.qmin, self.out_grid.qmax)
        check_alpha(self.function, self.alpha)

    @classmethod
    @checked
    def of(
        cls, function: Function, in_grid: Grid, out_grid: Grid, alpha: float | None = None
    ) -> "QTable":
        """Build the table of a function by the formula of TFLite's integer kernels.

        alpha: of LEAKY_RELU alone.  Raises ValueError for grids that the formula does not take:
        LOGISTIC makes Grid(1/256, -128) and TANH Grid(1/128, 0).
        """
        check_alpha(function, alpha)
        return cls(in_grid, out_grid, FILL[function](in_grid, out_grid, alpha), function, alpha)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: the table takes the codes to out_grid."""
        return {}

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself."""
        return shape

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the table's answers: int8 (N, ...), same shape out."""
        check_codes(self, codes, self.in_grid, ANY)
        return self.table[codes.astype(np.int16) + 128]


def check_alpha(function: Function | None, alpha: float | None) -> None:
    """Raise ValueError unless LEAKY_RELU has an alpha, and no other function has."""
    if (function is Function.LEAKY_RELU) != (alpha is not None):
        raise ValueError(f"QTable: LEAKY_RELU alone has an alpha, got {function} and {alpha}")
