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
from tinyq.layers.functions import Function

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


def _between(layer: Layer, reads: Names) -> list[Operand]:
    """Return each tensor with its grid, then the output's grid: ONNX Runtime's usual order."""
    operands: list[Operand] = []
    for name, grid in zip(reads, layer.in_grids, strict=True):
        operands += [name, *pair(grid)]
    return [*operands, *pair(layer.out_grid)]


def _add(layer: layers.QAdd, reads: Names) -> Operator:
    return Operator("QLinearAdd", _between(layer, reads))


def _mul(layer: layers.QMul, reads: Names) -> Operator:
    return Operator("QLinearMul", _between(layer, reads))


def _avg_pool(layer: layers.QAvgPool2D | layers.QMeanPool2D, reads: Names) -> Operator:
    return Operator("QLinearAveragePool", _between(layer, reads), window(layer))


def _global_pool(layer: layers.QGlobalAvgPool2D, reads: Names) -> Operator:
    return Operator("Flatten", [Operator("QLinearGlobalAveragePool", _between(layer, reads))])


def _softmax(layer: layers.QSoftmax | layers.QSoftmaxToGrid, reads: Names) -> Operator:
    if isinstance(layer, layers.QSoftmax) and layer.beta != 1:
        raise ValueError(f"QSoftmax: ONNX's softmax has no beta, got {layer.beta}")
    # of opset 13, where axis is one axis; the channels are the second here
    return Operator("QLinearSoftmax", _between(layer, reads), {"axis": 1, "opset": 13})


def _table(layer: layers.QTable, reads: Names) -> Operator:
    if layer.function is Function.LOGISTIC:
        return Operator("QLinearSigmoid", _between(layer, reads))
    if layer.function is Function.LEAKY_RELU:
        return Operator("QLinearLeakyRelu", _between(layer, reads), {"alpha": layer.alpha})
    name = layer.function.name if layer.function else "no function"
    raise ValueError(f"QTable: ONNX on codes has LOGISTIC and LEAKY_RELU, got {name}")


def _rescale(layer: layers.QRescale, reads: Names) -> Operator:
    return quantized(dequantized(reads[0], layer.in_grid), layer)


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
    layers.QMeanPool2D: _avg_pool,
    layers.QMul: _mul,
    layers.QPad2D: _pad,
    layers.QRescale: _rescale,
    layers.QSoftmax: _softmax,
    layers.QSoftmaxToGrid: _softmax,
    layers.QTable: _table,
    **MOVING,
}
