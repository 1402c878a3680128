"""The operators that take each code by itself: RELU to LEAKY_RELU, and SOFTMAX, row by row."""

from tinyq.layers import QSoftmax, QTable
from tinyq.layers.functions import Function
from tinyq.models.opened.value import Value
from tinyq.models.tflite import Activation
from tinyq.models.tflite.options import LeakyReluOptions, SoftmaxOptions
from tinyq.models.tflite_layers.activation import clamp
from tinyq.models.tflite_layers.op import Op


def relu(op: Op) -> Value:
    """Make RELU or RELU6: a clamp on one grid, a table between two."""
    x = op.value(0)
    if op.out_grid == x.grid:
        return op.add(clamp(x.grid, Activation[op.operator.name]), x)
    return table(op)


def table(op: Op) -> Value:
    """Make a function of one code, by its name: LOGISTIC, TANH, HARD_SWISH, RELU, RELU6."""
    x = op.value(0)
    return op.add(QTable.of(Function[op.operator.name], x.grid, op.out_grid), x)


def leaky_relu(op: Op) -> Value:
    """Make LEAKY_RELU, which has a slope below zero."""
    x, alpha = op.value(0), op.options(LeakyReluOptions).alpha
    return op.add(QTable.of(Function.LEAKY_RELU, x.grid, op.out_grid, alpha), x)


def softmax(op: Op) -> Value:
    """Make SOFTMAX over the last axis."""
    x = op.value(0)
    return op.add(QSoftmax(x.grid, op.out_grid, op.options(SoftmaxOptions).beta), x)
