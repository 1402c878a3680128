"""What a .tflite says of an operator that moves a tensor's axes, or computes with shapes."""

from dataclasses import dataclass

from tinyq.models.tflite.types import Activation, Options, TensorType


@dataclass(frozen=True)
class ConcatenationOptions(Options):
    """Of CONCATENATION; axis: counted from the end where it is negative."""

    axis: int = 0
    fused_activation_function: Activation = Activation.NONE


@dataclass(frozen=True)
class ReshapeOptions(Options):
    """Of RESHAPE; new_shape: () where it stands in a tensor, as it mostly does."""

    new_shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class SqueezeOptions(Options):
    """Of SQUEEZE; squeeze_dims: () for each axis of size 1."""

    squeeze_dims: tuple[int, ...] = ()


@dataclass(frozen=True)
class ReducerOptions(Options):
    """Of MEAN; keep_dims: whether a reduced axis stays, of size 1."""

    keep_dims: bool = False


@dataclass(frozen=True)
class ShapeOptions(Options):
    """Of SHAPE; out_type: of the sizes that it makes."""

    out_type: TensorType = TensorType.FLOAT32


@dataclass(frozen=True)
class StridedSliceOptions(Options):
    """Of STRIDED_SLICE; a bit of a mask stands for an axis, the lowest for the first.

    begin_mask, end_mask: where it starts or ends with the axis; ellipsis_mask, new_axis_mask: what
    it writes as ... or as a new axis; shrink_axis_mask: where it takes one place and no slice;
    offset: whether ends are counted from the beginnings.
    """

    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    offset: bool = False


@dataclass(frozen=True)
class PackOptions(Options):
    """Of PACK; values_count: how many tensors it puts side by side along a new axis."""

    values_count: int = 0
    axis: int = 0
