"""ONNX's operators that move codes, in both forms: they read and make codes as they are.

tinyq's last axis is ONNX's second, at any rank.  So each speaks of the axes in ONNX's order; a
reshape first brings the channels to the end, where tinyq reads and writes them.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tinyq import layers
from tinyq.export.onnx_operator import Operand, Operator
from tinyq.layers.contract import Layer, Shape

Names = Sequence[Operand]
Shapes = Sequence[Shape]


def moved(layer: Layer, reads: Names, shapes: Shapes) -> Operator:
    """Return a layer of MOVING as operators; shapes: of the samples that it reads, as tinyq's."""
    return MOVING[type(layer)](layer, reads, shapes)


def place(axis: int, rank: int) -> int:
    """Return where ONNX has an axis of a sample of so many axes: 1 for the last, which is C.

    >>> [place(axis, 3) for axis in range(3)]
    [2, 3, 1]
    """
    return 1 if axis == rank - 1 else axis + 2


def order(rank: int) -> list[int]:
    """Return which of a sample's axes ONNX has in the places 1, 2, ...

    >>> order(3)
    [2, 0, 1]
    """
    return [rank - 1, *range(rank - 1)]


def channels_last(read: Operand, rank: int) -> Operand:
    """Return (N, C, ...) as (N, ..., C)."""
    perm = [0, *(place(axis, rank) for axis in range(rank))]
    return read if rank == 1 else Operator("Transpose", [read], {"perm": perm})


def rows_of(read: Operand, shape: Shape) -> Operand:
    """Return (N, C, ...) as the rows (M, C) that a Gemm reads, N and the other axes in M."""
    sizes = np.array([-1, shape[-1]], np.int64)
    return Operator("Reshape", [channels_last(read, len(shape)), sizes])


def channels_second(flat: Operand, sizes: Shape) -> Operator:
    """Return codes that lie channels last as (N, C, ...); sizes: of all axes, 0 or -1 for N."""
    made = Operator("Reshape", [flat, np.array(sizes, np.int64)])
    if len(sizes) == 2:
        return made
    perm = [0, *(1 + axis for axis in order(len(sizes) - 1))]
    return Operator("Transpose", [made], {"perm": perm})


def _reshape(layer: layers.QReshape, reads: Names, shapes: Shapes) -> Operator:
    codes = channels_last(reads[0], len(shapes[0]))
    return channels_second(codes, (0, *layer.out_shape(shapes[0])))  # 0: as many as there are


def _transpose(layer: layers.QTranspose, reads: Names, shapes: Shapes) -> Operator:
    rank = len(layer.axes)
    perm = [place(layer.axes[axis], rank) for axis in order(rank)]
    return Operator("Transpose", [*reads], {"perm": [0, *perm]})


def _pad(layer: layers.QPad, reads: Names, shapes: Shapes) -> Operator:
    sides = [(0, 0), *(layer.pads[axis] for axis in order(len(layer.pads)))]
    widths = np.array(sides, np.int64).T.ravel()
    return Operator("Pad", [*reads, widths, np.int8(layer.in_grid.zero_point)])


def _concat(layer: layers.QConcat, reads: Names, shapes: Shapes) -> Operator:
    return Operator("Concat", [*reads], {"axis": place(layer.axis, len(shapes[0]))})


# What stands for each layer: functions of (layer, reads, shapes), for layers of the type.
MOVING: dict[type, Callable[..., Operator]] = {
    layers.QConcat: _concat,
    layers.QPad: _pad,
    layers.QReshape: _reshape,
    layers.QTranspose: _transpose,
}
