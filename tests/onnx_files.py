"""Small .onnx models made with onnx's own helper, and what ONNX Runtime makes of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MICROSOFT = "com.microsoft"
OPSET, IR_VERSION = 21, 10


def node(name: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    """A node of ONNX's own domain, or of ONNX Runtime's where it has none of that name."""
    own = onnx.defs.has(name)
    domain = "" if own else MICROSOFT
    return helper.make_node(name, inputs, [output], name=output, domain=domain, **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    shapes: Mapping[str, Sequence[int | str]],
    output: str,
    constants: Mapping[str, Any] = {},
    *,
    kinds: tuple[int, int] = (TensorProto.INT8, TensorProto.INT8),
    opset: int = OPSET,
) -> onnx.ModelProto:
    """A model; shapes: of its inputs; kinds: types of its inputs and of its output."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, kinds[0], shape) for name, shape in shapes.items()],
        [helper.make_tensor_value_info(output, kinds[1], None)],
        [numpy_helper.from_array(np.asarray(x), name) for name, x in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def outcome(made: onnx.ModelProto, *inputs: np.ndarray) -> list[np.ndarray]:
    """ONNX Runtime's outputs, the QDQ form fused for int8."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    content = made.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def pair(scale: float, zero_point: int) -> tuple[np.float32, np.int8]:
    """Scale and zero_point as an .onnx holds them."""
    return np.float32(scale), np.int8(zero_point)
