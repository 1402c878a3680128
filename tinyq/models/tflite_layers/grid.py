"""The grid of a tensor of a .tflite."""

from tinyq.affine import Grid
from tinyq.models.tflite import Tensor, TensorType


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
