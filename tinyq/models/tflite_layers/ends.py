"""QUANTIZE and DEQUANTIZE at the ends, outside which stand real numbers; QUANTIZE inside."""

from dataclasses import replace

from tinyq.layers import QRescale
from tinyq.layers.nodes import INPUT
from tinyq.models.opened.value import Value
from tinyq.models.tflite import TensorType
from tinyq.models.tflite_layers.op import Op


def quantize(op: Op) -> Value:
    """Take QUANTIZE of the model's float32 input, which then is the network's; make it of codes."""
    x = op.needed(0)
    if x.type is TensorType.INT8:
        codes = op.value(0)
        return op.add(QRescale.from_float(codes.grid, op.out_grid), codes)
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
