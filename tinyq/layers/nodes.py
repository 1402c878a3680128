"""Named layers and the run through them: what the float network and the int8 network share."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

from tinyq.checks import Proved, checked
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.images import naming

INPUT = "input"
AnyLayer = TypeVar("AnyLayer", covariant=True)


@dataclass(frozen=True, eq=False)
class Node(Proved, Generic[AnyLayer]):
    """A named layer and the tensors that it reads.

    name: of the layer and of the tensor it makes; layer: of tinyq.floatref in a float network, in
    an int8 network one that keeps the contract of tinyq.layers.contract; inputs: names of earlier
    tensors; observe: name of the tensor whose range gives this layer a grid of its own, None for a
    layer that passes its input's grid on.
    Raises TypeError where name, inputs or observe is something else.

    >>> Node("relu", None, ("input"))
    Traceback (most recent call last):
    TypeError: layer 'relu': Node: inputs must be a tuple, got 'input'
    """

    name: str
    layer: AnyLayer
    inputs: tuple[str, ...]
    observe: str | None = None

    def __post_init__(self) -> None:
        with naming_layer(self.name):
            super().__post_init__()


@checked
def check_nodes(nodes: Sequence[Node[Any]]) -> None:
    """Raise unless each node has a name of its own and reads tensors that are made before it.

    >>> check_nodes([Node("relu", None, ("stem",))])
    Traceback (most recent call last):
    ValueError: layer 'relu': inputs must be among ['input'], got ['stem']
    """
    made = [INPUT]
    for node in nodes:
        with naming_layer(node.name):
            if node.name in made:
                raise ValueError(f"it must have a name of its own, not one of {made}")
            if unknown := [name for name in node.inputs if name not in made]:
                raise ValueError(f"inputs must be among {made}, got {unknown}")
        made.append(node.name)
    for node in nodes:
        if node.observe is not None and node.observe not in made:
            with naming_layer(node.name):
                raise ValueError(f"observe must be one of {made}, got {node.observe!r}")


def run_nodes(
    nodes: Sequence[Node[Any]], tensors: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return tensors and, added to them by name, all that the nodes make of them.

    nodes: in running order; tensors: by name, all that the nodes read from outside, say "input".
    """
    made = dict(tensors)
    for node in nodes:
        with naming_layer(node.name):
            made[node.name] = node.layer.forward(*(made[name] for name in node.inputs))
    return made


@checked
def tensor_shapes(nodes: Sequence[Node[Layer]], image_shape: Shape) -> dict[str, Shape]:
    """Return the shape of each tensor of an int8 network for one image, by name, "input" first.

    image_shape: (H, W, C), or of another rank.  Raises ValueError, with the layer's name, where
    layers do not fit.

    >>> from tinyq.affine import Grid
    >>> from tinyq.layers import QPad2D
    >>> tensor_shapes([Node("pad", QPad2D(Grid(1.0, 0), (1, 1, 2, 2)), ("input",))], (4, 4, 3))
    {'input': (4, 4, 3), 'pad': (6, 8, 3)}
    """
    shapes: dict[str, Shape] = {INPUT: tuple(image_shape)}
    for node in nodes:
        with naming_layer(node.name):
            shapes[node.name] = node.layer.out_shape(*(shapes[name] for name in node.inputs))
    return shapes


def naming_layer(name: str) -> AbstractContextManager[None]:
    """Put the layer's name in front of a TypeError or ValueError from inside.

    >>> with naming_layer("stem"):
    ...     raise ValueError("pads must be >= 0")
    Traceback (most recent call last):
    ValueError: layer 'stem': pads must be >= 0
    """
    return naming(f"layer {name!r}")
