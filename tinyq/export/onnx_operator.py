"""ONNX operators as plain expressions, and the constants that layers give them.

Inside the model images are NCHW, as ONNX's operators take them; tinyq's are NHWC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import (
    QAvgPool2D,
    QConv2D,
    QDepthwiseConv2D,
    QMaxPool2D,
    QMeanPool2D,
    QPad2D,
)
from tinyq.layers.checks import Number
from tinyq.layers.contract import Layer
from tinyq.layers.linear import Linear

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
Operand = Union[str, NDArray[Any], np.generic, "Operator"]
Attributes = dict[str, object]


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator and what it reads: names of tensors, constants, or what other operators make."""

    code: str
    operands: Sequence[Operand]
    attributes: Mapping[str, object] = field(default_factory=dict)


def pair(grid: Grid) -> tuple[np.float32, np.int8]:
    """Return the constants scale and zero_point of a grid."""
    return np.float32(grid.scale), np.int8(grid.zero_point)


def dequantized(codes: Operand, grid: Grid) -> Operator:
    """Return codes on a grid as real numbers."""
    return Operator(DEQUANTIZE, [codes, *pair(grid)])


def quantized(real: Operator, layer: Layer) -> Operator:
    """Return real numbers as codes on the grid of a layer's output."""
    return Operator(QUANTIZE, [real, *pair(layer.out_grid)])


def codes_of(layer: Linear, weight: NDArray[np.int8]) -> list[Operand]:
    """Return the constants behind the input of a layer with weights: its grid, and the weight's.

    weight: the layer's, in the order that the operator takes.
    """
    scales = a_number_if_one(layer.weight_scale)
    return [*pair(layer.in_grid), weight, scales, np.zeros(scales.shape, np.int8)]


def reals_of(layer: Linear, weight: NDArray[np.int8]) -> list[Operator]:
    """Return weight and bias of a layer as real numbers; the bias has the accumulator's scale.

    weight: the layer's, in the order that the operator takes.
    """
    scales = a_number_if_one(layer.weight_scale)
    bias_scales = np.float32(layer.in_grid.scale) * scales
    return [
        Operator(DEQUANTIZE, [weight, scales, np.zeros(scales.shape, np.int8)], {"axis": 0}),
        Operator(DEQUANTIZE, [layer.bias, bias_scales], {"axis": 0}),
    ]


def a_number_if_one(scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return scales, or one number where one scale serves the whole tensor."""
    return scales.reshape(()) if len(scales) == 1 else scales


def oihw(weight: NDArray[Number]) -> NDArray[Number]:
    """Return a convolution's weight in ONNX's order, (O, I, KH, KW); I is 1 where depthwise."""
    if weight.ndim == 3:
        return weight[:, None]
    return np.ascontiguousarray(weight.transpose(0, 3, 1, 2))


def moves(layer: QConv2D | QDepthwiseConv2D) -> Attributes:
    """Return stride, dilation and groups of a convolution as attributes, where they are not 1."""
    attributes: Attributes = {"strides": layer.stride}
    if any(step != 1 for step in layer.dilation):
        attributes["dilations"] = layer.dilation
    if isinstance(layer, QDepthwiseConv2D):
        attributes["group"] = layer.channels
    return attributes


def pads(layer: QPad2D) -> NDArray[np.int64]:
    """Return the pads at the start of the axes N, C, H, W, then those at their end."""
    top, bottom, left, right = layer.pads
    return np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)


def window(layer: QAvgPool2D | QMaxPool2D | QMeanPool2D) -> Attributes:
    """Return the kernel, the stride and the pads of a pool as attributes."""
    top, bottom, left, right = layer.pads
    around: Attributes = {"pads": (top, left, bottom, right)} if any(layer.pads) else {}
    return {"kernel_shape": layer.kernel, "strides": layer.stride} | around


def max_pool(layer: QMaxPool2D, reads: Sequence[Operand]) -> Operator:
    """Return a max pool, of codes or of real numbers."""
    return Operator("MaxPool", reads, window(layer))
