"""The operators that TFLite has for each layer, as plain data: names, constants, options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tinyq.export.tflite_steps import Step, is_relu, same_pads
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
    qrelu6,
)
from tinyq.layers.checks import padded_shape
from tinyq.layers.contract import Shape, lookup
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
    return lookup(OPERATORS, step.layer, "TFLite")(step, *shapes)


def conv(step: Step, shape: Shape) -> list[Operator]:
    """Return a convolution, with the SAME padding and the ReLU that the step took over."""
    layer, count = step.layer, shape[0]
    image = padded_shape(shape[1:], same_pads(layer, shape)) if step.same else shape[1:]
    fields = window(shape, layer.stride, step.same) | activation(step)
    made = (count, *layer.out_shape(image))
    return [Operator("CONV_2D", made, linear(layer), "Conv2DOptions", fields)]


def dense(step: Step, shape: Shape) -> list[Operator]:
    """Return a dense layer.  Raises ValueError for a bias scale too far off."""
    layer, error = step.layer, bias_scale_error(step.layer)
    if error > BIAS_SCALE_ERROR:
        raise ValueError(
            f"float32 may round the bias scale by {BIAS_SCALE_ERROR} output steps, got "
            f"{error:.3g}: the output's scale is too fine for TFLite"
        )
    # what it reads may be (N, 1, 1, C): TFLite takes that as rows
    options = "FullyConnectedOptions", activation(step)
    return [Operator("FULLY_CONNECTED", (shape[0], len(layer.bias)), linear(layer), *options)]


def add(step: Step, shape: Shape, other: Shape) -> list[Operator]:
    """Return an add of two tensors of one shape."""
    return [Operator("ADD", shape, (), "AddOptions", activation(step))]


def max_pool(step: Step, shape: Shape) -> list[Operator]:
    """Return a max pool, after it is padded with the least code where SAME does not do that."""
    layer, count = step.layer, shape[0]
    made, before = (count, *layer.out_shape(shape[1:])), []
    if any(layer.pads) and not step.same:
        grid = layer.in_grid
        least = Constant("least", np.int8([grid.qmin]), [grid.scale], grid.zero_point)
        shape = (count, *padded_shape(shape[1:], layer.pads))
        before = [Operator("PADV2", shape, (pads(layer.pads), least), "PadV2Options")]
    return [*before, pool("MAX_POOL_2D", shape, made, layer, step.same)]


def avg_pool(step: Step, shape: Shape) -> list[Operator]:
    """Return an average pool."""
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    return [pool("AVERAGE_POOL_2D", shape, made, step.layer)]


def global_pool(step: Step, shape: Shape) -> list[Operator]:
    """Return an average pool with a window as large as the image, and what flattens it."""
    pixel = (shape[0], 1, 1, shape[3])
    mean = pool("AVERAGE_POOL_2D", shape, pixel, QAvgPool2D(step.layer.in_grid, shape[1:3], (1, 1)))
    if not step.flat:
        return [mean]
    flat = (shape[0], shape[3])
    constants, fields = (Constant("shape", np.int32(flat)),), {"newShape": list(flat)}
    return [mean, Operator("RESHAPE", flat, constants, "ReshapeOptions", fields)]


def mean(step: Step, shape: Shape) -> list[Operator]:
    """Return a mean over height and width."""
    axes, keep = (Constant("axes", np.int32([1, 2])),), {"keepDims": step.layer.keep_dims}
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    return [Operator("MEAN", made, axes, "ReducerOptions", keep)]


def pad(step: Step, shape: Shape) -> list[Operator]:
    """Return a pad with the zero_point."""
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    return [Operator("PAD", made, (pads(step.layer.pads),), "PadOptions")]


def clamp(step: Step, shape: Shape) -> list[Operator]:
    """Return RELU or RELU6, whichever clamps as the layer does.  Raises ValueError for neither."""
    layer = step.layer
    if is_relu(layer):
        return [Operator("RELU", shape)]
    if layer == qrelu6(layer.in_grid):
        return [Operator("RELU6", shape)]
    raise ValueError(f"no TFLite operator clamps to {layer.low}..{layer.high}")


def pads(around: Sequence[int]) -> Constant:
    """Return the paddings that PAD and PADV2 read."""
    top, bottom, left, right = around
    return Constant("pads", np.int32([[0, 0], [top, bottom], [left, right], [0, 0]]))


def linear(layer: Linear) -> tuple[Constant, Constant]:
    """Return weight and bias as constants with their scales."""
    bias_scales = np.float32(layer.in_grid.scale) * layer.weight_scale
    weight = Constant("weight", layer.weight, layer.weight_scale)
    return weight, Constant("bias", layer.bias, bias_scales)


def bias_scale_error(layer: QDense) -> float:
    """Return how far float32 rounds the scale of the bias, in steps of the layer's out_grid."""
    exact = np.float64(layer.in_grid.scale) * np.float64(layer.weight_scale)
    return float(np.abs(exact - np.float32(exact)).max() / layer.out_grid.scale)


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


def activation(step: Step) -> dict[str, int]:
    """Return the field of the ReLU that a step took over."""
    return {"fusedActivationFunction": int(step.relu)}


OPERATORS = {
    QAdd: add,
    QAvgPool2D: avg_pool,
    QClamp: clamp,
    QConv2D: conv,
    QConv2DPerChannel: conv,
    QDense: dense,
    QGlobalAvgPool2D: global_pool,
    QMaxPool2D: max_pool,
    QMean: mean,
    QPad2D: pad,
}
