"""The ledger of an .onnx: a row for its input and for each operator of the file."""

from collections.abc import Mapping

from tinyq.layers.contract import Layer
from tinyq.layers.nodes import INPUT, Node
from tinyq.models.onnx import Model
from tinyq.models.opened.understood import Understood
from tinyq.models.opened.value import Value
from tinyq.models.tflite_ledger import OperatorRow, arithmetic
from tinyq.models.understand_onnx import kind

Made = tuple[str | None, str, tuple[int | str, ...], tuple[float, ...], tuple[int, ...]]


def operator_rows(model: Model, understood: Understood[str]) -> list[OperatorRow]:
    """Return the rows of a model: those of its inputs, then one for each operator.

    model: one whose QDQ groups are fused.  What comes behind an operator that is refused has
    neither nodes nor a reason.
    """
    why = {refusal.operator: refusal.why for refusal in understood.refusals}
    nodes: dict[int, list[Node[Layer]]] = {}
    for node in understood.nodes:
        nodes.setdefault(understood.operators[node.name], []).append(node)
    version, values = model.opset, understood.values
    rows = [
        OperatorRow(None, INPUT, version, (), (), (), *_made(name, values)) for name in model.inputs
    ]
    for operator in model.operators:
        mine = nodes.get(operator.index, [])
        rows.append(
            OperatorRow(
                operator.index,
                " ".join(filter(None, [kind(operator), operator.label])),
                version,
                tuple(node.name for node in mine),
                tuple(type(node.layer).__name__ for node in mine),
                tuple(name for name in operator.inputs if name),
                *_made((*operator.outputs, None)[0], values),
                *arithmetic([node.layer for node in mine]),
                why.get(operator.index, ""),
            )
        )
    return rows


def _made(name: str | None, values: Mapping[str, Value]) -> Made:
    """Return name, type, shape, scale and zero_point of a tensor, if it is understood."""
    if name is None or name not in values:
        return name, "", (), (), ()
    value = values[name]
    kind = "float32" if value.real else "int8"
    return name, kind, ("N", *value.seen), (value.grid.scale,), (value.grid.zero_point,)
