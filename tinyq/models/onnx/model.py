"""What an .onnx holds, as plain data: a model, its tensors, its operators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

MICROSOFT = "com.microsoft"
LEFT_OUT = ""  # among an operator's inputs: an optional one that is left out
Dims = tuple[int | str | None, ...]
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor that the file says something of.

    type: its element type in the schema, say "INT8"; dims: sizes, a name or None for one that is
    left to the caller; None where the file has no shape.
    data: of a constant of a type that tinyq reads, its array, which cannot be written.
    """

    name: str
    type: str
    dims: Dims | None
    data: NDArray[Any] | None = None


@dataclass(frozen=True)
class Operator:
    """One operator: its place among the file's nodes, what it is, what it reads and makes.

    label: the name that the file gives the node; domain: "" for ONNX's own; inputs: names of
    tensors, LEFT_OUT for one that is left out; attributes: by name, None for one of a kind that
    tinyq does not read, such as a graph.
    why_not: why ONNX Runtime does not fuse it, where it is in a file of the QDQ form; else "".
    """

    index: int
    name: str
    label: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    why_not: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """Domain and name, which say together what it is."""
        return self.domain, self.name


@dataclass(frozen=True, eq=False)
class Model:
    """A file's graph: operators in running order.

    inputs, outputs: names of the model's own; tensors: by name, those that the file declares or
    holds; opset: the version of ONNX's own operators; unread: what else is in the file and changes
    what the model computes, a sentence each.  grids: names of scale and zero_point by the name of
    the codes, where fusing took away the DequantizeLinear that said them.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    operators: tuple[Operator, ...]
    opset: int
    unread: tuple[str, ...]
    grids: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def batch(self) -> int | str | None:
        """How many samples the file is for: a number, or a name or None for any."""
        return (self.tensors[self.inputs[0]].dims or (None,))[0]

    @property
    def sample(self) -> tuple[int, ...]:
        """The shape of one sample of the first input; ValueError where the file does not say it."""
        dims = self.tensors[self.inputs[0]].dims or ()
        sizes = tuple(size for size in dims[1:] if isinstance(size, int) and size > 0)
        if len(dims) < 2 or len(sizes) != len(dims) - 1:
            raise ValueError(
                f"its input must have two axes or more, of known sizes behind N, got {dims}"
            )
        return sizes

    def readers(self, name: str) -> list[Operator]:
        """Return the operators that read a tensor."""
        return [operator for operator in self.operators if name in operator.inputs]
