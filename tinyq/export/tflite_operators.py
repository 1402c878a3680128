"""The operators that TFLite has for each layer."""

from collections.abc import Callable

import numpy as np

from tinyq import layers
from tinyq.export import tflite_elementwise as elementwise
from tinyq.export.tflite_operator import (
    Constant,
    Operator,
    activation,
    dilation,
    linear,
    pads,
    pool,
    window,
)
from tinyq.export.tflite_steps import Step, is_relu, same_pads
from tinyq.layers.checks import padded_shape
from tinyq.layers.contract import Layer, Shape, lookup

# Output steps by which TFLite lets a dense layer's bias scale differ from s_in * s_w.
BIAS_SCALE_ERROR = 0.02
MOST_AXES = 5  # of TRANSPOSE in TFLite Micro, of PAD everywhere; found by trial


def operators(step: Step[Layer], *shapes: Shape) -> list[Operator]:
    """Return the operators of a step, each but the first reading what the one before it makes.

    shapes: (N, ...) of its inputs, inside the model.
    Raises ValueError for a clamp and TypeError for a layer that TFLite has no operator for.
    """
    return lookup(OPERATORS, step.layer, "TFLite")(step, *shapes)


def conv(step: Step[layers.QConv2D], shape: Shape) -> list[Operator]:
    """Return a convolution, with the SAME padding and the ReLU that the step took over."""
    layer, count = step.layer, shape[0]
    image = padded_shape(shape[1:], same_pads(layer, shape)) if step.same else shape[1:]
    fields = window(shape, layer.stride, step.same) | dilation(shape, layer) | activation(step)
    made = (count, *layer.out_shape(image))
    return [Operator("CONV_2D", made, linear(layer), "Conv2DOptions", fields)]


def depthwise(step: Step[layers.QDepthwiseConv2D], shape: Shape) -> list[Operator]:
    """Return a depthwise convolution, with the SAME padding and the ReLU that it took over."""
    layer, count = step.layer, shape[0]
    image = padded_shape(shape[1:], same_pads(layer, shape)) if step.same else shape[1:]
    fields = window(shape, layer.stride, step.same) | dilation(shape, layer) | activation(step)
    fields |= {"depthMultiplier": int(layer.depth_multiplier)}
    made, options = (count, *layer.out_shape(image)), "DepthwiseConv2DOptions"
    return [Operator("DEPTHWISE_CONV_2D", made, linear(layer), options, fields)]


def dense(step: Step[layers.QDense], shape: Shape) -> list[Operator]:
    """Return a dense layer.  Raises ValueError where float32 rounds its bias scale too far."""
    layer, error = step.layer, bias_scale_error(step.layer)
    if error > BIAS_SCALE_ERROR:
        raise ValueError(
            f"float32 may round the bias scale by {BIAS_SCALE_ERROR} output steps, got "
            f"{error:.3g}: the output's scale is too fine for TFLite"
        )
    # what it reads may be a mean (N, 1, 1, C): TFLite takes that as rows
    before = shape[:1] if step.row else shape[:-1]
    keep = {"keepNumDims": True} if len(before) > 1 else {}
    options = "FullyConnectedOptions", activation(step) | keep
    return [Operator("FULLY_CONNECTED", (*before, len(layer.bias)), linear(layer), *options)]


def max_pool(step: Step[layers.QMaxPool2D], shape: Shape) -> list[Operator]:
    """Return a max pool, and before it a pad with the least code unless SAME does that."""
    layer, count = step.layer, shape[0]
    made = (count, *layer.out_shape(shape[1:]))
    before: list[Operator] = []
    if any(layer.pads) and not step.same:
        grid = layer.in_grid
        least = Constant("least", np.array([grid.qmin], np.int8), [grid.scale], grid.zero_point)
        shape = (count, *padded_shape(shape[1:], layer.pads))
        before = [Operator("PADV2", shape, (pads(layer.pads), least), "PadV2Options")]
    return [*before, pool("MAX_POOL_2D", shape, made, layer, step.same)]


def avg_pool(step: Step[layers.QAvgPool2D], shape: Shape) -> list[Operator]:
    """Return an average pool.  Raises ValueError for pads that are not SAME: it has no others."""
    layer, same = step.layer, same_pads(step.layer, shape)
    if any(layer.pads) and layer.pads != same:
        raise ValueError(f"TFLite's average pool has the pads of SAME, {same}, got {layer.pads}")
    made = (shape[0], *layer.out_shape(shape[1:]))
    return [pool("AVERAGE_POOL_2D", shape, made, layer, same=any(layer.pads))]


def global_pool(step: Step[layers.QGlobalAvgPool2D], shape: Shape) -> list[Operator]:
    """Return an average pool with a window as large as the image, and a RESHAPE if it is flat."""
    whole = layers.QAvgPool2D(step.layer.in_grid, (shape[1], shape[2]), (1, 1))
    pixel = (shape[0], 1, 1, shape[3])
    mean = pool("AVERAGE_POOL_2D", shape, pixel, whole)
    if not step.flat:
        return [mean]
    return [mean, reshaped((shape[0], shape[3]))]


def reshape(step: Step[layers.QReshape], shape: Shape) -> list[Operator]:
    """Return a reshape."""
    return [reshaped((shape[0], *step.layer.out_shape(shape[1:])))]


def reshaped(made: Shape) -> Operator:
    """Return the RESHAPE to a shape, with N."""
    constants, fields = (Constant("shape", np.array(made, np.int32)),), {"newShape": list(made)}
    return Operator("RESHAPE", made, constants, "ReshapeOptions", fields)


def transpose(step: Step[layers.QTranspose], shape: Shape) -> list[Operator]:
    """Return a transpose that leaves the batch where it is."""
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    check_axes_of(made)
    order = np.array([0, *(1 + axis for axis in step.layer.axes)], np.int32)
    return [Operator("TRANSPOSE", made, (Constant("axes", order),), "TransposeOptions")]


def pad_any(step: Step[layers.QPad], shape: Shape) -> list[Operator]:
    """Return a pad with the zero_point on any axis but the batch's."""
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    check_axes_of(made)
    around = Constant("pads", np.array([(0, 0), *step.layer.pads], np.int32))
    return [Operator("PAD", made, (around,), "PadOptions")]


def concat(step: Step[layers.QConcat], *shapes: Shape) -> list[Operator]:
    """Return a concatenation."""
    made = (shapes[0][0], *step.layer.out_shape(*(shape[1:] for shape in shapes)))
    check_axes_of(made)
    fields = {"axis": 1 + step.layer.axis}
    return [Operator("CONCATENATION", made, (), "ConcatenationOptions", fields)]


def check_axes_of(shape: Shape) -> None:
    """Raise ValueError for more axes than the kernels of all runtimes take."""
    if len(shape) > MOST_AXES:
        raise ValueError(f"TFLite's kernels take at most {MOST_AXES} axes, N too, got {shape}")


def mean(step: Step[layers.QMean], shape: Shape) -> list[Operator]:
    """Return a mean over axes."""
    numbers = np.array([axis + 1 for axis in step.layer.axes], np.int32)
    axes, keep = (Constant("axes", numbers),), {"keepDims": step.layer.keep_dims}
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    return [Operator("MEAN", made, axes, "ReducerOptions", keep)]


def pad(step: Step[layers.QPad2D], shape: Shape) -> list[Operator]:
    """Return a pad with the zero_point."""
    made = (shape[0], *step.layer.out_shape(shape[1:]))
    return [Operator("PAD", made, (pads(step.layer.pads),), "PadOptions")]


def clamp(step: Step[layers.QClamp], shape: Shape) -> list[Operator]:
    """Return RELU or RELU6, as the layer clamps.  Raises ValueError where it is neither."""
    layer = step.layer
    if is_relu(layer):
        return [Operator("RELU", shape)]
    if layer == layers.qrelu6(layer.in_grid):
        return [Operator("RELU6", shape)]
    raise ValueError(f"no TFLite operator clamps to {layer.low}..{layer.high}")


def bias_scale_error(layer: layers.QDense) -> float:
    """Return how far float32 rounds the scale of the bias, in steps of the layer's out_grid."""
    exact = np.float64(layer.in_grid.scale) * np.float64(layer.weight_scale)
    return float(np.abs(exact - np.float32(exact)).max() / layer.out_grid.scale)


# What writes each layer: functions of (step, *shapes), for steps of the layer's type.
OPERATORS: dict[type, Callable[..., list[Operator]]] = {
    layers.QAdd: elementwise.pair,
    layers.QAvgPool2D: avg_pool,
    layers.QClamp: clamp,
    layers.QConcat: concat,
    layers.QConv2D: conv,
    layers.QConv2DPerChannel: conv,
    layers.QDense: dense,
    layers.QDepthwiseConv2D: depthwise,
    layers.QGlobalAvgPool2D: global_pool,
    layers.QMaxPool2D: max_pool,
    layers.QMean: mean,
    layers.QMul: elementwise.pair,
    layers.QPad2D: pad,
    layers.QPad: pad_any,
    layers.QRescale: elementwise.rescale,
    layers.QReshape: reshape,
    layers.QSoftmax: elementwise.softmax,
    layers.QSub: elementwise.pair,
    layers.QTable: elementwise.table,
    layers.QTranspose: transpose,
}
