"""Where a range ends: rounding against clipping, and the range that each observer chose."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREEN, GREY, INK, VERMILION, drawn, figure

DPI = 110  # with both figures a chapter stays within 200 kB

Numbers = NDArray[np.floating]


@drawn
def clipping(shares: Numbers, errors: Mapping[str, Sequence[Numbers] | Numbers]) -> Figure:
    """Return a panel for each grid: mean squared error against the share of the range that is kept.

    The error of rounding is blue and dashed, that of clipping vermilion and dotted, and their sum
    black, with a ring at its least point.
    shares: (K,), above 0; errors: (rounding, clipping), each (K,), by title.
    """
    with figure(1, len(errors), size=(7.0, 2.9), dpi=DPI, sharey=True, squeeze=False) as (fig, row):
        for panel, (title, (rounding, clipped)) in zip(row[0], errors.items(), strict=True):
            total = rounding + clipped
            panel.semilogy(shares, total, color=INK, lw=2.5, label="both")
            panel.semilogy(shares, rounding, "--", color=BLUE, label="rounding")
            panel.semilogy(
                shares[clipped > 0],
                clipped[clipped > 0],
                ":",
                color=VERMILION,
                lw=2,
                label="clipping",
            )
            best = int(np.argmin(total))
            panel.plot(shares[best], total[best], "o", ms=9, mfc="none", mew=1.5, color=INK)
            panel.set(title=title, xlabel="share of the full range")
        row[0, 0].set_ylabel("mean squared error")
        row[0, -1].legend()
    return fig


@drawn
def chosen_ranges(
    values: Numbers,
    ranges: Mapping[str, Sequence[tuple[float, float]]],
    labels: Sequence[str],
) -> Figure:
    """Return a histogram with counts on a logarithmic axis, and below it the ranges as bars.

    values: any shape; ranges: by the observer's name, a (lo, hi) for each label; labels: one or
    two, whose bars are blue and green, one below the other.
    """
    size = (7.0, 0.42 * len(ranges) + 2.2)
    heights = (1.5, 0.42 * len(ranges))
    with figure(2, 1, size=size, dpi=DPI, sharex=True, height_ratios=heights) as (fig, axes):
        upper, lower = axes
        upper.hist(np.ravel(values), bins=80, color=GREY, log=True)
        upper.set_ylabel("numbers in a bin")
        step = 0.7 / len(labels)
        for k, (label, colour) in enumerate(zip(labels, (BLUE, GREEN), strict=False)):
            lo, hi = np.transpose([pairs[k] for pairs in ranges.values()])
            middles = np.arange(len(ranges)) - 0.35 + step * (k + 0.5)
            lower.barh(middles, hi - lo, left=lo, height=0.85 * step, color=colour, label=label)
        lower.axvline(0, color=GREY, lw=0.8, zorder=0)
        lower.set_yticks(range(len(ranges)), ranges)
        lower.tick_params(axis="y", length=0)
        lower.use_sticky_edges = False
        lower.margins(x=0.03)
        lower.set(ylim=(len(ranges) - 0.5, -0.5), xlabel="value")
        upper.legend(*lower.get_legend_handles_labels(), loc="upper left")
    return fig
