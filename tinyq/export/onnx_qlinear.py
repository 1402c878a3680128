"""The ONNX form "qlinear": each layer as operators on codes.

Where ONNX has none, they are ONNX Runtime's own.  A mean reads its images as NHWC: there ONNX
Runtime adds the pixels in an order that depends on the shape alone, not on where the tensor lies in
memory.
"""

from collections.abc import Sequence

import numpy as np

from tinyq.export.onnx_operator import (
    Operator,
    codes_of,
    dequantized,
    max_pool,
    oihw,
    pads,
    pair,
    quantized,
    window,
)
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
)
from tinyq.layers.contract import Layer, lookup
from tinyq.runtimes import QMean

Names = Sequence[str]


def qlinear(layer: Layer, reads: Names) -> Operator:
    """Return a layer as operators on codes.

    reads: names of the layer's inputs.  Raises TypeError for a layer that there is none for.
    """
    return lookup(OPERATORS, layer, "ONNX on codes")(layer, reads)


def _conv(layer: QConv2D, reads: Names) -> Operator:
    operands = [*reads, *codes_of(layer, oihw(layer.weight)), *pair(layer.out_grid)]
    return Operator("QLinearConv", [*operands, layer.bias], {"strides": layer.stride})


def _dense(layer: QDense, reads: Names) -> Operator:
    operands = [*reads, *codes_of(layer, layer.weight), layer.bias, *pair(layer.out_grid)]
    return Operator("QGemm", operands, {"transB": 1})


def _add(layer: QAdd, reads: Names) -> Operator:
    a, b = ([name, *pair(grid)] for name, grid in zip(reads, layer.in_grids, strict=True))
    return Operator("QLinearAdd", [*a, *b, *pair(layer.out_grid)])


def _avg_pool(layer: QAvgPool2D, reads: Names) -> Operator:
    operands = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
    return Operator("QLinearAveragePool", operands, window(layer))


def _global_pool(layer: QGlobalAvgPool2D, reads: Names) -> Operator:
    operands = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
    return Operator("Flatten", [Operator("QLinearGlobalAveragePool", operands)])


def _mean(layer: QMean, reads: Names) -> Operator:
    last = Operator("Transpose", [*reads], {"perm": (0, 2, 3, 1)})
    axes, keep = np.int64([1, 2]), {"keepdims": int(layer.keep_dims)}
    return quantized(Operator("ReduceMean", [dequantized(last, layer.in_grid), axes], keep), layer)


def _pad(layer: QPad2D, reads: Names) -> Operator:
    return Operator("Pad", [*reads, pads(layer), np.int8(layer.in_grid.zero_point)])


def _clamp(layer: QClamp, reads: Names) -> Operator:
    return Operator("Clip", [*reads, np.int8(layer.low), np.int8(layer.high)])


OPERATORS = {
    QAdd: _add,
    QAvgPool2D: _avg_pool,
    QClamp: _clamp,
    QConv2D: _conv,
    QConv2DPerChannel: _conv,
    QDense: _dense,
    QGlobalAvgPool2D: _global_pool,
    QMaxPool2D: max_pool,
    QMean: _mean,
    QPad2D: _pad,
}
