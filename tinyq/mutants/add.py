"""Broken residual adds: zero_points, scales, left_shift."""

import numpy as np

from tinyq.checks import own_fields
from tinyq.layers import QAdd
from tinyq.mutants.mutant import breaks
from tinyq.requantize import Requantizer

shifted = QAdd._shifted


class UnprovedAdd(QAdd):
    """An add whose sums may wrap, to show what the limits are for; no network takes such a one.

    >>> from tinyq.affine import Grid
    >>> one, half = Grid(1.0, 0), Requantizer(0.5)
    >>> add = UnprovedAdd((one, one), one, 25, half, half, Requantizer(2 * 2.0**-25))
    >>> add.forward(np.int8([[60]]), np.int8([[3]])), add.forward(np.int8([[60]]), np.int8([[70]]))
    (array([[63]], dtype=int8), array([[2]], dtype=int8))
    """

    def __post_init__(self) -> None:
        own_fields(self)


@breaks(
    QAdd,
    "_shifted",
    notice="Every sum is off by the same amount; with equal scales it cancels.",
    caught_by=("golden", "add"),
)
def zero_points_swapped(layer, codes, side, rescale):
    """Each input loses the zero_point of the other."""
    steps = codes.astype(np.int32) - np.int32(layer.in_grids[1 - side].zero_point)
    return rescale.rescale(steps << np.int32(layer.left_shift))


@breaks(
    QAdd,
    "_shifted",
    notice="The finer of the two inputs is too loud, the other too quiet.",
    caught_by=("golden", "add"),
)
def scales_swapped(layer, codes, side, rescale):
    """Each input is rescaled by the ratio of the other."""
    return shifted(layer, codes, side, layer.rescale_a if side else layer.rescale_b)


@breaks(
    QAdd,
    "forward",
    notice="Each input is too loud or too quiet by the ratio of its scale to the sum's.",
    caught_by=("golden", "add"),
)
def unscaled_skip(layer, a, b):
    """The codes are added as if the three grids had one scale."""
    grid = layer.out_grid
    steps = a.astype(np.int32) + b - sum(side.zero_point for side in layer.in_grids)
    return np.clip(steps + grid.zero_point, grid.qmin, grid.qmax).astype(np.int8)


@breaks(
    QAdd,
    "forward",
    notice="Large sums come out with the wrong sign.",
    caught_by=("40 percent", "golden", "add"),
    thread="https://github.com/apache/tvm/pull/15529",
)
def sum_cast_to_int8(layer, a, b):
    """The int32 sum of the codes is cast to int8: no rescaling, no clamp."""
    return (a.astype(np.int32) + b).astype(np.int8)


@breaks(
    QAdd,
    "forward",
    notice="More than a third of the sums differ: each input was rounded to a whole step first.",
    caught_by=("golden", "add"),
)
def left_shift_of_0(layer, a, b):
    """The inputs are rescaled without the 20 fraction bits that left_shift gives them."""
    a_grid, b_grid = layer.in_grids
    total = layer.rescale_a.rescale(a.astype(np.int32) - a_grid.zero_point)
    total += layer.rescale_b.rescale(b.astype(np.int32) - b_grid.zero_point)
    twice_max = 2 * max(a_grid.scale, b_grid.scale)
    return Requantizer(twice_max / layer.out_grid.scale).requantize(total, layer.out_grid)
