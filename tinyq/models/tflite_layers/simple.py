"""PAD and PADV2, RESHAPE: the operators that move codes."""

from dataclasses import replace
from math import prod

from tinyq.layers import QPad2D
from tinyq.layers.checks import padded_shape
from tinyq.models.tflite import TensorType
from tinyq.models.tflite.options import ReshapeOptions
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.value import Value

INTEGERS = TensorType.INT32, TensorType.INT64


def pad(op: Op) -> Value:
    """Make PAD, which pads an image with the zero_point."""
    x = op.value(0)
    return op.add(QPad2D(x.grid, image_pads(op)), x)


def pad_v2(op: Op) -> Value:
    """Make PADV2: a pad with the zero_point, or a border of the least code for a max pool."""
    x, pads = op.value(0), image_pads(op)
    code = op.constant(2, TensorType.INT8)
    if code.size != 1:
        raise ValueError(f"it must pad with one code, got {code.size}")
    if (value := int(code.reshape(()))) == x.grid.zero_point:
        return op.add(QPad2D(x.grid, pads), x)
    readers = {reader.name for reader in op.readers(op.output)}
    if value == x.grid.qmin and readers == {"MAX_POOL_2D"}:
        return replace(x, seen=padded_shape(x.shape, pads), border=pads)
    raise ValueError(f"it must pad with the zero_point {x.grid.zero_point}, got {value}")


def image_pads(op: Op) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of a pad; raise ValueError for one on other axes."""
    pads = op.constant(1, *INTEGERS)
    if pads.shape != (4, 2):
        raise ValueError(f"it must pad (N, H, W, C), got pads of shape {pads.shape}")
    if pads[0].any() or pads[3].any():
        raise ValueError(f"it must pad height and width alone, got {pads.tolist()}")
    top, bottom, left, right = pads[1:3].ravel().tolist()
    return top, bottom, left, right


def reshape(op: Op) -> Value:
    """Make RESHAPE where it changes nothing, or makes rows of a pool's (1, 1, C)."""
    x, shape = op.value(0), op.output.shape
    if (wanted := asked_shape(op)) != shape:
        raise ValueError(f"its output must have the shape that it asks for, {wanted}, got {shape}")
    if shape[:1] != (op.batch,) or prod(shape[1:]) != prod(x.shape):
        raise ValueError(f"it must keep the batch axis, {op.batch} first, got {shape}")
    if shape[1:] not in (x.seen, x.shape):
        raise ValueError(f"from one sample of {x.seen} to {shape[1:]} is not supported")
    return replace(x, seen=shape[1:])


def asked_shape(op: Op) -> tuple[int, ...]:
    """Return the shape that RESHAPE asks for, one -1 in it replaced by what is left."""
    asked = op.options(ReshapeOptions).new_shape
    if op.tensor(1) is not None:
        asked = tuple(op.constant(1, TensorType.INT32).ravel().tolist())
    known = prod(size for size in asked if size != -1)
    left = prod(op.needed(0).shape) // known if known > 0 else 0
    return tuple(left if size == -1 else size for size in asked)
