"""Write an ONNX model from tinyq layers: the operators that ONNX Runtime has for int8 codes.

Images are NCHW inside the model.  A mean reads them as NHWC: there ONNX Runtime adds the pixels in
an order that depends on the shape alone, not on where the tensor lies in memory.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tinyq import Grid
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
)
from tinyq.network import INPUT, QNetwork
from tinyq.runtimes import QMean
from tools.parity.cases import Case

OPSET, IR_VERSION = 21, 10
MICROSOFT = "com.microsoft"
MICROSOFTS = ("QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearGlobalAveragePool")

Operand = str | NDArray


def build(
    nodes: Sequence[tuple[object, Sequence[str], str]], ranks: Mapping[str, int], output: str
) -> bytes:
    """Return the .onnx of a graph of layers.

    nodes: (layer, input names, output name) in running order; layers of tinyq.layers or QMean;
    ranks: 4 (NCHW) or 2, by name, in the order of the model's inputs; output: the name it returns.
    """
    writer = Writer()
    for layer, reads, made in nodes:
        writer.add(layer, reads, made)
    graph = helper.make_graph(
        writer.nodes,
        "tinyq",
        [tensor(name, [None] * rank) for name, rank in ranks.items()],
        [tensor(output, None)],
        writer.constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    return model.SerializeToString()


def of_case(case: Case) -> bytes:
    """Return the model of one layer, its inputs in the case's order."""
    ranks = {name: codes.ndim for name, codes in zip("ab", case.inputs, strict=False)}
    return build([(case.layer, list(ranks), "y")], ranks, "y")


def of_network(qnet: QNetwork) -> bytes:
    """Return the model of a whole network."""
    nodes = [(node.layer, node.inputs, node.name) for node in qnet.nodes]
    return build(nodes, {INPUT: 4}, qnet.nodes[-1].name)


def tensor(name: str, shape: Sequence[None] | None):
    """Return the declaration of an int8 tensor; shape: None for any, or None for each axis."""
    return helper.make_tensor_value_info(name, TensorProto.INT8, shape)


class Writer:
    """The nodes and constants of one model, in the order they were added."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def add(self, layer: object, reads: Sequence[str], made: str) -> None:
        """Add the nodes of a layer; reads: names of its inputs; made: name of its output."""
        steps = operators(layer, reads)
        for index, (kind, operands, attributes) in enumerate(steps):
            name = made if index == len(steps) - 1 else f"{made}/{kind}"
            names = [self._name(f"{name}/{n}", operand) for n, operand in enumerate(operands)]
            if index:
                names.insert(0, self.nodes[-1].output[0])
            domain = MICROSOFT if kind in MICROSOFTS else ""
            self.nodes.append(helper.make_node(kind, names, [name], domain=domain, **attributes))

    def _name(self, name: str, operand: Operand) -> str:
        """Return the name of an operand; an array becomes a constant called name."""
        if isinstance(operand, str):
            return operand
        self.constants.append(numpy_helper.from_array(np.asarray(operand), name))
        return name


def operators(layer: object, reads: Sequence[str]) -> list[tuple[str, list[Operand], dict]]:
    """Return (operator, operands, attributes) of each node of a layer, in running order.

    reads: names of the layer's inputs.  An operand is a name or a constant; from the second node
    on, what the node before made comes first and is not listed.
    """
    match layer:
        case QConv2D():
            weight = np.ascontiguousarray(layer.weight.transpose(0, 3, 1, 2))
            operands = [*reads, *linear(layer, weight), *pair(layer.out_grid), layer.bias]
            return [("QLinearConv", operands, {"strides": layer.stride})]
        case QDense():
            operands = [*reads, *linear(layer, layer.weight), layer.bias, *pair(layer.out_grid)]
            return [("QGemm", operands, {"transB": 1})]
        case QAdd():
            a, b = ([name, *pair(grid)] for name, grid in zip(reads, layer.in_grids, strict=True))
            return [("QLinearAdd", [*a, *b, *pair(layer.out_grid)], {})]
        case QAvgPool2D():
            operands = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
            return [("QLinearAveragePool", operands, window(layer))]
        case QGlobalAvgPool2D():
            operands = [*reads, *pair(layer.in_grid), *pair(layer.out_grid)]
            return [("QLinearGlobalAveragePool", operands, {}), ("Flatten", [], {})]
        case QMean():
            return [
                ("Transpose", [*reads], {"perm": (0, 2, 3, 1)}),
                ("DequantizeLinear", pair(layer.in_grid), {}),
                ("ReduceMean", [np.int64([1, 2])], {"keepdims": int(layer.keep_dims)}),
                ("QuantizeLinear", pair(layer.out_grid), {}),
            ]
        case QMaxPool2D():
            return [("MaxPool", [*reads], window(layer))]
        case QPad2D():
            top, bottom, left, right = layer.pads
            pads = np.int64([0, 0, top, left, 0, 0, bottom, right])
            return [("Pad", [*reads, pads, np.int8(layer.in_grid.zero_point)], {})]
        case QClamp():
            return [("Clip", [*reads, np.int8(layer.low), np.int8(layer.high)], {})]
        case _:
            raise TypeError(f"no ONNX operator for {type(layer).__name__}")


def pair(grid: Grid) -> list[NDArray]:
    """Return the constants scale and zero_point of a grid."""
    return [np.float32(grid.scale), np.int8(grid.zero_point)]


def linear(layer: QConv2D | QDense, weight: NDArray[np.int8]) -> list[NDArray]:
    """Return the constants that follow the input of a layer with weights, up to its zero_points."""
    scales = layer.weight_scale
    return [*pair(layer.in_grid), weight, scales, np.zeros(scales.shape, np.int8)]


def window(layer: QAvgPool2D | QMaxPool2D) -> dict:
    """Return the attributes of a pool without padding."""
    return {"kernel_shape": layer.kernel, "strides": layer.stride}
