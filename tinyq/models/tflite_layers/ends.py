"""QUANTIZE and DEQUANTIZE at the ends of a network: outside it stand real numbers."""

from dataclasses import replace

from tinyq.layers.nodes import INPUT
from tinyq.models.tflite import TensorType
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.value import Value


def quantize(op: Op) -> Value:
    """Take QUANTIZE of the model's float32 input: its output is the network's input."""
    x = op.needed(0)
    if x.type is not TensorType.FLOAT32:
        raise ValueError(f"from {x.type.name} to {op.output.type.name} is not supported")
    if x.index not in op.model.inputs or len(op.readers(x)) != 1:
        raise ValueError("from FLOAT32 it must be of the model's input, and alone there")
    shape = x.shape[1:]
    return Value(INPUT, op.out_grid, shape, shape)


def dequantize(op: Op) -> Value:
    """Take DEQUANTIZE to the model's float32 output: what it reads is the network's output."""
    x, made = op.value(0), op.output
    if made.type is not TensorType.FLOAT32:
        raise ValueError(f"to {made.type.name} is not supported")
    if made.index not in op.model.outputs or op.readers(made):
        raise ValueError("it must make the model's output, and nothing may read that")
    return replace(x, real=True)
