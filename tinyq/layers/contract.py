"""What an int8 layer says of itself, so that nobody has to ask which class it is."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.requantize import Requantizer

Codes = NDArray[np.int8]
Shape = tuple[int, ...]  # of one sample's tensor, without N: (H, W, C), (C,), or of any rank >= 1
Entry = TypeVar("Entry")


@runtime_checkable
class Layer(Protocol):
    """The contract that every layer of an int8 network keeps.

    in_grids: the grid of each tensor that forward takes, in its order;
    out_grid: the grid of the codes it makes, the very object of in_grids where it passes one on;
    requantizers: what brings its sums to out_grid, by name; none where the grid is passed on, and
    where no sum is rescaled: a table, a softmax, a constant.
    """

    @property
    def in_grids(self) -> tuple[Grid, ...]: ...

    @property
    def out_grid(self) -> Grid: ...

    @property
    def requantizers(self) -> Mapping[str, Requantizer]: ...

    @property
    def out_shape(self) -> Callable[..., Shape]:
        """Return the shape of one image's output from those of its inputs, each without N.

        Raises ValueError where the layer cannot take inputs of these shapes.
        """
        ...

    @property
    def forward(self) -> Callable[..., Codes]:
        """Return the codes on out_grid: an int8 array (N, ...) for each of in_grids to int8.

        Raises TypeError for another dtype, ValueError for another shape or a code off its grid.
        """
        ...


def lookup(table: Mapping[type, Entry], layer: object, who: str) -> Entry:
    """Return what a table has for exactly the layer's type: a subclass may compute otherwise.

    table: by type of layer; who: what the table speaks for, as the error message names it.
    Raises TypeError for a type that is not in the table.

    >>> lookup({int: "integers"}, True, "this table")
    Traceback (most recent call last):
    TypeError: this table has no bool, only int
    """
    if type(layer) not in table:
        known = ", ".join(sorted({kind.__name__ for kind in table}))
        raise TypeError(f"{who} has no {type(layer).__name__}, only {known}")
    return table[type(layer)]
