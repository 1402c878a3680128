"""QuantizeLinear and DequantizeLinear at the ends, outside which stand real numbers."""

from dataclasses import replace

from tinyq.layers import QRescale
from tinyq.layers.nodes import INPUT
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.order import in_tinyq
from tinyq.models.opened.value import Value


def quantize(op: Op) -> Value:
    """Take QuantizeLinear of the model's FLOAT input, which then is the network's."""
    name, grid = op.tensor(0), op.grid(1)
    if name not in op.model.inputs or len(op.model.readers(name)) != 1:
        raise ValueError("it must be of the model's input, and alone there")
    shape = op.model.sample
    return Value(INPUT, grid, in_tinyq(shape), shape)


def dequantize(op: Op) -> Value:
    """Take DequantizeLinear to the model's output: what it reads is the network's output."""
    x = op.codes(0)
    if op.output not in op.model.outputs or op.model.readers(op.output):
        raise ValueError("it must make the model's output, and nothing may read that")
    return replace(x, real=True)


def rescale(op: Op) -> Value:
    """Make QuantizeLinear of DequantizeLinear, which fusing makes one: a grid before, one after."""
    x = op.codes(0)
    return op.add(QRescale.from_float(x.grid, op.grid(3)), x)
