"""What a .tflite says of an operator beside its tensors: strides, the fused activation, the axis.

Each class is a table of TFLite's schema under its name there.  A field's position is its number in
the table, its type says how it is stored, and its default is what a file means that leaves it out.
"""

from dataclasses import dataclass

from tinyq.models.tflite.shape_options import (
    ConcatenationOptions,
    PackOptions,
    ReducerOptions,
    ReshapeOptions,
    ShapeOptions,
    SqueezeOptions,
    StridedSliceOptions,
)
from tinyq.models.tflite.types import Activation, Options, Padding, TensorType, WeightsFormat


@dataclass(frozen=True)
class Conv2DOptions(Options):
    """Of CONV_2D."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1
    quantized_bias_type: TensorType = TensorType.FLOAT32


@dataclass(frozen=True)
class DepthwiseConv2DOptions(Options):
    """Of DEPTHWISE_CONV_2D; depth_multiplier: output channels for each channel read."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    depth_multiplier: int = 0
    fused_activation_function: Activation = Activation.NONE
    dilation_w_factor: int = 1
    dilation_h_factor: int = 1


@dataclass(frozen=True)
class FullyConnectedOptions(Options):
    """Of FULLY_CONNECTED; keep_num_dims: whether the leading axes stay apart in the output."""

    fused_activation_function: Activation = Activation.NONE
    weights_format: WeightsFormat = WeightsFormat.DEFAULT
    keep_num_dims: bool = False
    asymmetric_quantize_inputs: bool = False
    quantized_bias_type: TensorType = TensorType.FLOAT32
    quant_spec: bytes = b""


@dataclass(frozen=True)
class Pool2DOptions(Options):
    """Of AVERAGE_POOL_2D and MAX_POOL_2D."""

    padding: Padding = Padding.SAME
    stride_w: int = 0
    stride_h: int = 0
    filter_width: int = 0
    filter_height: int = 0
    fused_activation_function: Activation = Activation.NONE


@dataclass(frozen=True)
class AddOptions(Options):
    """Of ADD; pot_scale_int16: whether scales are powers of two, where codes have 16 bits."""

    fused_activation_function: Activation = Activation.NONE
    pot_scale_int16: bool = True


@dataclass(frozen=True)
class SubOptions(Options):
    """Of SUB; pot_scale_int16: as in AddOptions."""

    fused_activation_function: Activation = Activation.NONE
    pot_scale_int16: bool = True


@dataclass(frozen=True)
class MulOptions(Options):
    """Of MUL."""

    fused_activation_function: Activation = Activation.NONE


@dataclass(frozen=True)
class SoftmaxOptions(Options):
    """Of SOFTMAX; beta: what the numbers are multiplied by."""

    beta: float = 0.0


@dataclass(frozen=True)
class LeakyReluOptions(Options):
    """Of LEAKY_RELU; alpha: the slope below zero."""

    alpha: float = 0.0


# By operator: the number of its table in the schema's union BuiltinOptions, and the table; 0 where
# the table has no fields, for then nothing is read.  An operator that is not here may be in a file,
# but its options are not read.
OPTIONS: dict[str, tuple[int, type[Options]]] = {
    "ADD": (11, AddOptions),
    "AVERAGE_POOL_2D": (5, Pool2DOptions),
    "CONCATENATION": (10, ConcatenationOptions),
    "CONV_2D": (1, Conv2DOptions),
    "DEPTHWISE_CONV_2D": (2, DepthwiseConv2DOptions),
    "DEQUANTIZE": (0, Options),
    "EXPAND_DIMS": (0, Options),
    "FULLY_CONNECTED": (8, FullyConnectedOptions),
    "HARD_SWISH": (0, Options),
    "LEAKY_RELU": (75, LeakyReluOptions),
    "LOGISTIC": (0, Options),
    "MAX_POOL_2D": (5, Pool2DOptions),
    "MEAN": (27, ReducerOptions),
    "MUL": (21, MulOptions),
    "PACK": (59, PackOptions),
    "PAD": (0, Options),
    "PADV2": (0, Options),
    "QUANTIZE": (0, Options),
    "RELU": (0, Options),
    "RELU6": (0, Options),
    "RESHAPE": (17, ReshapeOptions),
    "SHAPE": (55, ShapeOptions),
    "SOFTMAX": (9, SoftmaxOptions),
    "SQUEEZE": (30, SqueezeOptions),
    "STRIDED_SLICE": (32, StridedSliceOptions),
    "SUB": (28, SubOptions),
    "TANH": (0, Options),
    "TRANSPOSE": (0, Options),
}
