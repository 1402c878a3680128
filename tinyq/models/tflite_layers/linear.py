"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: the operators with weights."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import (
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QDepthwiseConv2D,
    QPad2D,
    QReshape,
)
from tinyq.models.opened.value import Value
from tinyq.models.tflite.options import (
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
)
from tinyq.models.tflite.types import WeightsFormat
from tinyq.models.tflite_layers.activation import activated
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.padding import pads_of
from tinyq.models.tflite_layers.weights import bias, weight
from tinyq.requantize import Requantizer


def conv_2d(op: Op) -> Value:
    """Make CONV_2D: a pad where SAME has one, the convolution, the fused activation."""
    x, (codes, scales) = op.value(0), weight(op, rank=4)
    kind = QConv2D if len(scales) == 1 else QConv2DPerChannel
    layer = kind(**parts(op, x, codes, scales), **moves(op.options(Conv2DOptions)))
    return convolved(op, x, layer, op.options(Conv2DOptions))


def depthwise_conv_2d(op: Op) -> Value:
    """Make DEPTHWISE_CONV_2D likewise; its weight is (1, KH, KW, O) in the file."""
    x, options = op.value(0), op.options(DepthwiseConv2DOptions)
    codes, scales = weight(op, rank=4, axis=3)
    if codes.shape[1] != 1:
        raise ValueError(f"its weight must have shape (1, KH, KW, O), got {op.needed(1).shape}")
    if options.depth_multiplier * x.shape[-1] != len(codes):
        raise ValueError(
            f"its depth_multiplier must be {len(codes)} / {x.shape[-1]} channels, "
            f"got {options.depth_multiplier}"
        )
    layer = QDepthwiseConv2D(
        **parts(op, x, codes[:, 0], scales),
        **moves(options),
        depth_multiplier=options.depth_multiplier,
    )
    return convolved(op, x, layer, options)


def convolved(
    op: Op,
    x: Value,
    layer: QConv2D | QDepthwiseConv2D,
    options: Conv2DOptions | DepthwiseConv2DOptions,
) -> Value:
    """Return what a convolution makes of x with its pads and its fused activation."""
    kernel = layer.weight.shape[1:3]
    if any(pads := pads_of(options.padding, x, kernel, layer.stride, layer.dilation)):
        x = op.add(QPad2D(x.grid, pads), x, part="pad")
    return activated(op, op.add(layer, x), options.fused_activation_function)


def fully_connected(op: Op) -> Value:
    """Make FULLY_CONNECTED: the sample as one row, unless it keeps its axes; the activation."""
    options = op.options(FullyConnectedOptions)
    if options.weights_format is not WeightsFormat.DEFAULT:
        raise ValueError(f"its weights_format {options.weights_format.name} is not supported")
    x, (codes, scales) = op.value(0), weight(op, rank=2)
    layer = QDense(**parts(op, x, codes, scales))
    if len(x.shape) > 1 and not options.keep_num_dims:
        if prod(x.shape) != codes.shape[1]:
            raise ValueError(
                f"it must keep the batch axis: rows of {codes.shape[1]}, got {x.shape}"
            )
        x = op.add(QReshape(x.grid, (codes.shape[1],)), x, part="rows")
    return activated(op, op.add(layer, x), options.fused_activation_function)


def parts(op: Op, x: Value, codes: NDArray[np.int8], scales: NDArray[np.float32]) -> dict[str, Any]:
    """Return what the constructors of all layers with weights take."""
    grid = op.out_grid
    return {
        "in_grid": x.grid,
        "out_grid": grid,
        "weight": codes,
        "bias": bias(op, len(codes), scales, x.grid, grid),
        "weight_scale": scales,
        "requantizer": Requantizer.from_scales(x.grid.scale, scales, grid.scale),
    }


def moves(options: Conv2DOptions | DepthwiseConv2DOptions) -> dict[str, Any]:
    """Return stride and dilation."""
    return {
        "stride": (options.stride_h, options.stride_w),
        "dilation": (options.dilation_h_factor, options.dilation_w_factor),
    }
