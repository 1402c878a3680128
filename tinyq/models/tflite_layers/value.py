"""What a tensor of a .tflite is in the network."""

from dataclasses import dataclass

from tinyq.affine import Grid
from tinyq.layers.contract import Shape
from tinyq.layers.pool import NO_PADS
from tinyq.models.tflite import Tensor, TensorType


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


def grid_of(tensor: Tensor) -> Grid:
    """Return the grid of an int8 activation.

    Raises ValueError for another type, several scales, and numbers that are no grid.
    """
    if tensor.type is not TensorType.INT8:
        raise ValueError(f"tensor {tensor.index} must be INT8, got {tensor.type.name}")
    if len(tensor.scales) != 1:
        raise ValueError(f"tensor {tensor.index} must have one scale, got {len(tensor.scales)}")
    try:
        return Grid(float(tensor.scales[0]), int(tensor.zero_points[0]))
    except ValueError as error:
        raise ValueError(f"tensor {tensor.index}: {error}") from error


def said(grid: Grid) -> str:
    """Return a grid as messages have it.

    >>> said(Grid(0.1, -3))
    'scale 0.100000001, zero_point -3'
    """
    return f"scale {grid.scale:.9g}, zero_point {grid.zero_point}"
