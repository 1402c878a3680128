"""ONNX operators as plain expressions, and the constants that layers give them.

Images are NCHW inside the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QAvgPool2D, QMaxPool2D, QPad2D
from tinyq.layers.contract import Layer
from tinyq.layers.linear import Linear

QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"
Operand = Union[str, NDArray, "Operator"]


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator of what it reads: names of tensors, constants, or other operators."""

    code: str
    operands: Sequence[Operand]
    attributes: Mapping[str, object] = field(default_factory=dict)


def pair(grid: Grid) -> list[NDArray]:
    """Return the constants scale and zero_point of a grid."""
    return [np.float32(grid.scale), np.int8(grid.zero_point)]


def dequantized(codes: Operand, grid: Grid) -> Operator:
    """Return codes on a grid as real numbers."""
    return Operator(DEQUANTIZE, [codes, *pair(grid)])


def quantized(real: Operator, layer: Layer) -> Operator:
    """Return real numbers as codes on the grid of a layer's output."""
    return Operator(QUANTIZE, [real, *pair(layer.out_grid)])


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


def window(layer: QAvgPool2D | QMaxPool2D) -> dict[str, tuple[int, int]]:
    """Return the kernel and the stride of a pool as attributes."""
    return {"kernel_shape": layer.kernel, "strides": layer.stride}


def max_pool(layer: QMaxPool2D, reads: Sequence[Operand]) -> Operator:
    """Return a max pool, of codes or of real numbers."""
    top, bottom, left, right = layer.pads
    around = {"pads": (top, left, bottom, right)} if any(layer.pads) else {}
    return Operator("MaxPool", reads, window(layer) | around)
