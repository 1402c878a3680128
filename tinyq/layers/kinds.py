"""The layers as a set, and the question of which grids one reads."""

from tinyq.affine import Grid
from tinyq.layers.add import QAdd
from tinyq.layers.conv import QConv2D, QConv2DPerChannel
from tinyq.layers.dense import QDense
from tinyq.layers.passthrough import QClamp, QPad2D
from tinyq.layers.pool import QAvgPool2D, QGlobalAvgPool2D, QMaxPool2D

# Exactly these: a subclass may compute something else.

LAYERS = (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
)


def in_grids(layer: object) -> tuple[Grid, ...]:
    """Return the grid of each tensor that a layer reads.

    >>> in_grids(QPad2D(Grid(0.5, 3), (1, 1, 1, 1)))
    (Grid(scale=0.5, zero_point=3, qmin=-128, qmax=127),)
    """
    return layer.in_grids if isinstance(layer, QAdd) else (layer.in_grid,)
