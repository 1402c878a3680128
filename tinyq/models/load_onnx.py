"""The way in from ONNX: the int8 network of an .onnx, as ONNX Runtime runs it."""

from pathlib import Path
from typing import Any

from tinyq.checks import checked
from tinyq.models.onnx import Model, fused, read
from tinyq.models.onnx_network import ONNXNetwork
from tinyq.models.opened.network import opened
from tinyq.models.opened.understood import Understood
from tinyq.models.understand_onnx import understand


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


def to_network(model: Model, understood: Understood[str]) -> ONNXNetwork:
    """Return the network of what is understood of a model whose QDQ groups are fused.

    Raises ValueError, with all refusals, a line each, where something is not understood.
    """

    def network(tensors: dict[str, str], fields: dict[str, Any]) -> ONNXNetwork:
        real = model.tensors[model.inputs[0]].type == "FLOAT"
        return ONNXNetwork(**fields, float_input=real, tensor_names=tensors)

    return opened(understood, model.outputs, network)
