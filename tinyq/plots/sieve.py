"""Which check notices which planted bug."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from tinyq.plots.style import BLUE, GREY, INK, VERMILION, drawn, figure


@drawn
def sieve(groups: Sequence[str], caught: Mapping[str, Sequence[bool]]) -> Figure:
    """Return a row for each check and a column for each bug, blue where the check notices the bug.

    groups: what each bug breaks, equal names side by side; caught: by name of the check, whether it
    notices each bug.  A mark below a column says that no check of the figure notices the bug.
    """
    found = np.array(list(caught.values()), dtype=bool)
    with figure(size=(5.8, 0.38 * len(caught) + 0.9), dpi=130) as (fig, axes):
        for (y, x), notices in np.ndenumerate(found):
            colour = BLUE if notices else (GREY, 0.2)
            axes.add_patch(Rectangle((x - 0.42, y - 0.42), 0.84, 0.84, facecolor=colour))
        missed = np.flatnonzero(~found.any(axis=0))
        axes.plot(missed, np.full(len(missed), len(caught) - 0.25), "^", color=VERMILION, ms=5)
        _draw_groups(axes, groups)
        labels = [f"{name}: {sum(row)}" for name, row in zip(caught, found, strict=True)]
        axes.set_yticks(range(len(caught)), labels, size=9)
        axes.set(xlim=(-0.7, len(groups) - 0.3), ylim=(len(caught) + 0.1, -1.2), xticks=[])
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return fig


def _draw_groups(axes: Axes, groups: Sequence[str]) -> None:
    """Write each group's name above its columns, and a line between two groups."""
    start = 0
    for name, members in groupby(groups):
        end = start + len(list(members))
        axes.text((start + end - 1) / 2, -0.75, name, ha="center", size=9, color=INK)
        if start:
            axes.axvline(start - 0.5, color=GREY, lw=0.8)
        start = end
