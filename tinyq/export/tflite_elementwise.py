"""The operators that TFLite has for layers that work place by place, and for softmax."""

from collections.abc import Mapping

from tinyq import layers
from tinyq.export.tflite_operator import Operator, activation
from tinyq.export.tflite_steps import Step
from tinyq.layers.contract import Shape
from tinyq.layers.functions import Function

PAIRS: dict[type, str] = {layers.QAdd: "ADD", layers.QMul: "MUL", layers.QSub: "SUB"}
OPTIONS = {Function.HARD_SWISH: "HardSwishOptions", Function.LEAKY_RELU: "LeakyReluOptions"}


def pair(
    step: Step[layers.QAdd | layers.QMul | layers.QSub], shape: Shape, other: Shape
) -> list[Operator]:
    """Return a sum, a difference or a product of two tensors that broadcast.

    Raises ValueError for two ranks: TFLite would align the batch of one with an axis of the other.
    """
    if len(shape) != len(other):
        raise ValueError(f"a and b must have one rank in TFLite, got shapes {shape} and {other}")
    made = (max(shape[0], other[0]), *step.layer.out_shape(shape[1:], other[1:]))
    code = PAIRS[type(step.layer)]
    return [Operator(code, made, (), f"{code.title()}Options", activation(step))]


def rescale(step: Step[layers.QRescale], shape: Shape) -> list[Operator]:
    """Return QUANTIZE, which from int8 to int8 rescales."""
    return [Operator("QUANTIZE", shape, (), "QuantizeOptions")]


def softmax(step: Step[layers.QSoftmax], shape: Shape) -> list[Operator]:
    """Return a softmax over the last axis."""
    return [Operator("SOFTMAX", shape, (), "SoftmaxOptions", {"beta": step.layer.beta})]


def table(step: Step[layers.QTable], shape: Shape) -> list[Operator]:
    """Return the function that a table was filled with.

    Raises ValueError for a table of no function, or one that differs from the function's own:
    TFLite fills it anew.
    """
    layer, function = step.layer, step.layer.function
    if function is None:
        raise ValueError("no TFLite operator is a table of no named function")
    own = layers.QTable.of(function, layer.in_grid, layer.out_grid, layer.alpha)
    if (own.table != layer.table).any():
        raise ValueError(f"the table must be that of {function.name}, which TFLite fills anew")
    fields: Mapping[str, object] = {} if layer.alpha is None else {"alpha": layer.alpha}
    return [Operator(function.name, shape, (), OPTIONS.get(function), fields)]
