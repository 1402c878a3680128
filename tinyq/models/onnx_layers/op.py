"""One operator of an .onnx while its layers are made: its tensors, checked, and its nodes.

A sample of three axes is an image: ONNX has (C, H, W), tinyq (H, W, C).  Others are as in the file.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QTranspose
from tinyq.layers.contract import Shape
from tinyq.models.onnx import Model, Operator
from tinyq.models.onnx.model import LEFT_OUT
from tinyq.models.onnx_layers.order import FROM_IMAGE, TO_IMAGE, as_in_file
from tinyq.models.onnx_layers.rows import Rows
from tinyq.models.opened.op import OpenedOperator
from tinyq.models.opened.value import Value, said

TYPES = {"INT8": np.int8, "INT32": np.int32, "INT64": np.int64, "FLOAT": np.float32}


class Op(OpenedOperator):
    """An operator of the file, and the nodes that were made of it so far.

    values: what the tensors are that operators before it make.
    All methods raise ValueError for a file that says otherwise than they need.
    """

    def __init__(self, model: Model, operator: Operator, values: Mapping[str, Value]) -> None:
        super().__init__(operator.name, operator.index)
        self.model, self.operator, self.values = model, operator, values

    @property
    def output(self) -> str:
        """The name of the one tensor that it makes."""
        return self.operator.outputs[0]

    def tensor(self, place: int) -> str:
        """Return the name of an input by its place, LEFT_OUT for one that is not there."""
        inputs = self.operator.inputs
        return inputs[place] if place < len(inputs) else LEFT_OUT

    def constant(self, place: int, *types: str) -> NDArray[Any]:
        """Return an input that the file holds, of one of the types."""
        name = self.tensor(place)
        tensor = self.model.tensors.get(name)
        if not name or tensor is None or tensor.data is None:
            kind = f", got {tensor.type}" if tensor and name not in self.values else ""
            raise ValueError(f"input {place} must be a constant of {' or '.join(types)}{kind}")
        if tensor.type not in types:
            raise ValueError(
                f"input {place} must be {' or '.join(types)}, got {tensor.type}: {name!r}"
            )
        return tensor.data

    def number(self, place: int, kind: str) -> Any:
        """Return a constant of one number."""
        array = self.constant(place, kind)
        if array.size != 1:
            raise ValueError(f"input {place} must be one number, got shape {array.shape}")
        return array.reshape(()).item()

    def integers(self, place: int) -> list[int]:
        """Return a constant of INT64 or INT32 as a list."""
        return [*map(int, self.constant(place, "INT64", "INT32").ravel())]

    def grid(self, place: int) -> Grid:
        """Return the grid whose scale is an input, and the zero_point the next one."""
        scale, zero_point = self.number(place, "FLOAT"), self.number(place + 1, "INT8")
        try:
            return Grid(scale, zero_point)
        except ValueError as error:
            raise ValueError(f"input {place}: {error}") from error

    def value(self, place: int, rows: bool = False) -> Value:
        """Return an input that an operator before it makes; rows: whether it may be Rows."""
        name = self.tensor(place)
        if not name:
            raise ValueError(f"input {place} must be there")
        if name not in self.values:
            held = name in self.model.tensors and self.model.tensors[name].data is not None
            why = "must be no constant" if held else "is of what is not understood, or made later"
            raise ValueError(f"input {place}, {name!r}, {why}")
        if isinstance(self.values[name], Rows) and not rows:
            raise ValueError(f"input {place} has the rows of all samples in its batch axis")
        return self.values[name]

    def codes(self, place: int, rows: bool = False) -> Value:
        """Return an input whose grid the next two inputs say; it must be made on that grid."""
        value, grid = self.value(place, rows), self.grid(place + 1)
        if value.grid != grid:
            raise ValueError(
                f"input {place} must be read on the grid it is made on, {said(value.grid)}, "
                f"got {said(grid)}"
            )
        return value

    def image(self, value: Value) -> Value:
        """Return a value that must be an image."""
        if len(value.seen) != 3:
            raise ValueError(f"it must read (N, C, H, W), got (N, {str(value.seen)[1:]}")
        return value

    def attribute(self, name: str, default: Any) -> Any:
        """Return an attribute of the kind of its default: a number, text, or a list of integers."""
        value = self.operator.attributes.get(name, default)
        if type(value) is not type(default) or (
            isinstance(value, tuple) and not all(isinstance(one, int) for one in value)
        ):
            raise ValueError(f"its {name} must be {type(default).__name__}, got {value!r:.60}")
        return value

    def only(self, **attributes: Any) -> None:
        """Raise ValueError for an attribute that is not the one value that is taken."""
        for name, wanted in attributes.items():
            if (got := self.attribute(name, wanted)) != wanted:
                raise ValueError(f"its {name} must be {wanted}, got {got}")

    def in_file(self, shape: Shape) -> Shape:
        """Return a shape with the channels of an image first."""
        return as_in_file(shape)

    def in_file_order(self, value: Value) -> Value:
        """Return codes whose axes are the file's, the last of them last."""
        if len(value.shape) != 3:
            return value
        return self.add(QTranspose(value.grid, FROM_IMAGE), value, part="order")

    def finished(self, value: Value) -> Value:
        """Return codes that lie as in the file as tinyq has them: images with channels last."""
        if len(value.shape) != 3:
            return value
        return self.add(QTranspose(value.grid, TO_IMAGE), value)

    def part(self, value: Value, part: str) -> str:
        """Return the part of a node between in_file_order and finished, "" where they add none."""
        return part if len(value.shape) == 3 else ""
