"""The nodes that an operator of a file becomes."""

from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import Node
from tinyq.models.opened.value import Value


class OpenedOperator:
    """What was made of an operator so far.

    name: that of its main node, from the operator's name and its index in the file; nodes: in
    running order.
    """

    def __init__(self, kind: str, index: int) -> None:
        self.name = f"{kind.lower()}_{index}"
        self.nodes: list[Node[Layer]] = []

    def add(self, layer: Layer, *reads: Value, part: str = "") -> Value:
        """Add a node and return what it makes; part: after its name, for one beside the main."""
        shape = layer.out_shape(*(value.shape for value in reads))
        name = f"{self.name}.{part}" if part else self.name
        self.nodes.append(Node(name, layer, tuple(value.name for value in reads)))
        return Value(name, layer.out_grid, shape, self.in_file(shape))

    def in_file(self, shape: Shape) -> Shape:
        """Return a shape as the file has it."""
        return shape
