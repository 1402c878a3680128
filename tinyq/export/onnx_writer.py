"""Put ONNX's operators into a model."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinyq.export.onnx_operator import Operand, Operator
from tinyq.models.extra import imported

OPSET, IR_VERSION = 21, 10
MICROSOFT = "com.microsoft"
MICROSOFTS = {"QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearGlobalAveragePool"}
MICROSOFTS |= {"QLinearLeakyRelu", "QLinearMul", "QLinearSigmoid", "QLinearSoftmax"}

Dims = Sequence[int | str | None]


class Writer:
    """The nodes and constants of one model, in the order they were added."""

    def __init__(self) -> None:
        self.onnx = imported("onnx")
        self.nodes: list[Any] = []  # onnx.NodeProto; onnx is imported late, so without its types
        self.constants: list[Any] = []  # onnx.TensorProto

    def add(self, operator: Operator, made: str) -> None:
        """Add the nodes of an expression.

        made: the name of its outcome; operands without a name get made, a slash and their number.
        """
        operands = enumerate(operator.operands)
        names = [self._name(operand, f"{made}/{number}") for number, operand in operands]
        self.nodes.append(
            self.onnx.helper.make_node(
                operator.code,
                names,
                [made],
                name=made,
                domain=MICROSOFT if operator.code in MICROSOFTS else "",
                **operator.attributes,
            )
        )

    def _name(self, operand: Operand, name: str) -> str:
        """Return the name of an operand; one that has none is added first, under name."""
        if isinstance(operand, str):
            return operand
        if isinstance(operand, Operator):
            self.add(operand, name)
        else:
            array = np.ascontiguousarray(operand)  # of one number it makes an array (1,)
            constant = self.onnx.numpy_helper.from_array(array.reshape(np.shape(operand)), name)
            self.constants.append(constant)
        return name

    def finish(self, inputs: Mapping[str, Dims], output: str, dims: Mapping[str, Dims]) -> bytes:
        """Return the model's bytes.

        inputs: dimensions of the inputs by name; output: its name; dims: of other tensors, as far
        as known.
        """
        between = {made for node in self.nodes for made in node.output} - {output}
        names = [*inputs, *(made for node in self.nodes for made in node.output)]
        names += [constant.name for constant in self.constants]
        if twice := [name for name, count in Counter(names).items() if count > 1 or not name]:
            raise ValueError(f"layers must have names that no other tensor has, got {twice}")
        graph = self.onnx.helper.make_graph(
            self.nodes,
            "tinyq",
            [self._declared(name, shape) for name, shape in inputs.items()],
            [self._declared(output, dims.get(output))],
            self.constants,
            value_info=[self._declared(name, dims[name]) for name in dims if name in between],
        )
        opsets = [self.onnx.helper.make_opsetid("", OPSET)]
        if any(node.domain for node in self.nodes):
            opsets.append(self.onnx.helper.make_opsetid(MICROSOFT, 1))
        model = self.onnx.helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="tinyq"
        )
        return model.SerializeToString(deterministic=True)

    def _declared(self, name: str, dims: Dims | None) -> Any:
        """Return onnx's ValueInfoProto of an int8 tensor.

        dims: its dimensions, None for one that is unknown; or None where all are.
        """
        int8 = self.onnx.TensorProto.INT8
        return self.onnx.helper.make_tensor_value_info(name, int8, dims)
