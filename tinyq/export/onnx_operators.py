"""The ONNX operators of each layer as plain expressions: on codes, or on dequantized numbers.

Images are NCHW inside the model.  A mean reads them as NHWC: there ONNX Runtime adds the pixels in
an order that depends on the shape alone, not on where the tensor lies in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu,
)
from tinyq.layers.kinds import in_grids
from tinyq.layers.linear import Linear
from tinyq.runtimes import QMean

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
Operand = Union[str, NDArray, "Operator"]


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator of what it reads: names of tensors, constants, or other operators."""

    code: str
    operands: Sequence[Operand]
    attributes: Mapping[str, object] = field(default_factory=dict)


def qlinear(layer: object, reads: Sequence[str]) -> Operator:
    """Return a layer as operators on codes; those that ONNX lacks are ONNX Runtime's own.

    reads: names of the layer's inputs.  Raises TypeError for a layer that there is none for.
    """
    match layer:
        case QConv2D():
            operands = [*reads, *codes_of(layer, oihw(layer.weight)), *pair(layer.out_grid)]
            return Operator("QLinearConv", [*operands, layer.bias], {"strides": layer.stride})
        case QDense():
            operands = [*reads, *codes_of(layer, layer.weight), layer.bias, *pair(layer.out_grid)]
            return Operator("QGemm", operands, {"transB": 1})
        case QAdd():
            a, b = ([name, *pair(grid)] for name, grid in zip(reads, layer.in_grids, strict=True))
            return Operator("QLinearAdd", [*a, *b, *pair(layer.out_grid)])
        case QAvgPool2D():
            operands = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
            return Operator("QLinearAveragePool", operands, window(layer))
        case QGlobalAvgPool2D():
            operands = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
            return Operator("Flatten", [Operator("QLinearGlobalAveragePool", operands)])
        case QMean():
            return mean(layer, reads)
        case QMaxPool2D():
            return Operator("MaxPool", [*reads], window(layer))
        case QPad2D():
            return Operator("Pad", [*reads, pads(layer), np.int8(layer.in_grid.zero_point)])
        case QClamp():
            return Operator("Clip", [*reads, np.int8(layer.low), np.int8(layer.high)])
        case _:
            raise TypeError(f"no ONNX operator for {type(layer).__name__}")


def qdq(layer: object, reads: Sequence[str]) -> Operator:
    """Return a layer as an operator on real numbers between DequantizeLinear and QuantizeLinear.

    reads: names of the layer's inputs.  Raises TypeError for a layer that there is none for.
    """
    real = [dequantized(name, grid) for name, grid in zip(reads, in_grids(layer), strict=True)]
    match layer:
        case QConv2D():
            real += reals_of(layer, oihw(layer.weight))
            made = Operator("Conv", real, {"strides": layer.stride})
        case QDense():
            made = Operator("Gemm", real + reals_of(layer, layer.weight), {"transB": 1})
        case QAdd():
            made = Operator("Add", real)
        case QAvgPool2D():
            made = Operator("AveragePool", real, window(layer))
        case QGlobalAvgPool2D():
            mean = Operator("GlobalAveragePool", real)
            return Operator("Flatten", [Operator(QUANTIZE, [mean, *pair(layer.out_grid)])])
        case QMaxPool2D():
            made = Operator("MaxPool", real, window(layer))
        case QPad2D():
            made = Operator("Pad", [*real, pads(layer), np.float32(0)])
        case QClamp() if layer == qrelu(layer.in_grid):
            made = Operator("Relu", real)
        case QClamp():
            ends = layer.in_grid.dequantize(np.int8([layer.low, layer.high]))
            made = Operator("Clip", [*real, *ends])
        case _:
            raise TypeError(f"no ONNX operator for {type(layer).__name__}")
    return Operator(QUANTIZE, [made, *pair(layer.out_grid)])


def mean(layer: QMean, reads: Sequence[str]) -> Operator:
    """Return a mean on real numbers, to a grid of its own."""
    last = Operator("Transpose", [*reads], {"perm": (0, 2, 3, 1)})
    axes, keep = np.int64([1, 2]), {"keepdims": int(layer.keep_dims)}
    made = Operator("ReduceMean", [dequantized(last, layer.in_grid), axes], keep)
    return Operator(QUANTIZE, [made, *pair(layer.out_grid)])


def pair(grid: Grid) -> list[NDArray]:
    """Return the constants scale and zero_point of a grid."""
    return [np.float32(grid.scale), np.int8(grid.zero_point)]


def dequantized(codes: Operand, grid: Grid) -> Operator:
    """Return codes on a grid as real numbers."""
    return Operator(DEQUANTIZE, [codes, *pair(grid)])


def codes_of(layer: Linear, weight: NDArray[np.int8]) -> list[NDArray]:
    """Return the constants that follow the input of a layer with weights, up to its zero_points."""
    scales = a_number_if_one(layer.weight_scale)
    return [*pair(layer.in_grid), weight, scales, np.zeros(scales.shape, np.int8)]


def reals_of(layer: Linear, weight: NDArray[np.int8]) -> list[Operator]:
    """Return weight and bias of a layer as real numbers; the bias has the accumulator's scale."""
    scales = a_number_if_one(layer.weight_scale)
    bias_scales = np.float32(layer.in_grid.scale) * scales
    return [
        Operator(DEQUANTIZE, [weight, scales, np.zeros(scales.shape, np.int8)], {"axis": 0}),
        Operator(DEQUANTIZE, [layer.bias, bias_scales], {"axis": 0}),
    ]


def a_number_if_one(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scales, without an axis where one stands for the whole tensor."""
    return scales.reshape(()) if len(scales) == 1 else scales


def oihw(weight: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return a weight OHWI in ONNX's order."""
    return np.ascontiguousarray(weight.transpose(0, 3, 1, 2))


def pads(layer: QPad2D) -> NDArray[np.int64]:
    """Return the pads of all axes at their start, then at their end."""
    top, bottom, left, right = layer.pads
    return np.int64([0, 0, top, left, 0, 0, bottom, right])


def window(layer: QAvgPool2D | QMaxPool2D) -> dict:
    """Return the attributes of a pool."""
    attributes = {"kernel_shape": layer.kernel, "strides": layer.stride}
    if isinstance(layer, QMaxPool2D) and any(layer.pads):
        top, bottom, left, right = layer.pads
        attributes["pads"] = (top, left, bottom, right)
    return attributes
