"""The operators of an .onnx that tinyq takes, in one table."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tinyq.models.onnx import MICROSOFT
from tinyq.models.onnx.fuse import RESCALE
from tinyq.models.onnx_layers import concat, elementwise, ends, linear, pointwise, pools, shapes
from tinyq.models.onnx_layers.op import Op
from tinyq.models.opened.value import Value

POOL = {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"}
MANY = 1 << 16


class Known(NamedTuple):
    """How an operator is taken.

    make: a function that adds the operator's nodes to it and returns what it makes; it raises
    ValueError, with the reason, for what it does not take.  inputs: how many it has, at least and
    at most; attributes: those that make reads; codes: the places of tensors, each before its scale
    and its zero_point; none for an operator that moves codes as they are.
    """

    make: Callable[[Op], Value]
    inputs: tuple[int, int]
    attributes: frozenset[str] = frozenset()
    codes: Sequence[int] = ()


def _own(name: str) -> tuple[str, str]:
    return "", name


def _contrib(name: str) -> tuple[str, str]:
    return MICROSOFT, name


CONV = frozenset({"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"})
AVERAGE = frozenset({*POOL, "channels_last", "count_include_pad"})

# By domain and name.  An operator that is not here is refused by its name.
OPERATORS: dict[tuple[str, str], Known] = {
    _own("Clip"): Known(pointwise.clip, (1, 3)),
    _own("Concat"): Known(concat.concat, (1, MANY), frozenset({"axis"})),
    _own("DequantizeLinear"): Known(ends.dequantize, (3, 3), frozenset({"axis"}), [0]),
    _own("Flatten"): Known(shapes.flatten, (1, 1), frozenset({"axis"})),
    _own("MaxPool"): Known(pools.max_pool, (1, 1), frozenset({*POOL, "storage_order"})),
    _own("Pad"): Known(shapes.pad, (2, 4), frozenset({"mode"})),
    _own("QLinearConv"): Known(linear.conv, (8, 9), CONV, [0]),
    _own("QLinearMatMul"): Known(linear.matmul, (8, 8), codes=[0]),
    _own("QuantizeLinear"): Known(ends.quantize, (3, 3), frozenset({"axis", "saturate"})),
    _own("Reshape"): Known(shapes.reshape, (2, 2), frozenset({"allowzero"})),
    _own("Squeeze"): Known(shapes.squeeze, (1, 2), frozenset({"axes"})),
    _own("Transpose"): Known(shapes.transpose, (1, 1), frozenset({"perm"})),
    _own("Unsqueeze"): Known(shapes.unsqueeze, (1, 2), frozenset({"axes"})),
    _contrib("QGemm"): Known(linear.gemm, (9, 9), frozenset({"alpha", "transA", "transB"}), [0]),
    _contrib("QLinearAdd"): Known(elementwise.add, (8, 8), codes=[0, 3]),
    _contrib("QLinearAveragePool"): Known(pools.average_pool, (5, 5), AVERAGE, [0]),
    _contrib("QLinearConcat"): Known(
        concat.concat_grids, (5, MANY), frozenset({"axis"}), range(2, MANY, 3)
    ),
    _contrib("QLinearGlobalAveragePool"): Known(
        pools.global_average_pool, (5, 5), frozenset({"channels_last"}), [0]
    ),
    _contrib("QLinearLeakyRelu"): Known(pointwise.leaky_relu, (5, 5), frozenset({"alpha"}), [0]),
    _contrib("QLinearMul"): Known(elementwise.mul, (8, 8), codes=[0, 3]),
    _contrib("QLinearSigmoid"): Known(pointwise.sigmoid, (5, 5), codes=[0]),
    _contrib("QLinearSoftmax"): Known(pointwise.softmax, (5, 5), frozenset({"axis", "opset"}), [0]),
    RESCALE: Known(ends.rescale, (5, 5), codes=[0]),
}
