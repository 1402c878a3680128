"""What a .tflite holds, as plain data: a model, its tensors, its operators."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.models.tflite.types import Options, TensorType

NO_TENSOR = -1  # among an operator's inputs: an optional one that is left out, such as a bias


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor.

    index: what names it in the file, where several may have one name; shape: each size 0 or more;
    shape_signature: the same with -1 for sizes left to the caller, () where the file has none.
    scales, zero_points: float32 and int64, of one length: 0 where it is not quantized, 1, or the
    size of axis quantized_dimension; for a tensor of rank 1 that is axis 0 whatever the file says.
    data: None for what is made at run time; else the constant in its shape and dtype, or its bytes
    as uint8 where NumPy has no such dtype (INT4), or where the tensor is sparse.
    Arrays are views of the file and cannot be written.
    """

    index: int
    name: str
    type: TensorType
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    scales: NDArray[np.float32]
    zero_points: NDArray[np.int64]
    quantized_dimension: int
    data: NDArray[Any] | None


@dataclass(frozen=True)
class Operator:
    """One operator: its name in the schema, its version, the indices of its tensors.

    inputs: NO_TENSOR stands for one that is left out; options: None for an operator that is not in
    tinyq.models.tflite.options.OPTIONS; custom_code: the name of a CUSTOM operator, else "".
    """

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options | None
    custom_code: str = ""


@dataclass(frozen=True, eq=False)
class Model:
    """A file's first subgraph: operators in running order.

    tensors: by index; inputs, outputs: indices of the model's own; subgraphs: how many the file
    has; unread: what else is in the file and changes what the model computes, a sentence each that
    begins with the place.  A model is what it seems to be only where unread is empty.
    """

    description: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    subgraphs: int
    unread: tuple[str, ...]


def list_operators(model: Model) -> list[str]:
    """Return a line for each operator: index, name and version, shapes in, shapes out.

    A tensor is written as type and shape; a hyphen stands for an input that is left out.
    """
    return [_line(model, operator) for operator in model.operators]


def _line(model: Model, operator: Operator) -> str:
    def shown(indices: tuple[int, ...]) -> str:
        return ", ".join("-" if i == NO_TENSOR else _tensor(model.tensors[i]) for i in indices)

    name = " ".join(filter(None, [operator.name, operator.custom_code]))
    head = f"operator {operator.index}, {name} version {operator.version}"
    return f"{head}: {shown(operator.inputs)} -> {shown(operator.outputs)}"


def _tensor(tensor: Tensor) -> str:
    return f"{tensor.type.name.lower()} {tensor.shape}"
