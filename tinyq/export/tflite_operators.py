"""The operators that TFLite has for each layer, as plain data: names, constants, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinyq.export.tflite_steps import Shape, Step, is_relu, output_shape, same_pads
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu6,
)
from tinyq.layers.linear import Linear
from tinyq.runtimes import QMean

SAME, VALID = 0, 1  # of the schema's Padding; in its ActivationFunctionType NONE is 0, RELU 1
# Output steps by which TFLite lets a dense layer's bias scale differ from s_in * s_w.
BIAS_SCALE_ERROR = 0.02


@dataclass(frozen=True)
class Constant:
    """An int8 or int32 tensor stored in the model; scales, zero_point: of its grid, if any."""

    name: str
    values: NDArray
    scales: Sequence[float] = ()
    zero_point: int = 0


@dataclass(frozen=True)
class Operator:
    """One operator.

    code: its name in schema.BuiltinOperator; shape: of the tensor that it makes; constants: read
    after its inputs; options: name of its table in the schema, None for none; fields: of the table.
    """

    code: str
    shape: Shape
    constants: tuple[Constant, ...] = ()
    options: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)


def operators(step: Step, *shapes: Shape) -> list[Operator]:
    """Return the operators of a step, each but the first of what the one before it makes.

    shapes: (N, ...) of its inputs, inside the model.
    Raises ValueError for a clamp and TypeError for a layer that TFLite has no operator for.
    """
    layer, made = step.layer, made_shape(step, shapes)
    activation = {"fusedActivationFunction": int(step.relu)}
    match layer:
        case QConv2D():
            fields = window(shapes[0], layer.stride, step.same) | activation
            return [Operator("CONV_2D", made, linear(layer), "Conv2DOptions", fields)]
        case QDense():
            parts = dense(layer), "FullyConnectedOptions", activation
            return [Operator("FULLY_CONNECTED", made, *parts)]
        case QAdd():
            return [Operator("ADD", made, (), "AddOptions", activation)]
        case QMaxPool2D():
            return max_pool(step, shapes[0], made)
        case QAvgPool2D():
            return [pool("AVERAGE_POOL_2D", shapes[0], made, layer)]
        case QGlobalAvgPool2D():
            return global_pool(step, shapes[0])
        case QMean():
            axes, keep = (Constant("axes", np.int32([1, 2])),), {"keepDims": layer.keep_dims}
            return [Operator("MEAN", made, axes, "ReducerOptions", keep)]
        case QPad2D():
            return [Operator("PAD", made, (pads(layer.pads),), "PadOptions")]
        case QClamp():
            return [Operator(clamp_code(layer), made)]
        case _:
            raise TypeError(f"no TFLite operator for {type(layer).__name__}")


def made_shape(step: Step, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of the tensor that a step makes inside the model."""
    layer, first = step.layer, shapes[0]
    if isinstance(layer, QGlobalAvgPool2D):
        return (first[0], first[3]) if step.flat else (first[0], 1, 1, first[3])
    if isinstance(layer, QDense):
        return first[0], len(layer.bias)
    if step.same and isinstance(layer, QConv2D):
        first = padded(first, same_pads(layer, first))
    return output_shape(layer, first, *shapes[1:])


def max_pool(step: Step, shape: Shape, made: Shape) -> list[Operator]:
    """Return a max pool, after it is padded with the least code where SAME does not do that."""
    layer, before = step.layer, []
    if any(layer.pads) and not step.same:
        grid = layer.in_grid
        least = Constant("least", np.int8([grid.qmin]), [grid.scale], grid.zero_point)
        around = padded(shape, layer.pads)
        before = [Operator("PADV2", around, (pads(layer.pads), least), "PadV2Options")]
        shape = around
    return [*before, pool("MAX_POOL_2D", shape, made, layer, step.same)]


def global_pool(step: Step, shape: Shape) -> list[Operator]:
    """Return an average pool with a window as large as the image, and what flattens it."""
    pixel = (shape[0], 1, 1, shape[3])
    mean = pool("AVERAGE_POOL_2D", shape, pixel, QAvgPool2D(step.layer.in_grid, shape[1:3], (1, 1)))
    if not step.flat:
        return [mean]
    flat = (shape[0], shape[3])
    constants, fields = (Constant("shape", np.int32(flat)),), {"newShape": list(flat)}
    return [mean, Operator("RESHAPE", flat, constants, "ReshapeOptions", fields)]


def padded(shape: Shape, around: Sequence[int]) -> Shape:
    """Return (N, H, W, C) with pads (top, bottom, left, right)."""
    top, bottom, left, right = around
    return shape[0], top + shape[1] + bottom, left + shape[2] + right, shape[3]


def pads(around: Sequence[int]) -> Constant:
    """Return the paddings that PAD and PADV2 read."""
    top, bottom, left, right = around
    return Constant("pads", np.int32([[0, 0], [top, bottom], [left, right], [0, 0]]))


def clamp_code(layer: QClamp) -> str:
    """Return RELU or RELU6: whichever clamps as layer does.  Raises ValueError for neither."""
    if is_relu(layer):
        return "RELU"
    if layer == qrelu6(layer.in_grid):
        return "RELU6"
    raise ValueError(f"no TFLite operator clamps to {layer.low}..{layer.high}")


def linear(layer: Linear) -> tuple[Constant, Constant]:
    """Return weight and bias as constants with their scales."""
    bias_scales = np.float32(layer.in_grid.scale) * layer.weight_scale
    weight = Constant("weight", layer.weight, layer.weight_scale)
    return weight, Constant("bias", layer.bias, bias_scales)


def bias_scale_error(layer: QDense) -> float:
    """Return how far float32 rounds the scale of the bias, in steps of the layer's out_grid."""
    exact = np.float64(layer.in_grid.scale) * np.float64(layer.weight_scale)
    return float(np.abs(exact - np.float32(exact)).max() / layer.out_grid.scale)


def dense(layer: QDense) -> tuple[Constant, Constant]:
    """Return weight and bias as constants.  Raises ValueError for a bias scale too far off."""
    error = bias_scale_error(layer)
    if error > BIAS_SCALE_ERROR:
        raise ValueError(
            f"float32 may round the bias scale by {BIAS_SCALE_ERROR} output steps, got "
            f"{error:.3g}: the output's scale is too fine for TFLite"
        )
    return linear(layer)


def pool(
    code: str, shape: Shape, made: Shape, layer: QAvgPool2D | QMaxPool2D, same: bool = False
) -> Operator:
    """Return a pool without its pads; shape: of what it reads; made: of what it makes."""
    size = {"filterHeight": int(layer.kernel[0]), "filterWidth": int(layer.kernel[1])}
    return Operator(code, made, (), "Pool2DOptions", window(shape, layer.stride, same) | size)


def window(shape: Shape, stride: Shape, same: bool) -> dict[str, int]:
    """Return the fields that convolutions and pools share; shape: of what they read."""
    # a stride beyond the image is never taken; TFLite would compute with it in int32
    down, right = (min(int(s), size) for s, size in zip(stride, shape[1:3], strict=True))
    return {"padding": SAME if same else VALID, "strideH": down, "strideW": right}
