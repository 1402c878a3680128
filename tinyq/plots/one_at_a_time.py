"""What each layer's rounding costs: quantized alone, and alone left float."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinyq.analysis.alone import OneAtATime
from tinyq.analysis.decision import Score
from tinyq.plots.rows import draw_decibels, name_rows
from tinyq.plots.style import BLUE, INK, VERMILION, drawn, figure


@drawn
def one_at_a_time(found: OneAtATime) -> Figure:
    """Return two panels with a row for each owner of a grid: SQNR of the logits, and accuracy.

    Left: only that one is int8, and the dot furthest left hurts most.  Right: only that one is
    float; the line is the int8 network, and sparing the dot furthest right of it helps most.
    found: of tinyq.analysis.one_at_a_time.
    """
    names = list(found.alone_on)
    with figure(1, 2, size=(7.4, 0.34 * len(names) + 1.3), dpi=120, sharey=True) as (fig, axes):
        panels = zip(axes, (found.alone_on, found.alone_off), (VERMILION, BLUE), strict=True)
        for panel, scores, colour in panels:
            values = [score.sqnr_db for score in scores.values()]
            notes = [f"{100 * score.accuracy:.1f} %" for score in scores.values()]
            name_rows(panel, names)
            draw_decibels(panel, values, [colour] * len(names), notes)
            panel.set_xlabel("SQNR of the logits in dB, accuracy")
        left, right = axes
        left.set_title("Only this one int8", pad=16)
        right.set_title("All int8 but this one", pad=16)
        _draw_all_int8(right, found.all_on)
    return fig


def _draw_all_int8(axes: Axes, score: Score) -> None:
    if np.isfinite(score.sqnr_db):
        axes.axvline(score.sqnr_db, color=INK, lw=0.8, ls="--", zorder=0)
        text = f"all int8: {score.sqnr_db:.1f}  {100 * score.accuracy:.1f} %"
        above = axes.get_xaxis_transform()
        axes.text(score.sqnr_db, 1.01, text, size=8, va="bottom", transform=above)
