"""The way in from TensorFlow Lite, LiteRT and TFLite Micro: the int8 network of a .tflite."""

from pathlib import Path
from typing import Any

from tinyq.checks import checked
from tinyq.models.opened.network import opened
from tinyq.models.opened.understood import Understood
from tinyq.models.tflite import Model, TensorType, read
from tinyq.models.tflite_network import TFLiteNetwork
from tinyq.models.understand_tflite import understand


@checked
def load_tflite(path: str | Path) -> TFLiteNetwork:
    """Return the int8 network that a .tflite holds; opening needs NumPy alone.

    Each operator becomes a node named after it, say "conv_2d_0"; the pad before it and the
    activation after it are nodes of their own, "conv_2d_0.pad" and "conv_2d_0.relu".  Layers round
    by Rounding.DOUBLE, as TFLite Micro does; tinyq.runtimes has the other runtimes' rules.

    Raises OSError for a file that cannot be read, ValueError for one that is damaged, and for what
    tinyq does not take, with every reason at once: a line each, with the operator's index, name
    and version.
    """
    model = read(path)
    try:
        return to_network(model, understand(model))
    except ValueError as error:
        raise ValueError(f"{path} is not understood:\n{error}") from error


def to_network(model: Model, understood: Understood[int]) -> TFLiteNetwork:
    """Return the network of what is understood of a model.

    Raises ValueError, with all refusals, a line each, where something is not understood.
    """

    def network(tensors: dict[str, int], fields: dict[str, Any]) -> TFLiteNetwork:
        real = model.tensors[model.inputs[0]].type is TensorType.FLOAT32
        return TFLiteNetwork(**fields, float_input=real, tensor_indices=tensors)

    return opened(understood, model.outputs, network)
