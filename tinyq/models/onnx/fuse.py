"""The form QDQ as operators on codes: what ONNX Runtime fuses it to, by plain rewriting.

An operator on real numbers whose inputs DequantizeLinear makes, and whose output QuantizeLinear
alone reads, becomes one operator on codes.  Source: ONNX Runtime's ``QDQ`` selectors, which take
int8 codes on x86 under the session option ``session.qdqisint8allowed`` = "1".
"""

from dataclasses import replace

import numpy as np

from tinyq.checks.values import shown
from tinyq.models.onnx.fused_operators import FUSED, RESCALE, rescaled
from tinyq.models.onnx.group import Group
from tinyq.models.onnx.model import LEFT_OUT, Model, Operator, Tensor

__all__ = ["RESCALE", "fused"]

QUANTIZE, DEQUANTIZE = ("", "QuantizeLinear"), ("", "DequantizeLinear")
ACTIVATIONS = ("Relu", "Clip")


def fused(model: Model) -> Model:
    """Return a model with its QDQ groups as operators on codes; one without them as it is.

    A group keeps the index and the label of the operator inside it.  An operator on dequantized
    numbers that is not fused stays, and its why_not says why.
    """
    wires = Wires(model)
    tensors: dict[str, Tensor] = dict(model.tensors)
    made: dict[int, Operator] = {}
    gone: set[int] = set()
    for operator in model.operators:
        if not wires.of_reals(operator):
            continue
        try:
            chain = wires.chain(operator)
            group = Group(model, operator, wires.dequantizers, chain[-1])
            group.absorb(chain[:-1])
            made[operator.index] = FUSED[operator.name](group)
        except ValueError as error:
            made[operator.index] = replace(operator, why_not=str(error))
        else:
            gone |= {one.index for one in chain}
            tensors |= group.tensors
    for operator in model.operators:
        source = wires.dequantizers.get((*operator.inputs, LEFT_OUT)[0])
        if operator.kind == QUANTIZE and source and operator.index not in gone:
            made[operator.index] = wires.rescaled(source, operator)
    kept = [made.get(one.index, one) for one in model.operators if one.index not in gone]
    operators = tuple(one for one in kept if not wires.inside(one))
    read = [one.inputs for one in wires.dequantizers.values() if len(one.inputs) == 3]
    grids = {codes: (scale, zero_point) for codes, scale, zero_point in read}
    return replace(model, operators=operators, tensors=tensors, grids=grids)


class Wires:
    """Who makes and who reads the tensors of a model."""

    def __init__(self, model: Model) -> None:
        self.outputs, self.tensors = model.outputs, model.tensors
        self.readers: dict[str, list[Operator]] = {}
        self.dequantizers: dict[str, Operator] = {}
        self.quantized: set[str] = set()
        for operator in model.operators:
            for name in dict.fromkeys(operator.inputs):
                self.readers.setdefault(name, []).append(operator)
            if operator.kind == DEQUANTIZE and len(operator.outputs) == 1:
                self.dequantizers[operator.outputs[0]] = operator
            if operator.kind == QUANTIZE:
                self.quantized |= {*operator.outputs}

    def of_reals(self, operator: Operator) -> bool:
        """Return whether an operator may be fused and reads numbers that are dequantized."""
        known = operator.domain == "" and operator.name in FUSED
        return known and any(name in self.dequantizers for name in operator.inputs)

    def chain(self, operator: Operator) -> list[Operator]:
        """Return the operators behind one, up to the QuantizeLinear; ValueError for none."""
        chain, last = list[Operator](), operator
        while True:
            behind = self.readers.get(last.outputs[0], []) if len(last.outputs) == 1 else []
            if len(behind) != 1 or last.outputs[0] in self.outputs:
                raise ValueError("not fused: one QuantizeLinear alone must read its output")
            last = behind[0]
            if last in (operator, *chain):
                raise ValueError("not fused: it must not read what it makes itself")
            chain.append(last)
            if (
                last.kind == QUANTIZE
                and last.inputs[0] == (chain[-2:-1] or [operator])[0].outputs[0]
            ):
                return chain
            if last.domain or last.name not in ACTIVATIONS:
                raise ValueError(
                    f"not fused: QuantizeLinear must read its output, got {shown(last.name)}"
                )

    def rescaled(self, source: Operator, quantizer: Operator) -> Operator:
        """Return the operator that QuantizeLinear of DequantizeLinear is.

        Between two more of them ONNX Runtime merges the grids, by a rule that nobody has measured.
        """
        before = self.quantized.isdisjoint(source.inputs[:1])
        behind = [self.readers.get(name, []) for name in quantizer.outputs]
        if before or not any(one.kind == DEQUANTIZE for readers in behind for one in readers):
            return rescaled(source, quantizer)
        if all(map(self.equal, source.inputs[1:], quantizer.inputs[1:])):
            return rescaled(source, quantizer)
        why = "ONNX Runtime merges it with the QuantizeLinear and the DequantizeLinear before it"
        return replace(quantizer, why_not=why)

    def equal(self, a: str, b: str) -> bool:
        """Return whether two tensors are constants of equal numbers."""
        one, other = (self.tensors[name].data if name in self.tensors else None for name in (a, b))
        return one is not None and other is not None and np.array_equal(one, other)

    def inside(self, operator: Operator) -> bool:
        """Return whether an operator is a DequantizeLinear whose numbers other operators read."""
        if operator.kind != DEQUANTIZE or len(operator.outputs) != 1:
            return False
        name = operator.outputs[0]
        return name not in self.outputs and bool(self.readers.get(name))
