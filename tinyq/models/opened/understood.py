"""What is understood of a file: nodes of an int8 network, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from tinyq.layers import QConstant
from tinyq.layers.contract import Layer
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node
from tinyq.models.opened.value import Value

# What a file knows its tensors by: an index in a .tflite, a name in an .onnx.
Key = TypeVar("Key", int, str)
# Each layer has a copy of its own: a small file could give one weight to thousands of operators.
MOST_WEIGHTS = 1 << 28  # bytes


@dataclass(frozen=True)
class Refusal:
    """What is not understood: of an operator by its index, or None of the model; where; why."""

    operator: int | None
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.where}: {self.why}"


@dataclass(frozen=True, eq=False)
class Understood(Generic[Key]):
    """What a model's operators are as layers.

    nodes: of the operators that are understood, in running order, and operators: the index of the
    operator that each is of, by name.  In a .tflite a node may read what one that is refused would
    make, under the name of its main node; in an .onnx what comes behind it is not looked at.
    values: what each tensor is; refusals: in the file's order, those of the model first.
    """

    nodes: tuple[Node[Layer], ...]
    operators: Mapping[str, int]
    values: Mapping[Key, Value]
    refusals: tuple[Refusal, ...]


def held(node: Node[Layer]) -> int:
    """Return how many bytes of the file's constants a node has a copy of."""
    layer = node.layer
    if isinstance(layer, Linear):
        return layer.weight.nbytes
    return layer.codes.nbytes if isinstance(layer, QConstant) else 0
