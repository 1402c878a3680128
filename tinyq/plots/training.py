"""What training sees: the loss as a staircase, and all ways to round a row of weights."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from tinyq.plots.style import BLUE, GREEN, GREY, INK, VERMILION, drawn, figure

DPI = 100  # a chapter holds both figures within 200 kB
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2)
MARKS = (("X", VERMILION), ("o", BLUE), ("_", GREEN))


@drawn
def loss_stairs(steps: ArrayLike, smooth: ArrayLike, rounded: ArrayLike, start: float) -> Figure:
    """Return the loss against one weight, both as it is and rounded to its code.

    steps: the weight in steps of its scale, (N,), ascending; smooth, rounded: the loss there, (N,);
    start: where the weight stands, in steps.
    """
    steps, smooth = np.asarray(steps, float), np.asarray(smooth, float)
    codes = np.arange(np.ceil(steps[0]), np.floor(steps[-1]) + 1)
    with figure(size=(6.2, 3.0), dpi=DPI) as (fig, axes):
        axes.plot(steps, smooth, "--", color=GREY, lw=1.2, label="weight as it is")
        rounded_label = "weight rounded to its code"
        axes.plot(steps, rounded, color=BLUE, drawstyle="steps-mid", label=rounded_label)
        at_codes = np.interp(codes, steps, smooth)
        axes.plot(codes, at_codes, "o", ms=5, color=BLUE, label="the codes")
        axes.axvline(start, color=VERMILION, lw=1, ls=":", label=f"{start:.2f} steps")
        axes.set(xlabel="weight in steps of its scale", xticks=codes)
        axes.set(ylabel="loss", yscale="log", yticks=TICKS, yticklabels=TICKS)
        axes.minorticks_off()
        axes.legend(loc="lower left")
    return fig


@drawn
def ways_to_round(errors: ArrayLike, chosen: Mapping[str, ArrayLike]) -> Figure:
    """Return the error of every way to round each row as a grey dot, and of some ways by name.

    errors: above 0, (ways, rows); chosen: the error of each row, (rows,), by the name of the method
    that chose the way, at most 3.
    """
    errors = np.asarray(errors)
    rows = np.arange(errors.shape[1])
    with figure(size=(6.2, 3.4), dpi=DPI) as (fig, axes):
        axes.plot(rows, errors.T, ".", ms=3, color=GREY, alpha=0.6, mew=0, zorder=1)
        for (name, error), (mark, colour) in zip(chosen.items(), MARKS, strict=False):
            hollow = {"mfc": "none"} if mark == "o" else {"mec": INK if mark == "X" else colour}
            style = {"ms": 14 if mark == "_" else 8, "mew": 2 if mark != "X" else 0.5, **hollow}
            axes.plot(rows, error, mark, color=colour, label=name, **style)
        axes.set(xlabel="row: the logit of which digit", xticks=rows)
        axes.set(ylabel="mean squared error", yscale="log")
        axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    return fig
