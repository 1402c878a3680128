"""The scale ledger: who owns which grid, who requantizes, who passes it on, what it weighs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.layers.contract import Layer
from tinyq.layers.linear import Linear
from tinyq.layers.widening import widened_channels


@dataclass(frozen=True)
class LedgerRow(Proved):
    """One layer's bookkeeping.

    name, kind: of the layer ("input" quantizes on the host, kind "quantize").
    in_grids, out_grid: Grid objects; out_grid is one of in_grids where the layer passes through.
    requantizes: whether the layer rescales to a grid of its own.
    weight_scale, multiplier, shift: (least, largest), None where there are none.
    weight_bytes: int8 weights and int32 biases; activation_bytes: output codes of one image;
    widened: the channels of near-zero weights whose scale was widened for the bias.
    """

    name: str
    kind: str
    in_grids: tuple[Grid, ...]
    out_grid: Grid
    requantizes: bool
    weight_scale: tuple[float, float] | None
    multiplier: tuple[int, int] | None
    shift: tuple[int, int] | None
    weight_bytes: int
    activation_bytes: int
    widened: tuple[int, ...] = ()


@checked
def ledger_row(name: str, layer: Layer | None, out_grid: Grid, activation_bytes: int) -> LedgerRow:
    """Return the bookkeeping of one int8 layer; layer None stands for the input."""
    if layer is None:
        return LedgerRow(
            name, "quantize", (), out_grid, False, None, None, None, 0, activation_bytes
        )
    read, requantizers = layer.in_grids, layer.requantizers.values()
    scales, weight_bytes = [], 0
    widened: tuple[int, ...] = ()
    if isinstance(layer, Linear):
        scales, weight_bytes = [layer.weight_scale], layer.weight.nbytes + layer.bias.nbytes
        widened = widened_channels(layer.weight, layer.bias, layer.weight_scale, layer.in_grid)
    return LedgerRow(
        name=name,
        kind=type(layer).__name__,
        in_grids=read,
        out_grid=out_grid,
        requantizes=not any(out_grid is grid for grid in read),
        weight_scale=_extent(scales),
        multiplier=_extent([r.multiplier for r in requantizers]),
        shift=_extent([r.shift for r in requantizers]),
        weight_bytes=weight_bytes,
        activation_bytes=activation_bytes,
        widened=widened,
    )


def _extent(arrays: Sequence[NDArray[Any]]) -> tuple[Any, Any] | None:
    """Return (least, largest) over all arrays as Python numbers, None for no array."""
    if not arrays:
        return None
    return min(a.min().item() for a in arrays), max(a.max().item() for a in arrays)


COLUMNS = (
    ("layer", "<15"),
    ("kind", "<17"),
    ("grid", ">4"),
    ("scale", ">7"),
    ("zero_point", ">10"),
    ("", "<11"),
    ("weight scale", "<18"),
    ("multiplier", "<22"),
    ("shift", "<6"),
    ("weights", ">7"),
    ("codes", ">5"),
)


@checked
def format_ledger(rows: Sequence[LedgerRow]) -> str:
    """Return the ledger as a text table, a line a layer; grids are numbered as they appear.

    A star marks weight scales of which some were widened, and lines below say of which channels.
    """
    numbers: dict[int, int] = {}
    lines: list[list[object]] = [[title for title, _ in COLUMNS]]
    for row in rows:
        number = numbers.setdefault(id(row.out_grid), len(numbers) + 1)
        verb = "requantizes" if row.requantizes else "passes" if row.in_grids else "quantizes"
        lines.append(
            [
                row.name,
                row.kind,
                number,
                f"{row.out_grid.scale:.5f}",
                row.out_grid.zero_point,
                verb,
                _span(row.weight_scale, ".6f") + "*" * bool(row.widened),
                _span(row.multiplier, "d"),
                _span(row.shift, "d"),
                row.weight_bytes,
                row.activation_bytes,
            ]
        )
    forms = [form for _, form in COLUMNS]
    table = [
        "  ".join(format(cell, form) for cell, form in zip(line, forms, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*table, *(_said(row) for row in rows if row.widened)])


def _said(row: LedgerRow) -> str:
    """Return the line below the table on a row's widened scales."""
    channels = ", ".join(map(str, row.widened[:8])) + ", ..." * (len(row.widened) > 8)
    kind = "channel" if len(row.widened) == 1 else "channels"
    return f"* {row.name}: near-zero weights, scale widened for the bias: {kind} {channels}"


def _span(extent: tuple[Any, Any] | None, form: str) -> str:
    """Return "least..largest", or one number where they are equal.

    >>> _span((1, 9), "d"), _span((2, 2), "d"), _span(None, "d")
    ('1..9', '2', '')
    """
    if extent is None:
        return ""
    least, largest = (format(value, form) for value in extent)
    return least if least == largest else f"{least}..{largest}"
