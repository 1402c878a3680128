"""The int8 network of a file that other tools made."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tinyq.layers.nodes import INPUT
from tinyq.models.opened.understood import Key, Refusal, Understood
from tinyq.network import QNetwork


@dataclass(frozen=True, eq=False)
class OpenedNetwork(QNetwork):
    """A network that was opened from a file, which knows the file's operators.

    operator_indices: index of the file's operator that each node is of, by the node's name.
    float_input, float_output: whether the file has the real numbers there, and the operators that
    quantize or dequantize them inside; the network's ends are the codes.
    """

    operator_indices: Mapping[str, int]
    float_input: bool
    float_output: bool


Opened = TypeVar("Opened", bound=OpenedNetwork)


def opened(
    understood: Understood[Key],
    outputs: Sequence[Key],
    make: Callable[[dict[str, Key], dict[str, Any]], Opened],
) -> Opened:
    """Return the network of what is understood of a model.

    outputs: the model's own, one where nothing is refused; make: from the file's tensors, by the
    names of the nodes that make them, and all other fields but float_input, to the network.
    Raises ValueError, with all refusals, a line each, where something is not understood.
    """
    if refusals := understood.refusals or _at_the_end(understood, outputs[0]):
        raise ValueError("\n".join(map(str, refusals)))
    tensors: dict[str, Key] = {}
    for key, value in understood.values.items():
        # another tensor with the same codes, such as what DEQUANTIZE makes, comes later
        tensors.setdefault(value.name, key)
    image, nodes = understood.values[tensors[INPUT]], understood.nodes
    fields: dict[str, Any] = {
        "nodes": nodes,
        "grids": {INPUT: image.grid} | {node.name: node.layer.out_grid for node in nodes},
        "ranges": {},
        "image_shape": image.shape,
        "operator_indices": understood.operators,
        "float_output": understood.values[outputs[0]].real,
    }
    try:
        network = make(tensors, fields)
        network.shapes()
    except ValueError as error:
        raise ValueError(str(Refusal(None, "model", str(error)))) from error
    return network


def _at_the_end(understood: Understood[Key], output: Key) -> list[Refusal]:
    """Return what is wrong with the output of a model whose operators are all understood."""
    value = understood.values.get(output)
    if understood.nodes and value is not None and value.name == understood.nodes[-1].name:
        return []
    why = f"its output must be that of its last operator, got tensor {output!r}"
    return [Refusal(None, "model", why)]
