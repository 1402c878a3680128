"""Weights and biases of a .tflite: constants whose scales must be what the sums need."""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.models.tflite import Tensor, TensorType
from tinyq.models.tflite_layers.op import Op

# Output steps by which TFLite lets the scale of a bias differ from in_scale * weight_scale.
# Source: TFLite ``GetQuantizedConvolutionMultipler``.
BIAS_SCALE_ERROR = 0.02


def weight(op: Op, rank: int, axis: int = 0) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return input 1 of an operator, output channels first, and its scales, (O,) or (1,).

    rank: how many axes it must have; axis: that of the output channels.
    Raises ValueError for what is no int8 constant of one scale or one for each output channel, and
    for zero_points that are not 0.
    """
    codes, tensor = op.constant(1, TensorType.INT8), op.needed(1)
    if codes.ndim != rank:
        raise ValueError(f"its weight must have {rank} axes, got {codes.shape}")
    return np.moveaxis(codes, axis, 0), symmetric_scales(tensor, axis)


def symmetric_scales(tensor: Tensor, axis: int) -> NDArray[np.float32]:
    """Return the scales of a constant: one, or one for each place of an axis.

    Raises ValueError for others, for none, and for zero_points that are not 0.
    """
    if not len(tensor.scales):
        raise ValueError(f"tensor {tensor.index} must have a scale, got none")
    # of one axis there is one choice, and the reader takes it
    other = len(tensor.shape) > 1 and tensor.quantized_dimension != axis
    if len(tensor.scales) > 1 and other:
        raise ValueError(
            f"tensor {tensor.index}: quantized_dimension must be {axis}, "
            f"got {tensor.quantized_dimension}"
        )
    if tensor.zero_points.any():
        worst = int(np.abs(tensor.zero_points).argmax())
        raise ValueError(
            f"tensor {tensor.index}: zero_point of a weight or bias must be 0, "
            f"got {tensor.zero_points[worst]}"
        )
    return tensor.scales


def bias(
    op: Op, channels: int, scales: NDArray[np.float32], in_grid: Grid, out_grid: Grid
) -> NDArray[np.int32]:
    """Return input 2 of an operator, zeros where it is left out.

    channels: how many outputs; scales: of the weight.  Raises ValueError for what is no int32
    constant with an entry for each output channel, and for a scale that is not that of the sums.
    """
    tensor = op.tensor(2)
    if tensor is None:
        return np.zeros(channels, np.int32)
    codes = op.constant(2, TensorType.INT32)
    if codes.shape != (channels,):
        raise ValueError(f"its bias must have shape ({channels},), got {codes.shape}")
    got = symmetric_scales(tensor, 0).astype(np.float64)
    check_bias_scales(got, in_grid.scale * scales.astype(np.float64), out_grid.scale)
    return codes


def check_bias_scales(
    got: NDArray[np.float64], wanted: NDArray[np.float64], out_scale: float
) -> None:
    """Raise ValueError unless the scales of a bias are in_scale * weight_scale, or nearly so.

    >>> check_bias_scales(np.array([0.1]), np.array([0.2]), 1.0)
    Traceback (most recent call last):
    ValueError: the scale of its bias must be in_scale * weight_scale = 0.2, got 0.1
    """
    got, wanted = np.broadcast_arrays(got, wanted)
    error = np.abs(got - wanted) / out_scale
    if (worst := int(error.argmax())) >= 0 and error[worst] > BIAS_SCALE_ERROR:
        raise ValueError(
            f"the scale of its bias must be in_scale * weight_scale = {wanted[worst]:.9g}, "
            f"got {got[worst]:.9g}"
        )
