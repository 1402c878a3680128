"""What a grid does to real numbers: the staircase, its error, and a row of real data."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.plots.style import BLUE, GREY, INK, VERMILION, drawn, figure


@drawn
def staircase(grids: Sequence[Grid], lo: float, hi: float) -> Figure:
    """Return a column for each grid: its staircase from lo to hi, and below it the error.

    Above: the number that comes back against the number that went in.  Below: their difference, and
    a band of half a step on each side of zero; where the error leaves the band, codes are clamped.
    grids: one or more; lo, hi: the stretch of real numbers to draw, lo < hi.
    """
    x = np.linspace(lo, hi, 2001, dtype=np.float32)
    with figure(2, len(grids), size=(7.0, 3.8), sharex=True, sharey="row", squeeze=False) as (
        fig,
        axes,
    ):
        for grid, (stairs, error) in zip(grids, axes.T, strict=True):
            back = grid.dequantize(grid.quantize(x))
            stairs.plot(x, x, "--", color=GREY, lw=1, label="what went in")
            stairs.plot(x, back, color=BLUE, label="what comes back")
            stairs.set_title(f"{_bits(grid)} bits, scale {grid.scale:.4f}")
            error.axhspan(-grid.scale / 2, grid.scale / 2, color=GREY, alpha=0.25, lw=0)
            error.plot(x, back - x, color=VERMILION)
            error.set_xlabel("number that goes in")
        axes[0, 0].set_xlim(lo, hi)  # ticks beyond it would run into the next column's
        axes[0, 0].set_ylabel("number that\ncomes back")
        axes[1, 0].set_ylabel("error\n(band: half a step)")
        axes[0, 0].legend()
    return fig


@drawn
def row_on_grids(values: NDArray[np.float32], grids: Sequence[Grid]) -> Figure:
    """Return a row of numbers beside what comes back from each grid, and the errors.

    values: float32 (W,); grids: two of them, the finer one first.
    """
    places = np.arange(len(values))
    with figure(1, 2, size=(7.0, 3.0)) as (fig, (numbers, errors)):
        numbers.plot(places, values, color=INK, lw=1, label="real")
        for grid, colour, marker, width in zip(
            grids, (BLUE, VERMILION), ("o", "s"), (-0.4, 0.4), strict=True
        ):
            back = grid.dequantize(grid.quantize(values))
            label = f"{_bits(grid)} bits"
            numbers.plot(places, back, marker, ms=5, color=colour, label=label)
            errors.bar(places, back - values, width, align="edge", color=colour, label=label)
            _mark_half_step(errors, grid, colour)
        numbers.set(xlabel="column", ylabel="red value", title="The numbers")
        errors.set(xlabel="column", ylabel="error", title="The errors (lines: half a step)")
        numbers.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, -0.2))
    return fig


def _mark_half_step(axes: Axes, grid: Grid, colour: str) -> None:
    for bound in (-grid.scale / 2, grid.scale / 2):
        axes.axhline(bound, color=colour, lw=1, ls=":")


def _bits(grid: Grid) -> int:
    return int(np.log2(grid.qmax - grid.qmin + 1))
