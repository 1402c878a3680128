"""The error of each tensor: its SQNR, and its size in steps of its own grid."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinyq.analysis.errors import TensorError
from tinyq.plots.grid_map import GRID_COLOURS
from tinyq.plots.rows import PLATE, draw_decibels, name_rows
from tinyq.plots.style import INK, drawn, figure


@drawn
def tensor_errors(errors: Sequence[TensorError]) -> Figure:
    """Return two panels, a row a tensor from top to bottom, coloured by its grid.

    Left: SQNR in dB.  Right: the mean and the largest absolute error in steps of the grid, on a
    logarithmic axis; the line at half a step is what a tensor's own rounding can do at most.
    errors: of tinyq.analysis.tensor_errors.
    """
    numbers: dict[int, int] = {}
    colours = [
        GRID_COLOURS[numbers.setdefault(id(e.grid), len(numbers)) % len(GRID_COLOURS)]
        for e in errors
    ]
    with figure(1, 2, size=(7.4, 0.25 * len(errors) + 1.0), dpi=120, sharey=True) as (fig, axes):
        left, right = axes
        name_rows(left, [error.name for error in errors])
        draw_decibels(left, [error.sqnr_db for error in errors], colours)
        left.set(xlabel="SQNR in dB: higher is better")
        left.set_title("Signal to noise", pad=16)
        _draw_steps(right, errors, colours)
    return fig


def _draw_steps(axes: Axes, errors: Sequence[TensorError], colours: Sequence[str]) -> None:
    name_rows(axes, [error.name for error in errors])
    axes.set_xscale("log")
    axes.axvline(0.5, color=INK, lw=0.8, ls="--", zorder=0)
    above = axes.get_xaxis_transform()
    axes.text(0.5, 1.01, "half a step", size=8, ha="center", va="bottom", transform=above)
    for y, (error, colour) in enumerate(zip(errors, colours, strict=True)):
        if not error.max_abs:
            axes.text(0.5, y, "equal", size=8, va="center", bbox=PLATE)
            continue
        axes.plot([error.mean_codes, error.max_codes], [y, y], color=colour, lw=1.2)
        axes.plot(error.mean_codes, y, "o", ms=7, color=colour)
        axes.plot(error.max_codes, y, "|", ms=10, mew=2, color=colour)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("steps of the grid: dot mean, bar largest")
    axes.set_title("Absolute error", pad=16)
