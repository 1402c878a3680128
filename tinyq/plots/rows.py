"""What the figures with a row for each tensor share: names at the side, values in dB."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from tinyq.plots.style import GREY

PLATE = {"facecolor": "white", "edgecolor": "none", "pad": 1}


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Put a name beside each row, the first at the top, and a thin line through it."""
    axes.set_yticks(range(len(names)), names, family="monospace", size=8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for y in range(len(names)):
        axes.axhline(y, color=GREY, lw=0.4, zorder=0)


def draw_decibels(
    axes: Axes, values: Sequence[float], colours: Sequence[str], notes: Sequence[str] = ()
) -> None:
    """Draw each row's dot at its value in dB, with the value beside it and a note after that.

    An infinite value has no place on the axis, so its row says "equal" in place of a dot.
    """
    finite = [value for value in values if np.isfinite(value)]
    least, edge = min(finite, default=0.0), max(finite, default=0.0)
    span = max(edge - least, 1.0)
    axes.set_xlim(least - 0.1 * span, edge + (0.55 if notes else 0.25) * span)
    for y, value in enumerate(values):
        note = f"  {notes[y]}" if notes else ""
        if not np.isfinite(value):
            axes.text(edge, y, f"equal{note}", va="center", size=8, bbox=PLATE)
            continue
        axes.plot(value, y, "o", ms=7, color=colours[y])
        axes.annotate(
            f"{value:.1f}{note}",
            (value, y),
            (8, 0),
            textcoords="offset points",
            va="center",
            size=8,
            bbox=PLATE,
        )
