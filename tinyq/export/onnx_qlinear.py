"""The ONNX form "qlinear": each layer as operators on codes.

Where ONNX has none, they are ONNX Runtime's own.  A mean reads its images as NHWC: in that layout
ONNX Runtime adds the pixels in an order that depends on the shape alone.  In NCHW the order, and
with it the float32 sum, also depends on where the tensor lies in memory.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tinyq import layers
from tinyq.export.onnx_operator import (
    Operand,
    Operator,
    codes_of,
    dequantized,
    max_pool,
    moves,
    oihw,
    pads,
    pair,
    quantized,
    window,
)
from tinyq.export.onnx_shapes import MOVING, channels_second, moved, rows_of
from tinyq.layers.contract import Layer, Shape, lookup

Names = Sequence[Operand]


def qlinear(layer: Layer, reads: Names, shapes: Sequence[Shape] = ()) -> Operator:
    """Return a layer as operators on codes.

    reads: names of its inputs; shapes: of one sample of each, as tinyq has it; only the
    layers that take any rank ask for them.
    Raises TypeError for a layer that has no such operators.
    """
    operator = lookup(OPERATORS, layer, "ONNX on codes")
    if type(layer) in MOVING:
        return moved(layer, reads, shapes)
    if isinstance(layer, layers.QDense) and len(shapes) and len(shapes[0]) > 1:
        made = operator(layer, [rows_of(reads[0], shapes[0])])
        return channels_second(made, (-1, *layer.out_shape(shapes[0])))
    return operator(layer, reads)


def _conv(layer: layers.QConv2D | layers.QDepthwiseConv2D, reads: Names) -> Operator:
    weight = codes_of(layer, oihw(layer.weight))
    operands: list[Operand] = [*reads, *weight, *pair(layer.out_grid), layer.bias]
    return Operator("QLinearConv", operands, moves(layer))


def _dense(layer: layers.QDense, reads: Names) -> Operator:
    weight = codes_of(layer, layer.weight)
    operands: list[Operand] = [*reads, *weight, layer.bias, *pair(layer.out_grid)]
    return Operator("QGemm", operands, {"transB": 1})


def _add(layer: layers.QAdd, reads: Names) -> Operator:
    operands: list[Operand] = []
    for name, grid in zip(reads, layer.in_grids, strict=True):
        operands += [name, *pair(grid)]
    return Operator("QLinearAdd", [*operands, *pair(layer.out_grid)])


def _avg_pool(layer: layers.QAvgPool2D, reads: Names) -> Operator:
    operands: list[Operand] = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
    return Operator("QLinearAveragePool", operands, window(layer))


def _global_pool(layer: layers.QGlobalAvgPool2D, reads: Names) -> Operator:
    operands: list[Operand] = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
    return Operator("Flatten", [Operator("QLinearGlobalAveragePool", operands)])


def _mean(layer: layers.QMean, reads: Names) -> Operator:
    if set(layer.axes) != {0, 1}:
        raise ValueError(f"a mean is written over height and width, got axes {layer.axes}")
    last = Operator("Transpose", [*reads], {"perm": (0, 2, 3, 1)})
    axes, keep = np.array([1, 2], np.int64), {"keepdims": int(layer.keep_dims)}
    return quantized(Operator("ReduceMean", [dequantized(last, layer.in_grid), axes], keep), layer)


def _pad(layer: layers.QPad2D, reads: Names) -> Operator:
    return Operator("Pad", [*reads, pads(layer), np.int8(layer.in_grid.zero_point)])


def _clamp(layer: layers.QClamp, reads: Names) -> Operator:
    return Operator("Clip", [*reads, np.int8(layer.low), np.int8(layer.high)])


# What stands for each layer: functions of (layer, reads), for layers of the type.
OPERATORS: dict[type, Callable[..., Operator]] = {
    layers.QAdd: _add,
    layers.QAvgPool2D: _avg_pool,
    layers.QClamp: _clamp,
    layers.QConv2D: _conv,
    layers.QConv2DPerChannel: _conv,
    layers.QDense: _dense,
    layers.QDepthwiseConv2D: _conv,
    layers.QGlobalAvgPool2D: _global_pool,
    layers.QMaxPool2D: max_pool,
    layers.QMean: _mean,
    layers.QPad2D: _pad,
    **MOVING,
}
