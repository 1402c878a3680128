"""Concat on codes and QLinearConcat: tensors side by side along an axis of a sample."""

from tinyq.layers import QConcat, QRescale
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.order import tinyq_axis
from tinyq.models.opened.value import Value


def concat(op: Op) -> Value:
    """Make Concat of codes, which lie on one grid."""
    return joined(op, [op.value(place) for place in range(len(op.operator.inputs))])


def concat_grids(op: Op) -> Value:
    """Make QLinearConcat: each tensor is first brought to the output's grid."""
    grid, reads = op.grid(0), list[Value]()
    if len(op.operator.inputs) % 3 != 2:
        raise ValueError("its inputs must be two, and three for each tensor")
    for number, place in enumerate(range(2, len(op.operator.inputs), 3)):
        value = op.codes(place)
        if value.grid != grid:
            layer = QRescale.from_float(value.grid, grid)
            value = op.add(layer, value, part=f"rescale_{number}")
        reads.append(value)
    return joined(op, reads)


def joined(op: Op, reads: list[Value]) -> Value:
    """Return tensors on one grid side by side along the attribute axis."""
    rank = len(reads[0].seen) + 1
    if "axis" not in op.operator.attributes:
        raise ValueError("it must have an axis")
    axis = op.attribute("axis", 1)
    if not -rank < axis < rank or axis == 0:
        raise ValueError(f"its axis must be in 1..{rank - 1} or from the end, got {axis}")
    if any(len(value.seen) + 1 != rank for value in reads):
        raise ValueError(f"it must read samples of one rank, got {[v.seen for v in reads]}")
    place = tinyq_axis(axis % rank - 1, rank - 1)
    return op.add(QConcat(tuple(value.grid for value in reads), place), *reads)
