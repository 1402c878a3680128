"""The oracle: every integer kernel as plain loops over Python ints, in the specification's order.

Nothing here is fast and nothing is shared with `tinyq.layers`: the two are written apart, and the
tests demand equal bytes.  One call takes one image, a nested list `[row][column][channel]`; a
batch is `[conv2d(image, ...) for image in batch]`, which keeps the loops as deep as the formula.
Any nested sequence of integers will do, a NumPy array too; what comes back is nested lists of ints.

Python ints never overflow, so the bounds of int32 are checked by `int32`, which raises
OverflowError, and the one place where TensorFlow Lite wraps calls `wrap_int32`.
"""

from tinyq.loops.conv import conv2d, dense, pad2d
from tinyq.loops.integers import INT32_MAX, INT32_MIN, as_ints, int32, wrap_int32
from tinyq.loops.pointwise import add, add_multipliers, clamp, relu
from tinyq.loops.pool import avg_pool2d, global_avg_pool2d, max_pool2d
from tinyq.loops.rescale import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    requantize,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)

__all__ = [
    "INT32_MAX",
    "INT32_MIN",
    "add",
    "add_multipliers",
    "as_ints",
    "avg_pool2d",
    "clamp",
    "conv2d",
    "dense",
    "global_avg_pool2d",
    "int32",
    "max_pool2d",
    "multiply_by_quantized_multiplier",
    "pad2d",
    "quantize_multiplier",
    "relu",
    "requantize",
    "rounding_divide_by_pot",
    "saturating_rounding_doubling_high_mul",
    "wrap_int32",
]
