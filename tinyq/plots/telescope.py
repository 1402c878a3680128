"""The error of the logits as a sum of one step for each tensor, with nothing left over."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.analysis.hybrids import Telescope
from tinyq.plots.rows import name_rows
from tinyq.plots.style import BLUE, INK, VERMILION, drawn, figure


@drawn
def telescope(found: Telescope, image: int = 0, logit: int = 0) -> Figure:
    """Return two panels with a row for each tensor in running order.

    Left: the error of one logit of one image, which grows from 0 at the top to the whole error at
    the bottom; a bar for each step is vermilion where it adds and blue where it takes away.  Right:
    the root mean square of each step over all images and logits.
    found: of tinyq.analysis.telescope; image, logit: indices.
    """
    steps = found.steps
    with figure(1, 2, size=(7.4, 0.25 * len(steps) + 1.2), dpi=120, sharey=True) as (fig, axes):
        left, right = axes
        _draw_steps(left, steps[:, image, logit])
        left.set(title=f"Logit {logit} of image {image}", xlabel="error so far: int8 - float")
        rms = np.sqrt(np.square(steps).mean(axis=(1, 2)))
        right.barh(range(len(rms)), rms, height=0.6, color=INK)
        for y in np.flatnonzero(rms == 0):
            right.annotate("0", (0, y), (3, 0), textcoords="offset points", va="center", size=8)
        right.set(title="All images and logits", xlabel="root mean square of the step")
        for panel in axes:
            name_rows(panel, found.names)
    return fig


def _draw_steps(axes: Axes, steps: NDArray[np.float64]) -> None:
    ends = np.cumsum(steps)
    colours = np.where(steps > 0, VERMILION, BLUE)
    axes.barh(range(len(steps)), steps, left=ends - steps, height=0.6, color=colours)
    for y, end in enumerate(ends):  # carry the sum on to the next row
        axes.plot([end, end], [y, min(y + 1, len(steps) - 0.5)], color=INK, lw=0.8)
    axes.axvline(0, color=INK, lw=0.8, ls=":", zorder=0)
    least, largest = min(0.0, ends.min()), max(0.0, ends.max())
    margin = 0.06 * (largest - least) or 1.0  # 1.0: no step at all
    axes.set_xlim(least - margin, largest + margin)
