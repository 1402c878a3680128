"""Read the operators of a .tflite: what each is, the tensors it takes and makes, its options."""

from collections.abc import Sequence
from dataclasses import fields
from enum import IntEnum
from typing import Any

from tinyq.models.tflite.builtins import name_of
from tinyq.models.tflite.flatbuffer import Table
from tinyq.models.tflite.model import NO_TENSOR, Operator
from tinyq.models.tflite.options import OPTIONS
from tinyq.models.tflite.types import Options, member


def read_operators(graph: Table, codes: Sequence[Table], count: int) -> tuple[Operator, ...]:
    """Return the operators of a subgraph.

    codes: the tables of the model's operator codes; count: of the subgraph's tensors.
    Raises ValueError for an index that names nothing and for options of another operator.
    """
    kinds = [_code(table) for table in codes]
    operators = []
    for index, table in enumerate(graph.tables(3, "operator")):
        number = table.number(0, "opcode_index", "<I", 0)
        if number >= len(kinds):
            raise ValueError(
                f"{table.where}: opcode_index must be below {len(kinds)}, got {number}"
            )
        name, version, custom = kinds[number]
        inputs = indices(table, 1, "inputs", count, NO_TENSOR)
        outputs = indices(table, 2, "outputs", count)
        options = _options(table, name)
        operators.append(Operator(index, name, version, inputs, outputs, options, custom))
    return tuple(operators)


def indices(table: Table, field: int, name: str, count: int, least: int = 0) -> tuple[int, ...]:
    """Return a vector of indices of tensors: least .. count - 1.  Raises ValueError for others."""
    found = table.ints(field, name)
    for index in found:
        if not least <= index < count:
            raise ValueError(
                f"{table.where}: {name} must be {least} or more and below {count}, got {index}"
            )
    return found


def _code(table: Table) -> tuple[str, int, str]:
    """Return the name, the version and the custom name that operators refer to."""
    # a code was one byte once: old readers read the first of the fields, new ones the larger
    old = table.number(0, "deprecated_builtin_code", "b", 0)
    code = max(old, table.number(3, "builtin_code", "<i", 0))
    if code < 0:
        raise ValueError(f"{table.where}: builtin_code must be 0 or more, got {code}")
    return name_of(code), table.number(2, "version", "<i", 1), table.text(1, "custom_code")


def _options(operator: Table, name: str) -> Options | None:
    """Return the options of an operator, with the schema's defaults where the file has none.

    operator: its table; name: the operator's.  None for an operator that is not in OPTIONS.
    Raises ValueError for another operator's table, and for a field that is no choice of the schema.
    """
    if name not in OPTIONS:
        return None
    number, kind = OPTIONS[name]
    got = operator.number(3, "builtin_options_type", "B", 0) if number else 0
    if got not in (0, number):
        raise ValueError(
            f"{operator.where}: builtin_options_type of {name} must be {number}, got {got}"
        )
    table = operator.table(4, "builtin_options") if got else None
    if table is None:
        return kind()
    read = enumerate(fields(kind))
    return kind(*(_field(table, i, f.name, f.type, f.default) for i, f in read))


def _field(table: Table, number: int, name: str, kind: Any, default: Any) -> Any:
    """Return one field of a table, as its type says."""
    if kind == tuple[int, ...]:
        return table.ints(number, name)
    if kind is bytes:
        return table.octets(number, name)
    if issubclass(kind, IntEnum):
        return member(table, number, name, kind, default)
    return table.number(number, name, {bool: "?", int: "<i", float: "<f"}[kind], default)
