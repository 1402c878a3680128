"""The ONNX form "qdq": each layer on real numbers, between DequantizeLinear and QuantizeLinear."""

from collections.abc import Callable, Sequence

import numpy as np

from tinyq import layers
from tinyq.export.onnx_operator import (
    Operand,
    Operator,
    dequantized,
    max_pool,
    moves,
    oihw,
    pads,
    quantized,
    reals_of,
    window,
)
from tinyq.export.onnx_shapes import MOVING, channels_second, moved, rows_of
from tinyq.layers.contract import Layer, Shape, lookup

Reals = Sequence[Operator]


def qdq(layer: Layer, reads: Sequence[Operand], shapes: Sequence[Shape] = ()) -> Operator:
    """Return a layer as an operator on real numbers between DequantizeLinear and QuantizeLinear.

    reads: names of its inputs; shapes: of one sample of each, as tinyq has it; only the
    layers that take any rank ask for them, and those stay on codes.
    Raises TypeError for a layer that has no such operator.
    """
    operator = lookup(OPERATORS, layer, "ONNX on real numbers")
    if type(layer) in MOVING:
        return moved(layer, reads, shapes)
    if isinstance(layer, layers.QDense) and len(shapes) and len(shapes[0]) > 1:
        made = qdq(layer, [rows_of(reads[0], shapes[0])])
        return channels_second(made, (-1, *layer.out_shape(shapes[0])))
    reals = [dequantized(name, grid) for name, grid in zip(reads, layer.in_grids, strict=True)]
    if type(layer) is layers.QGlobalAvgPool2D:  # the codes are flattened, not the real numbers
        return Operator("Flatten", [quantized(operator(layer, reals), layer)])
    return quantized(operator(layer, reals), layer)


def _conv(layer: layers.QConv2D | layers.QDepthwiseConv2D, reals: Reals) -> Operator:
    operands: list[Operand] = [*reals, *reals_of(layer, oihw(layer.weight))]
    return Operator("Conv", operands, moves(layer))


def _dense(layer: layers.QDense, reals: Reals) -> Operator:
    return Operator("Gemm", [*reals, *reals_of(layer, layer.weight)], {"transB": 1})


def _add(layer: layers.QAdd, reals: Reals) -> Operator:
    return Operator("Add", reals)


def _avg_pool(layer: layers.QAvgPool2D, reals: Reals) -> Operator:
    return Operator("AveragePool", reals, window(layer))


def _global_pool(layer: layers.QGlobalAvgPool2D, reals: Reals) -> Operator:
    return Operator("GlobalAveragePool", reals)


def _pad(layer: layers.QPad2D, reals: Reals) -> Operator:
    return Operator("Pad", [*reals, pads(layer), np.float32(0)])


def _clamp(layer: layers.QClamp, reals: Reals) -> Operator:
    if layer == layers.qrelu(layer.in_grid):
        return Operator("Relu", reals)
    ends = layer.in_grid.dequantize(np.array([layer.low, layer.high], np.int8))
    return Operator("Clip", [*reals, *ends])


# What stands for each layer: functions of (layer, reals), for layers of the type.
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
    layers.QPad2D: _pad,
    **MOVING,
}
