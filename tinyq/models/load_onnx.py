"""The way in from ONNX: the int8 network of an .onnx, as ONNX Runtime runs it."""

from pathlib import Path

from tinyq.checks import checked
from tinyq.layers.nodes import INPUT
from tinyq.models.onnx import Model, fused, read
from tinyq.models.onnx_network import ONNXNetwork
from tinyq.models.understand import Refusal
from tinyq.models.understand_onnx import UnderstoodONNX, understand


@checked
def load_onnx(path: str | Path) -> ONNXNetwork:
    """Return the int8 network that an .onnx holds, of operators on codes or of the form QDQ.

    A file of the form QDQ is opened as the operators on codes that ONNX Runtime fuses it to, on
    x86 under the session option ``session.qdqisint8allowed`` = "1".  Each operator becomes a node
    named after it, say "qlinearconv_0", and what stands beside it a node of its own, say
    "qlinearconv_0.pad".  Images (N, C, H, W) of the file are (N, H, W, C).
    Layers round by Rounding.DOUBLE; ``tinyq.runtimes.trace(network, x, "onnxruntime")`` gives
    ONNX Runtime's codes.

    Raises ImportError without onnx (extra ``runtimes``); OSError for a file that cannot be read,
    ValueError for one that is damaged, and for what tinyq does not take, with every reason at once:
    a line each, with the node's index, operator and name.
    """
    model = fused(read(path))
    try:
        return to_network(model, understand(model))
    except ValueError as error:
        raise ValueError(f"{path} is not understood:\n{error}") from error


def to_network(model: Model, understood: UnderstoodONNX) -> ONNXNetwork:
    """Return the network of what is understood of a model whose QDQ groups are fused.

    Raises ValueError, with all refusals, a line each, where something is not understood.
    """
    if refusals := [*understood.refusals, *_at_the_end(model, understood)]:
        raise ValueError("\n".join(map(str, refusals)))
    values, nodes = understood.values, understood.nodes
    image = next(value for value in values.values() if value.name == INPUT)
    tensors: dict[str, str] = {}
    for name, value in values.items():
        # another tensor with the same codes, such as what DequantizeLinear makes, comes later
        tensors.setdefault(value.name, name)
    try:
        network = ONNXNetwork(
            nodes=nodes,
            grids={INPUT: image.grid} | {node.name: node.layer.out_grid for node in nodes},
            ranges={},
            image_shape=image.shape,
            tensor_names=tensors,
            operator_indices=understood.operators,
            float_input=model.tensors[model.inputs[0]].type == "FLOAT",
            float_output=values[model.outputs[0]].real,
        )
        network.shapes()
    except ValueError as error:
        raise ValueError(str(Refusal(None, "model", str(error)))) from error
    return network


def _at_the_end(model: Model, understood: UnderstoodONNX) -> list[Refusal]:
    """Return what is wrong with the output, where all operators are understood."""
    if understood.refusals:
        return []
    value = understood.values.get(model.outputs[0])
    if understood.nodes and value is not None and value.name == understood.nodes[-1].name:
        return []
    got = f"got {model.outputs[0]!r}"
    return [Refusal(None, "model", f"its output must be that of its last operator, {got}")]
