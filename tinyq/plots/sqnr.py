"""The signal to quantization noise ratio of each tensor of a network."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from tinyq.plots.grid_map import GRID_COLOURS
from tinyq.plots.style import GREY, drawn, figure


@drawn
def sqnr(decibels: Mapping[str, float], grids: Sequence[int]) -> Figure:
    """Return a dot for each tensor, in running order from top to bottom, coloured by its grid.

    decibels: SQNR by tensor name; grids: the number of each tensor's grid, from 1.
    """
    with figure(size=(5.6, 0.24 * len(decibels) + 0.8), dpi=120) as (fig, axes):
        for y, (value, grid) in enumerate(zip(decibels.values(), grids, strict=True)):
            axes.axhline(y, color=GREY, lw=0.4, zorder=0)
            axes.plot(value, y, "o", ms=8, color=GRID_COLOURS[(grid - 1) % len(GRID_COLOURS)])
            axes.annotate(
                f"{value:.1f}",
                (value, y),
                (9, 0),
                textcoords="offset points",
                va="center",
                size=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        axes.set_yticks(range(len(decibels)), decibels, family="monospace", size=8)
        axes.set(xlabel="SQNR in dB: higher is better", ylim=(len(decibels) - 0.5, -0.5))
        axes.margins(x=0.15)
        axes.tick_params(axis="y", length=0)
    return fig
