"""CONV_2D and FULLY_CONNECTED: the operators with weights."""

from tinyq.layers import QConv2D, QConv2DPerChannel, QDense, QPad2D
from tinyq.models.tflite.options import Conv2DOptions, FullyConnectedOptions
from tinyq.models.tflite.types import WeightsFormat
from tinyq.models.tflite_layers.activation import activated
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.padding import pads_of
from tinyq.models.tflite_layers.value import Value
from tinyq.models.tflite_layers.weights import bias, weight
from tinyq.requantize import Requantizer


def conv_2d(op: Op) -> Value:
    """Make CONV_2D: a pad where SAME has one, the convolution, the fused activation."""
    options = op.options(Conv2DOptions)
    x, grid = op.value(0), op.out_grid
    codes, scales = weight(op, rank=4)
    stride = options.stride_h, options.stride_w
    if (apart := (options.dilation_h_factor, options.dilation_w_factor)) != (1, 1):
        raise ValueError(f"its dilation {apart} is not supported")
    layer = (QConv2D if len(scales) == 1 else QConv2DPerChannel)(
        in_grid=x.grid,
        out_grid=grid,
        weight=codes,
        bias=bias(op, scales, x.grid, grid),
        weight_scale=scales,
        requantizer=Requantizer.from_scales(x.grid.scale, scales, grid.scale),
        stride=stride,
    )
    if any(pads := pads_of(options.padding, x, codes.shape[1:3], stride)):
        x = op.add(QPad2D(x.grid, pads), x, part="pad")
    return activated(op, op.add(layer, x), options.fused_activation_function)


def fully_connected(op: Op) -> Value:
    """Make FULLY_CONNECTED of rows: the dense layer and the fused activation."""
    options = op.options(FullyConnectedOptions)
    if options.weights_format is not WeightsFormat.DEFAULT:
        raise ValueError(f"its weights_format {options.weights_format.name} is not supported")
    x, grid = op.value(0), op.out_grid
    codes, scales = weight(op, rank=2)
    layer = QDense(
        in_grid=x.grid,
        out_grid=grid,
        weight=codes,
        bias=bias(op, scales, x.grid, grid),
        weight_scale=scales,
        requantizer=Requantizer.from_scales(x.grid.scale, scales, grid.scale),
    )
    return activated(op, op.add(layer, x), options.fused_activation_function)
