"""Named layers and the run through them: what the float network and the int8 network share."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from numpy.typing import NDArray

from tinyq.layers.images import naming

INPUT = "input"


@dataclass(frozen=True, eq=False)
class Node:
    """A named layer and the tensors that it reads.

    name: of the layer and of the tensor it makes; layer: anything with ``forward``;
    inputs: names of earlier tensors; observe: name of the tensor whose range gives this layer a
    grid of its own, None for a layer that passes its input's grid on.
    """

    name: str
    layer: object
    inputs: tuple[str, ...]
    observe: str | None = None


def check_nodes(nodes: Sequence[Node]) -> None:
    """Raise unless each node has a name of its own and reads tensors that are made before it.

    >>> check_nodes([Node("relu", None, ("input"))])
    Traceback (most recent call last):
    TypeError: layer 'relu': inputs must be a tuple of names, got 'input'
    """
    made = [INPUT]
    for node in nodes:
        with naming_layer(node.name):
            if isinstance(node.inputs, str):
                raise TypeError(f"inputs must be a tuple of names, got {node.inputs!r}")
            if node.name in made:
                raise ValueError(f"it must have a name of its own, not one of {made}")
            if unknown := [name for name in node.inputs if name not in made]:
                raise ValueError(f"inputs must be among {made}, got {unknown}")
        made.append(node.name)
    for node in nodes:
        if node.observe is not None and node.observe not in made:
            with naming_layer(node.name):
                raise ValueError(f"observe must be one of {made}, got {node.observe!r}")


def run_nodes(nodes: Sequence[Node], images: NDArray) -> dict[str, NDArray]:
    """Return every tensor of a forward pass by name, "input" first."""
    tensors = {INPUT: images}
    for node in nodes:
        with naming_layer(node.name):
            tensors[node.name] = node.layer.forward(*(tensors[name] for name in node.inputs))
    return tensors


def naming_layer(name: str) -> AbstractContextManager[None]:
    """Put the layer's name in front of a TypeError or ValueError from inside.

    >>> with naming_layer("stem"):
    ...     raise ValueError("pads must be >= 0")
    Traceback (most recent call last):
    ValueError: layer 'stem': pads must be >= 0
    """
    return naming(f"layer {name!r}")
