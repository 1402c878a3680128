"""One TFLite operator as plain data, and the parts of it that several layers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tinyq.export.tflite_steps import Step
from tinyq.layers import QAvgPool2D, QConv2D, QDepthwiseConv2D, QMaxPool2D
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.linear import Linear

SAME, VALID = 0, 1  # of the schema's Padding; in its ActivationFunctionType NONE is 0, RELU 1


@dataclass(frozen=True)
class Constant:
    """An int8 or int32 tensor stored in the model; scales, zero_point: of its grid, if any.

    axis: the one that scales are of, where there are several.
    """

    name: str
    values: NDArray[np.int8] | NDArray[np.int32]
    scales: Sequence[float] = ()
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True)
class Operator:
    """One operator.

    code: its name in schema.BuiltinOperator; shape: of the tensor that it makes; constants: what it
    reads after its inputs; options: the name of its table in the schema, None where it has none;
    fields: of that table.
    """

    code: str
    shape: Shape
    constants: tuple[Constant, ...] = ()
    options: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def pads(around: Sequence[int]) -> Constant:
    """Return the paddings that PAD and PADV2 read."""
    top, bottom, left, right = around
    return Constant("pads", np.array([[0, 0], [top, bottom], [left, right], [0, 0]], np.int32))


def linear(layer: Linear) -> tuple[Constant, Constant]:
    """Return weight and bias as constants with their scales."""
    bias_scales = np.float32(layer.in_grid.scale) * layer.weight_scale
    weight = Constant("weight", layer.weight, layer.weight_scale.tolist())
    if isinstance(layer, QDepthwiseConv2D):  # TFLite has the output channel last there
        last = np.ascontiguousarray(layer.weight.transpose(1, 2, 0))[None]
        weight = replace(weight, values=last, axis=3)
    return weight, Constant("bias", layer.bias, bias_scales.tolist())


def pool(
    code: str, shape: Shape, made: Shape, layer: QAvgPool2D | QMaxPool2D, same: bool = False
) -> Operator:
    """Return a pool without its pads; shape: of what it reads; made: of what it makes."""
    size = {"filterHeight": int(layer.kernel[0]), "filterWidth": int(layer.kernel[1])}
    return Operator(code, made, (), "Pool2DOptions", window(shape, layer.stride, same) | size)


def window(shape: Shape, stride: Sequence[int], same: bool) -> dict[str, int]:
    """Return the fields that convolutions and pools share; shape: of what they read."""
    # A stride beyond the image is never taken, but TFLite's int32 arithmetic would overflow on it.
    down, right = (min(int(s), size) for s, size in zip(stride, shape[1:3], strict=True))
    return {"padding": SAME if same else VALID, "strideH": down, "strideW": right}


def dilation(shape: Shape, layer: QConv2D | QDepthwiseConv2D) -> dict[str, int]:
    """Return the fields of a dilation; shape: of what the convolution reads."""
    # that of a kernel of one pixel is never taken, and may be beyond int32
    down, right = (min(int(d), size) for d, size in zip(layer.dilation, shape[1:3], strict=True))
    return {"dilationHFactor": down, "dilationWFactor": right}


def activation(step: Step[Layer]) -> dict[str, int]:
    """Return the field that says whether a step took over a ReLU."""
    return {"fusedActivationFunction": int(step.relu)}
