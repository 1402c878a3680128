"""One operator of a .tflite while its layers are made: its tensors, checked, and its nodes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import Node
from tinyq.models.tflite import NO_TENSOR, Model, Operator, Options, Tensor, TensorType
from tinyq.models.tflite_layers.value import Value, grid_of

Kind = TypeVar("Kind", bound=Options)


class Op:
    """An operator, and the nodes that were made of it so far.

    name: that of its main node; values: what the tensors are that operators before it make.
    All methods raise ValueError for a file that says otherwise than they need.
    """

    def __init__(self, model: Model, operator: Operator, values: Mapping[int, Value]) -> None:
        self.model, self.operator, self.values = model, operator, values
        self.name = f"{operator.name.lower()}_{operator.index}"
        self.nodes: list[Node[Layer]] = []

    @property
    def output(self) -> Tensor:
        """The one tensor that it makes."""
        return self.model.tensors[self.operator.outputs[0]]

    @property
    def out_grid(self) -> Grid:
        """The output's grid: a new object, for a layer that brings its codes to it."""
        return grid_of(self.output)

    @property
    def batch(self) -> int:
        """How many samples the file is for: the first axis of its input."""
        return self.model.tensors[self.model.inputs[0]].shape[0]

    def options(self, kind: type[Kind]) -> Kind:
        """Return what the file says of it beside its tensors, a table of one kind."""
        assert isinstance(self.operator.options, kind)  # the reader's OPTIONS has it so
        return self.operator.options

    def tensor(self, place: int) -> Tensor | None:
        """Return an input by its place, None for one that is left out."""
        inputs = self.operator.inputs
        index = inputs[place] if place < len(inputs) else NO_TENSOR
        return None if index == NO_TENSOR else self.model.tensors[index]

    def needed(self, place: int) -> Tensor:
        """Return an input that must be there."""
        tensor = self.tensor(place)
        if tensor is None:
            raise ValueError(f"input {place} must be there")
        return tensor

    def constant(self, place: int, *types: TensorType) -> NDArray[Any]:
        """Return an input that the file holds, of one of the types."""
        tensor = self.needed(place)
        if tensor.data is None:
            raise ValueError(f"tensor {tensor.index} must be a constant")
        if tensor.type not in types:
            names = " or ".join(kind.name for kind in types)
            raise ValueError(f"tensor {tensor.index} must be {names}, got {tensor.type.name}")
        return tensor.data

    def value(self, place: int) -> Value:
        """Return an input that an operator before it makes."""
        tensor = self.needed(place)
        if tensor.data is not None:
            raise ValueError(f"tensor {tensor.index} must be no constant")
        if tensor.index not in self.values:
            grid_of(tensor)  # which says what else is wrong with it
            raise ValueError(f"tensor {tensor.index} is read before it is made")
        return self.values[tensor.index]

    def readers(self, tensor: Tensor) -> list[Operator]:
        """Return the operators that read a tensor."""
        return [one for one in self.model.operators if tensor.index in one.inputs]

    def add(self, layer: Layer, *reads: Value, part: str = "") -> Value:
        """Add a node and return what it makes; part: after its name, for one beside the main."""
        shape: Shape = layer.out_shape(*(value.shape for value in reads))
        name = f"{self.name}.{part}" if part else self.name
        self.nodes.append(Node(name, layer, tuple(value.name for value in reads)))
        return Value(name, layer.out_grid, shape, shape)
