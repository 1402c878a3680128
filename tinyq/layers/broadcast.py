"""Two samples of two shapes as one: NumPy's rule of broadcasting, which leaves the batch alone.

A tensor of one sample may have any rank.  The shapes are aligned at their last axes, and an axis of
size 1 is repeated; a batch of one, such as a constant, goes with every sample.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers.checks import ANY, check_codes
from tinyq.layers.contract import Codes, Shape

PAIR = ("a", "b")


def broadcast_shape(name: str, a: Shape, b: Shape) -> Shape:
    """Return the shape of one sample that those of a and b broadcast to, each without N.

    Raises ValueError where they do not.

    >>> broadcast_shape("QAdd", (4, 1, 3), (5, 1))
    (4, 5, 3)
    >>> broadcast_shape("QAdd", (4, 3), (4,))
    Traceback (most recent call last):
    ValueError: QAdd: a and b must have shapes that broadcast, got (4, 3), (4,)
    """
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        message = f"{name}: a and b must have shapes that broadcast, got {a}, {b}"
        raise ValueError(message) from None


def check_pair(layer: object, grids: tuple[Grid, Grid], a: Codes, b: Codes) -> tuple[Codes, Codes]:
    """Return a and b with axes that NumPy aligns as their samples are: views, not yet repeated.

    a, b: int8 (N, ...), each on its grid, with as many samples or one.
    Raises as check_codes and broadcast_shape do, and ValueError for two numbers of samples.
    """
    for name, codes, grid in zip(PAIR, (a, b), grids, strict=True):
        check_codes(layer, codes, grid, ANY, name=name)
    where = f"{type(layer).__name__}.forward"
    rank = len(broadcast_shape(where, a.shape[1:], b.shape[1:]))
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise ValueError(
            f"{where}: a and b must have one N, or one of them 1, got {a.shape}, {b.shape}"
        )
    return _aligned(a, rank), _aligned(b, rank)


def _aligned(codes: Codes, rank: int) -> Codes:
    """Return codes with axes of size 1 after N, so that a sample has rank axes."""
    return codes.reshape(len(codes), *(1,) * (rank + 1 - codes.ndim), *codes.shape[1:])


def steps(codes: Codes, grid: Grid) -> NDArray[np.int32]:
    """Return codes less the zero_point, in int32."""
    return codes.astype(np.int32) - np.int32(grid.zero_point)


def largest_step(grid: Grid) -> int:
    """Return the largest size of a code less the zero_point: 255 where that is at an end."""
    return max(grid.qmax - grid.zero_point, grid.zero_point - grid.qmin)
