"""What the page of operator contracts must say of a layer, as far as the exporters know."""

import re
from collections.abc import Iterator

from layer_cases import LayerCase

from tinyq.export.c_kernels import KERNELS
from tinyq.export.onnx_operator import Operator
from tinyq.export.onnx_qlinear import OPERATORS as ONNX
from tinyq.export.onnx_qlinear import qlinear
from tinyq.export.tflite_operators import OPERATORS as TFLITE
from tinyq.export.tflite_operators import operators as tflite_operators
from tinyq.export.tflite_steps import Step

ROWS = ["contract", "takes", "gives", "grid", "rounding", "refuses", "in TFLite", "in ONNX"]
ROWS += ["in C"]
NOT_EXPORTED = "not exported"


def rows(section: str) -> dict[str, str]:
    """The table of a layer's contract."""
    return dict(re.findall(r"^\| ([\w ]+) \| (.+) \|$", section, re.M))


def faults(said: dict[str, str], case: LayerCase) -> Iterator[str]:
    """What a contract says of grids and exporters, and should not."""
    kind, reads = type(case.layer), ("x", "y")[: len(case.shapes)]
    if list(said) != ROWS:
        yield f"rows must be {ROWS}, got {list(said)}"
        return
    passes = any(case.layer.out_grid is grid for grid in case.layer.in_grids)
    verb = "passes" if passes else "requantizes to `out_grid`" if reads else "has `out_grid`"
    if not said["grid"].startswith(verb):
        yield f"grid must start with {verb!r}"
    shapes = [(1, *shape) for shape in case.shapes]
    step = Step(case.layer, reads, "made")
    codes = [op.code for op in tflite_operators(step, *shapes)] if kind in TFLITE else []
    yield from named(said, "in TFLite", codes)
    made = onnx_codes(qlinear(case.layer, reads, case.shapes)) if kind in ONNX else []
    yield from named(said, "in ONNX", made)
    yield from named(said, "in C", [KERNELS[kind].function] if kind in KERNELS else [])


def named(said: dict[str, str], row: str, wanted: list[str]) -> Iterator[str]:
    """The faults of a row that must name operators, or say that there are none."""
    found = re.findall(r"`([^`]+)`", said[row])
    if not wanted and not said[row].startswith(NOT_EXPORTED):
        yield f"{row!r} must start with {NOT_EXPORTED!r}: the exporter refuses the layer"
    if missing := [code for code in wanted if code not in found]:
        yield f"{row!r} must name {missing}"


def onnx_codes(operator: Operator) -> list[str]:
    """The operators of an expression, from the last to the first."""
    inner = [one for one in operator.operands if isinstance(one, Operator)]
    return [operator.code, *(code for one in inner for code in onnx_codes(one))]
