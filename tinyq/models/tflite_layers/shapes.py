"""RESHAPE, SQUEEZE, EXPAND_DIMS, TRANSPOSE, PAD, PADV2, CONCATENATION, MEAN: a sample's axes.

The batch axis is the first and stays where it is: what moves, pads, joins or reduces it is refused.
"""

from dataclasses import replace
from math import prod

from tinyq.layers import QConcat, QMean, QPad, QPad2D, QReshape, QTranspose
from tinyq.layers.checks import padded_shape
from tinyq.models.opened.value import Value
from tinyq.models.tflite import Activation, TensorType
from tinyq.models.tflite.shape_options import ConcatenationOptions, ReducerOptions, ReshapeOptions
from tinyq.models.tflite_layers.op import Op

INTEGERS = TensorType.INT32, TensorType.INT64


def reshape(op: Op) -> Value:
    """Make RESHAPE of each sample."""
    if (wanted := asked_shape(op)) != op.output.shape:
        raise ValueError(
            f"its output must have the shape that it asks for, {wanted}, got {op.output.shape}"
        )
    return squeeze(op)


def squeeze(op: Op) -> Value:
    """Make SQUEEZE, or what else gives each sample the output's shape."""
    x, shape = op.value(0), op.output.shape
    if shape[:1] != (op.batch,) or len(shape) < 2:
        raise ValueError(f"it must keep the batch axis, {op.batch} first, got {shape}")
    return op.add(QReshape(x.grid, shape[1:]), x)


def expand_dims(op: Op) -> Value:
    """Make EXPAND_DIMS, a new axis of size 1."""
    axes = op.constant(1, *INTEGERS)
    shape, rank = op.needed(0).shape, len(op.needed(0).shape)
    if axes.size != 1 or not -rank <= (axis := int(axes.reshape(()))) <= rank:
        raise ValueError(f"its axis must be one in {-rank}..{rank}, got {axes.tolist()}")
    place = axis if axis >= 0 else axis + rank + 1
    if op.output.shape != (wanted := (*shape[:place], 1, *shape[place:])):
        raise ValueError(f"its output must have shape {wanted}, got {op.output.shape}")
    return squeeze(op)


def asked_shape(op: Op) -> tuple[int, ...]:
    """Return the shape that RESHAPE asks for, one -1 in it replaced by what is left."""
    asked = op.options(ReshapeOptions).new_shape
    if op.tensor(1) is not None:
        asked = tuple(op.constant(1, TensorType.INT32).ravel().tolist())
    known = prod(size for size in asked if size != -1)
    left = prod(op.needed(0).shape) // known if known > 0 else 0
    return tuple(left if size == -1 else size for size in asked)


def transpose(op: Op) -> Value:
    """Make TRANSPOSE of each sample."""
    x, order = op.value(0), op.constant(1, *INTEGERS).ravel().tolist()
    if order[:1] != [0]:
        raise ValueError(f"it must keep the batch axis, 0 first, got {order}")
    return op.add(QTranspose(x.grid, tuple(axis - 1 for axis in order[1:])), x)


def pad(op: Op) -> Value:
    """Make PAD, which pads with the zero_point."""
    x, pads = op.value(0), sample_pads(op)
    if len(pads) == 3 and pads[2] == (0, 0):
        return op.add(QPad2D(x.grid, (*pads[0], *pads[1])), x)
    return op.add(QPad(x.grid, pads), x)


def pad_v2(op: Op) -> Value:
    """Make PADV2: a pad with the zero_point, or a border of the least code for a max pool."""
    x, pads = op.value(0), sample_pads(op)
    code = op.constant(2, TensorType.INT8)
    if code.size != 1:
        raise ValueError(f"it must pad with one code, got {code.size}")
    if (value := int(code.reshape(()))) == x.grid.zero_point:
        return pad(op)
    readers = {reader.name for reader in op.readers(op.output)}
    image = len(pads) == len(x.shape) == 3 and pads[2] == (0, 0)
    if image and value == x.grid.qmin and readers == {"MAX_POOL_2D"}:
        around = (*pads[0], *pads[1])
        return replace(x, seen=padded_shape(x.shape, around), border=around)
    raise ValueError(f"it must pad with the zero_point {x.grid.zero_point}, got {value}")


def sample_pads(op: Op) -> tuple[tuple[int, int], ...]:
    """Return (before, after) for each axis of a sample; raise ValueError for one on the batch."""
    pads = op.constant(1, *INTEGERS)
    if pads.ndim != 2 or pads.shape[1] != 2:
        raise ValueError(f"it must have pads of shape (axes, 2), got {pads.shape}")
    if pads[:1].any():
        raise ValueError(f"it must not pad the batch axis, got {pads.tolist()}")
    return tuple((before, after) for before, after in pads[1:].tolist())


def concatenation(op: Op) -> Value:
    """Make CONCATENATION of tensors on one grid."""
    options = op.options(ConcatenationOptions)
    if options.fused_activation_function is not Activation.NONE:
        raise ValueError(f"its fused {options.fused_activation_function.name} is not supported")
    reads = [op.value(place) for place in range(len(op.operator.inputs))]
    axis = sample_axis(op, options.axis)
    return op.add(QConcat(tuple(value.grid for value in reads), axis), *reads)


def mean(op: Op) -> Value:
    """Make MEAN over axes of a sample."""
    x, keep = op.value(0), op.options(ReducerOptions).keep_dims
    axes = {sample_axis(op, axis) for axis in op.constant(1, *INTEGERS).ravel().tolist()}
    return op.add(QMean(x.grid, op.out_grid, tuple(sorted(axes)), keep), x)


def sample_axis(op: Op, axis: int) -> int:
    """Return an axis of the first input as one of a sample; raise ValueError for the batch."""
    rank = len(op.needed(0).shape)
    if not -rank < axis < rank or axis == 0:
        raise ValueError(f"its axis must be in 1..{rank - 1} or from the end, got {axis}")
    return axis % rank - 1
