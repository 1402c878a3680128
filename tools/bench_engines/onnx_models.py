"""The networks as ONNX Runtime runs them fastest: uint8 activations, or float32 throughout.

Its kernels for int8 activations are 10 times slower on x86.  A pad becomes part of the convolution
that reads it.  The rest, NHWC included, ONNX Runtime's own optimizer does.
"""

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from tinyq import floatref
from tinyq.export.onnx_file import channels_first
from tinyq.export.onnx_operator import Operand, Operator, oihw, window
from tinyq.export.onnx_qlinear import qlinear
from tinyq.export.onnx_writer import Writer
from tinyq.layers import QPad2D
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import Network, QNetwork
from tools.bench_engines.session import unsigned

WEIGHTS = {"QLinearConv": (3, 5), "QGemm": (3, 5)}  # places of the weight and its zero_point


def int8(qnet: QNetwork) -> bytes:
    """Return the model on codes: activations uint8, 128 more than tinyq's; weights int8."""

    def operator(layer: object, reads: Sequence[str]) -> Operator:
        return with_unsigned(qlinear(layer, reads))

    return model(qnet.nodes, qnet.image_shape, operator, onnx.TensorProto.UINT8)


def float32(net: Network, image_shape: tuple[int, int, int]) -> bytes:
    """Return the model on real numbers."""
    return model(net.nodes, image_shape, float_operator, onnx.TensorProto.FLOAT)


def model(
    nodes: Sequence[Node],
    image_shape: tuple[int, int, int],
    operator: Callable[[object, Sequence[str]], Operator],
    dtype: int,
) -> bytes:
    """Return the model of nodes; operator: of a layer and the names it reads; dtype: of tensors."""
    writer, pads = Writer(), {}
    for node in nodes:
        if isinstance(node.layer, QPad2D | floatref.Pad2D):
            pads[node.name] = node
            continue
        around = pads.get(node.inputs[0])
        made = operator(node.layer, around.inputs if around else node.inputs)
        writer.add(padded(made, around.layer.pads) if around else made, node.name)
    content = writer.finish({INPUT: channels_first(image_shape)}, nodes[-1].name, {})
    read = onnx.load_from_string(content)
    for argument in (*read.graph.input, *read.graph.output):
        argument.type.tensor_type.elem_type = dtype
    return read.SerializeToString()


def padded(operator: Operator, pads: Sequence[int]) -> Operator:
    """Return a convolution with pads (top, bottom, left, right) of its own."""
    top, bottom, left, right = pads
    attributes = {**operator.attributes, "pads": [top, left, bottom, right]}
    return Operator(operator.code, operator.operands, attributes)


def with_unsigned(operator: Operator) -> Operator:
    """Return an operator on int8 codes as one on uint8 codes; the weight stays int8."""
    keep = WEIGHTS.get(operator.code, ())

    def shifted(place: int, operand: Operand) -> Operand:
        if isinstance(operand, Operator):
            return with_unsigned(operand)
        if isinstance(operand, str) or operand.dtype != np.int8 or place in keep:
            return operand
        return unsigned(operand)

    operands = [shifted(place, operand) for place, operand in enumerate(operator.operands)]
    return Operator(operator.code, operands, operator.attributes)


def float_operator(layer: object, reads: Sequence[str]) -> Operator:
    """Return a float layer as an operator."""
    match layer:
        case floatref.Conv2D():
            strides = {"strides": layer.stride}
            return Operator("Conv", [*reads, oihw(layer.weights), layer.bias], strides)
        case floatref.Dense():
            return Operator("Gemm", [*reads, layer.weights, layer.bias], {"transB": 1})
        case floatref.Add():
            return Operator("Add", [*reads])
        case floatref.MaxPool2D():
            return Operator("MaxPool", [*reads], window(layer))
        case floatref.GlobalAvgPool2D():
            return Operator("Flatten", [Operator("GlobalAveragePool", [*reads])])
        case floatref.ReLU():
            return Operator("Relu", [*reads])
        case _:
            raise TypeError(f"no ONNX operator for {type(layer).__name__}")
