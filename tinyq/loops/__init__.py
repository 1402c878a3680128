"""The oracle: every integer kernel as plain loops over Python ints, in the specification's order.

Nothing here is fast and nothing is shared with `tinyq.layers`: the two are written apart, and the
tests demand equal bytes.  One call takes one image, a nested list `[row][column][channel]`; a
batch is `[conv2d(image, ...) for image in batch]`, which keeps the loops as deep as the formula.
Any nested sequence of integers will do, a NumPy array too; what comes back is nested lists of ints.

Python ints never overflow, so the bounds of int32 are checked by `int32`, which raises
OverflowError, and the one place where TensorFlow Lite wraps calls `wrap_int32`.

A kernel that requantizes takes a ``rescale``: one of the five roundings, each a function of an
accumulator and of a ratio written as multiplier / 2^31 / 2^shift.

    DOUBLE   multiply_by_quantized_multiplier, of quantize_multiplier(ratio)
    UP       rescale_up, of quantize_multiplier(ratio)
    SINGLE   rescale_single, of quantize_multiplier(ratio)
    FLOAT32  rescale_float32, of float32_multiplier(ratio)
    FLOAT64  rescale_float64, of float64_multiplier(ratio)
"""

from tinyq.loops.conv import conv2d, dense, pad2d
from tinyq.loops.depthwise import depthwise_conv2d
from tinyq.loops.elementwise import broadcast, each, mul, sub
from tinyq.loops.floats import float32, float32_multiplier, float64_multiplier
from tinyq.loops.functions import (
    hard_swish_code,
    leaky_relu_code,
    logistic_code,
    relu6_code,
    relu_code,
    tanh_code,
)
from tinyq.loops.integers import INT32_MAX, INT32_MIN, as_ints, int32, wrap_int32
from tinyq.loops.mean import mean
from tinyq.loops.pointwise import add, add_multipliers, add_ratios, clamp, relu
from tinyq.loops.pool import avg_pool2d, global_avg_pool2d, max_pool2d, mean_pool2d
from tinyq.loops.rescale import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    requantize,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from tinyq.loops.roundings import rescale_float32, rescale_float64, rescale_single, rescale_up
from tinyq.loops.shapes import concat, pad, reshape, transpose
from tinyq.loops.softmax import softmax, softmax_multiplier, softmax_shares

__all__ = [
    "INT32_MAX",
    "INT32_MIN",
    "add",
    "add_multipliers",
    "add_ratios",
    "as_ints",
    "avg_pool2d",
    "broadcast",
    "clamp",
    "concat",
    "conv2d",
    "dense",
    "depthwise_conv2d",
    "each",
    "float32",
    "float32_multiplier",
    "float64_multiplier",
    "global_avg_pool2d",
    "hard_swish_code",
    "int32",
    "leaky_relu_code",
    "logistic_code",
    "max_pool2d",
    "mean",
    "mean_pool2d",
    "mul",
    "multiply_by_quantized_multiplier",
    "pad",
    "pad2d",
    "quantize_multiplier",
    "relu",
    "relu6_code",
    "relu_code",
    "requantize",
    "rescale_float32",
    "rescale_float64",
    "rescale_single",
    "rescale_up",
    "reshape",
    "rounding_divide_by_pot",
    "saturating_rounding_doubling_high_mul",
    "softmax",
    "softmax_multiplier",
    "softmax_shares",
    "sub",
    "tanh_code",
    "transpose",
    "wrap_int32",
]
