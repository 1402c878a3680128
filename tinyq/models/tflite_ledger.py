"""The ledger of a file that was opened: a row for its input and for each operator of the file."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from tinyq.layers.contract import Layer
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, Node
from tinyq.models.opened.understood import Understood
from tinyq.models.tflite import NO_TENSOR, Model
from tinyq.models.understand_tflite import kind


@dataclass(frozen=True)
class OperatorRow:
    """One operator's bookkeeping, in numbers and strings that JSON knows.

    operator: its index, None for the input; version: of the operator, in an .onnx of all of them;
    nodes, layers: names and kinds of what it became;
    reads: what names its tensors, an index or, in an .onnx, a name; tensor, type, shape, scales,
    zero_points: of what it makes,
    as the file has them, None and empty where it makes nothing; weight_scales: one or one for each
    output channel, () without weights; multipliers, shifts: of each requantizer, by its name:
    multiplier * 2**(-31 - shift), where a positive shift goes right (TFLite's own has the other
    sign); refused: why it is not understood, else "".
    """

    operator: int | None
    name: str
    version: int
    nodes: tuple[str, ...]
    layers: tuple[str, ...]
    reads: tuple[int | str, ...]
    tensor: int | str | None
    type: str
    shape: tuple[int | str, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    weight_scales: tuple[float, ...] = ()
    multipliers: dict[str, list[int]] | None = None
    shifts: dict[str, list[int]] | None = None
    refused: str = ""


def operator_rows(model: Model, understood: Understood[int]) -> list[OperatorRow]:
    """Return the rows of a model: those of its inputs, then one for each operator."""
    why = {refusal.operator: refusal.why for refusal in understood.refusals}
    nodes: dict[int, list[Node[Layer]]] = {}
    for node in understood.nodes:
        nodes.setdefault(understood.operators[node.name], []).append(node)
    rows = [OperatorRow(None, INPUT, 1, (), (), (), *_made(model, (i,))) for i in model.inputs]
    for operator in model.operators:
        mine = nodes.get(operator.index, [])
        layers = [node.layer for node in mine]
        rows.append(
            OperatorRow(
                operator.index,
                kind(operator),
                operator.version,
                tuple(node.name for node in mine),
                tuple(type(layer).__name__ for layer in layers),
                tuple(index for index in operator.inputs if index != NO_TENSOR),
                *_made(model, operator.outputs),
                *arithmetic(layers),
                why.get(operator.index, ""),
            )
        )
    return rows


def arithmetic(
    layers: Sequence[Layer],
) -> tuple[tuple[float, ...], dict[str, list[int]], dict[str, list[int]]]:
    """Return weight_scales, multipliers and shifts of the layers that an operator became."""
    weights = [layer.weight_scale for layer in layers if isinstance(layer, Linear)]
    requantizers = dict(chain.from_iterable(layer.requantizers.items() for layer in layers))
    return (
        tuple(chain.from_iterable(scales.tolist() for scales in weights)),
        {name: one.multiplier.tolist() for name, one in requantizers.items()},
        {name: one.shift.tolist() for name, one in requantizers.items()},
    )


def _made(
    model: Model, outputs: Sequence[int]
) -> tuple[int | None, str, tuple[int, ...], tuple[float, ...], tuple[int, ...]]:
    """Return index, type, shape, scales and zero_points of the first output, if there is one."""
    if not outputs:
        return None, "", (), (), ()
    tensor = model.tensors[outputs[0]]
    scales, zero_points = tuple(tensor.scales.tolist()), tuple(tensor.zero_points.tolist())
    return tensor.index, tensor.type.name.lower(), tensor.shape, scales, zero_points


TITLES = "operator,tensor,makes,scale,zero_point,weight scale,multiplier,shift,layers"


def format_rows(rows: Sequence[OperatorRow]) -> str:
    """Return the ledger as a text table, a line a row; several numbers show as least..largest."""
    table = [TITLES.split(","), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in table
    )


def _cells(row: OperatorRow) -> tuple[str, ...]:
    numbered = f"{row.operator} {row.name} v{row.version}"
    multipliers, shifts = (
        [number for numbers in (by_name or {}).values() for number in numbers]
        for by_name in (row.multipliers, row.shifts)
    )
    return (
        row.name if row.operator is None else numbered,
        "" if row.tensor is None else str(row.tensor),
        "" if row.tensor is None else f"{row.type} {row.shape}",
        _span(row.scales, ".6g"),
        _span(row.zero_points, "d"),
        _span(row.weight_scales, ".6g"),
        _span(multipliers, "d"),
        _span(shifts, "d"),
        f"refused: {row.refused}" if row.refused else " ".join(row.layers),
    )


def _span(numbers: Sequence[float], form: str) -> str:
    """Return "least..largest", one number where they are equal, "" for none.

    >>> _span([3, 1, 2], "d"), _span([2.0, 2.0], "g"), _span([], "g")
    ('1..3', '2', '')
    """
    if not numbers:
        return ""
    least, largest = (format(end, form) for end in (min(numbers), max(numbers)))
    return least if least == largest else f"{least}..{largest}"
