"""The way in from TensorFlow Lite, LiteRT and TFLite Micro: the int8 network of a .tflite."""

from pathlib import Path

from tinyq.checks import checked
from tinyq.layers.nodes import INPUT
from tinyq.models.tflite import Model, TensorType, read
from tinyq.models.tflite_network import TFLiteNetwork
from tinyq.models.understand import Refusal, Understood, understand


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


def to_network(model: Model, understood: Understood) -> TFLiteNetwork:
    """Return the network of what is understood of a model.

    Raises ValueError, with all refusals, a line each, where something is not understood.
    """
    if refusals := [*understood.refusals, *_at_the_end(model, understood)]:
        raise ValueError("\n".join(map(str, refusals)))
    values, nodes = understood.values, understood.nodes
    codes = next(index for index, value in values.items() if value.name == INPUT)
    image = values[codes]
    tensors = {INPUT: codes}
    for index, value in values.items():
        # another tensor with the same codes, such as what DEQUANTIZE makes, comes later
        tensors.setdefault(value.name, index)
    try:
        network = TFLiteNetwork(
            nodes=nodes,
            grids={INPUT: image.grid} | {node.name: node.layer.out_grid for node in nodes},
            ranges={},
            image_shape=image.shape,
            tensor_indices=tensors,
            operator_indices=understood.operators,
            float_input=model.tensors[model.inputs[0]].type is TensorType.FLOAT32,
            float_output=values[model.outputs[0]].real,
        )
        network.shapes()
    except ValueError as error:
        raise ValueError(str(Refusal(None, "model", str(error)))) from error
    return network


def _at_the_end(model: Model, understood: Understood) -> list[Refusal]:
    """Return what is wrong with the output, where all operators are understood."""
    if understood.refusals:
        return []
    value = understood.values.get(model.outputs[0])
    if understood.nodes and value is not None and value.name == understood.nodes[-1].name:
        return []
    got = f"got tensor {model.outputs[0]}"
    return [Refusal(None, "model", f"its output must be that of its last operator, {got}")]
