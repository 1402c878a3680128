"""One operator of a .tflite while its layers are made: its tensors, checked, and its nodes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.models.opened.op import OpenedOperator
from tinyq.models.opened.value import Value
from tinyq.models.tflite import NO_TENSOR, Model, Operator, Options, Tensor, TensorType
from tinyq.models.tflite_layers.grid import grid_of

Kind = TypeVar("Kind", bound=Options)


class Op(OpenedOperator):
    """An operator of the file, and the nodes that were made of it so far.

    values: what the tensors are that operators before it make.
    All methods raise ValueError for a file that says otherwise than they need.
    """

    def __init__(self, model: Model, operator: Operator, values: Mapping[int, Value]) -> None:
        super().__init__(operator.name, operator.index)
        self.model, self.operator, self.values = model, operator, values

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
