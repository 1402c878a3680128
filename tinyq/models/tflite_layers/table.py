"""The operators of a .tflite that tinyq takes, in one table."""

from collections.abc import Callable
from typing import NamedTuple

from tinyq.models.opened.value import Value
from tinyq.models.tflite_layers import broadcast, ends, linear, pointwise, pools, shapes
from tinyq.models.tflite_layers.op import Op


class Known(NamedTuple):
    """How an operator is taken.

    make: a function that adds the operator's nodes to it and returns what it makes; it raises
    ValueError, with the reason, for what it does not take.  newest: the version up to which LiteRT
    2.3 has it; inputs: how many it has, at least and at most.
    """

    make: Callable[[Op], Value]
    newest: int
    inputs: tuple[int, int]


# An operator that is not here is refused by its name.
OPERATORS: dict[str, Known] = {
    "ADD": Known(broadcast.elementwise, 5, (2, 2)),
    "AVERAGE_POOL_2D": Known(pools.average_pool_2d, 3, (1, 1)),
    "CONCATENATION": Known(shapes.concatenation, 7, (1, 1 << 16)),
    "CONV_2D": Known(linear.conv_2d, 8, (2, 3)),
    "DEPTHWISE_CONV_2D": Known(linear.depthwise_conv_2d, 6, (2, 3)),
    "DEQUANTIZE": Known(ends.dequantize, 9, (1, 1)),
    "EXPAND_DIMS": Known(shapes.expand_dims, 1, (2, 2)),
    "FULLY_CONNECTED": Known(linear.fully_connected, 14, (2, 3)),
    "HARD_SWISH": Known(pointwise.table, 1, (1, 1)),
    "LEAKY_RELU": Known(pointwise.leaky_relu, 2, (1, 1)),
    "LOGISTIC": Known(pointwise.table, 3, (1, 1)),
    "MAX_POOL_2D": Known(pools.max_pool_2d, 3, (1, 1)),
    "MEAN": Known(shapes.mean, 3, (2, 2)),
    "MUL": Known(broadcast.elementwise, 7, (2, 2)),
    "PAD": Known(shapes.pad, 6, (2, 2)),
    "PADV2": Known(shapes.pad_v2, 6, (3, 3)),
    "QUANTIZE": Known(ends.quantize, 6, (1, 1)),
    "RELU": Known(pointwise.relu, 3, (1, 1)),
    "RELU6": Known(pointwise.relu, 3, (1, 1)),
    "RESHAPE": Known(shapes.reshape, 1, (1, 2)),
    "SOFTMAX": Known(pointwise.softmax, 3, (1, 1)),
    "SQUEEZE": Known(shapes.squeeze, 1, (1, 1)),
    "SUB": Known(broadcast.elementwise, 5, (2, 2)),
    "TANH": Known(pointwise.table, 3, (1, 1)),
    "TRANSPOSE": Known(shapes.transpose, 8, (2, 2)),
}
