"""One QDQ group while it is made an operator on codes: its tensors, and what its grids say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinyq.models.onnx.model import LEFT_OUT, MICROSOFT, Attribute, Model, Operator, Tensor

ENDS = -np.inf, np.inf


class Group:
    """An operator on real numbers, what dequantizes its inputs, and what quantizes its output.

    tensors: constants that the operator on codes reads and the file does not hold.
    All methods raise ValueError, with why it is not fused.
    """

    def __init__(
        self,
        model: Model,
        operator: Operator,
        dequantizers: Mapping[str, Operator],
        quantizer: Operator,
    ) -> None:
        self.model, self.operator, self.dequantizers = model, operator, dequantizers
        self.quantizer, self.tensors = quantizer, dict[str, Tensor]()

    def codes(self, place: int) -> list[str]:
        """Return the names of an input's codes, their scale and their zero_point."""
        name = self.operator.inputs[place] if place < len(self.operator.inputs) else LEFT_OUT
        if name not in self.dequantizers:
            raise ValueError(f"not fused: DequantizeLinear must make input {place}")
        return three(self.dequantizers[name])

    @property
    def out(self) -> list[str]:
        """The names of scale and zero_point of the output."""
        return three(self.quantizer)[1:]

    def finished(
        self, name: str, inputs: Sequence[str], domain: str = MICROSOFT, **more: Attribute
    ) -> Operator:
        """Return the operator on codes."""
        return replace(
            self.operator,
            name=name,
            domain=domain,
            inputs=tuple(inputs),
            outputs=self.quantizer.outputs,
            attributes={**self.operator.attributes, **more},
        )

    def number(self, name: str) -> float:
        """Return a constant of one number."""
        tensor = self.model.tensors.get(name)
        if tensor is None or tensor.data is None or tensor.data.size != 1:
            raise ValueError(f"not fused: {name!r} must be a constant of one number")
        return float(tensor.data.reshape(()))

    def grid(self, scale: str, zero_point: str) -> tuple[np.float32, int]:
        """Return two constants as the numbers of a grid; the scale must be above 0."""
        scale_number, zero = np.float32(self.number(scale)), int(self.number(zero_point))
        if not 0 < scale_number < np.inf:
            raise ValueError(f"not fused: {scale!r} must be above 0, got {scale_number}")
        return scale_number, zero

    def one_grid(self) -> tuple[np.float32, int]:
        """Return the grid before and after an operator that moves codes; it must be one."""
        _, *before = self.codes(0)
        if (grid := self.grid(*before)) != self.grid(*self.out):
            raise ValueError("not fused: its grid must be one before and after it")
        return grid

    def hold(self, part: str, code: float) -> str:
        """Add a constant of one int8 code, clamped, and return its name."""
        name = f"{self.operator.outputs[0]}/{part}"
        data = np.array(np.clip(code, -128, 127), np.int8)
        self.tensors[name] = Tensor(name, "INT8", (), data)
        return name

    def ends(self, operator: Operator) -> tuple[float, float]:
        """Return the least and the largest number that Relu or Clip lets through."""
        if operator.name == "Relu":
            return 0.0, np.inf
        if {"min", "max"} & {*operator.attributes}:
            raise ValueError("not fused: Clip must have its ends as inputs")
        names = (*operator.inputs[1:], LEFT_OUT, LEFT_OUT)
        low, high = (
            self.number(name) if name else end for name, end in zip(names, ENDS, strict=False)
        )
        return low, high

    def absorb(self, activations: Sequence[Operator]) -> None:
        """Raise ValueError unless the clamp to codes does what activations do as well."""
        scale, zero = self.grid(*self.out)
        for activation in activations:
            low, high = self.ends(activation)
            if scale * np.float32(-128 - zero) < low or scale * np.float32(127 - zero) > high:
                raise ValueError(
                    f"not fused: the codes must not go beyond the ends of the {activation.name}"
                )


def three(operator: Operator) -> list[str]:
    """Return the three inputs of QuantizeLinear or DequantizeLinear; ValueError for others."""
    if len(operator.inputs) != 3 or LEFT_OUT in operator.inputs:
        raise ValueError(f"not fused: {operator.name} must have a scale and a zero_point")
    return [*operator.inputs]
