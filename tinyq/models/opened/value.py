"""What a tensor of a file that is opened is in the network."""

from dataclasses import dataclass

from tinyq.affine import Grid
from tinyq.layers.contract import Shape
from tinyq.layers.pool import NO_PADS


@dataclass(frozen=True)
class Value:
    """The codes that a tensor of the file stands for.

    name: of the node that makes them, or "input"; grid: theirs, the node's very object;
    shape: of one sample, as the node makes it; seen: the same as the file has it.  The two differ
    where a border is left to the max pools that read it.
    border: (top, bottom, left, right) of the least code around them, in the file.
    real: whether the file has their real numbers; nothing reads them but the model's caller.
    """

    name: str
    grid: Grid
    shape: Shape
    seen: Shape
    border: tuple[int, int, int, int] = NO_PADS
    real: bool = False


def said(grid: Grid) -> str:
    """Return a grid as messages have it.

    >>> said(Grid(0.1, -3))
    'scale 0.100000001, zero_point -3'
    """
    return f"scale {grid.scale:.9g}, zero_point {grid.zero_point}"
