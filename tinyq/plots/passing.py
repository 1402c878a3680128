"""Figures of the layers that keep their grid: codes in an image, ties of a pool, idle codes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.plots.style import BLUE, GREEN, GREY, INK, SKY, VERMILION, drawn, figure

DPI = 100  # a chapter holds three of these figures within 200 kB
MARKS = ("o", "^", "x")
AROUND_ZERO = LinearSegmentedColormap.from_list("around zero", [BLUE, "white", VERMILION])


@drawn
def codes_through_pool(
    before: NDArray[np.int8], relu: NDArray[np.int8], pooled: NDArray[np.int8], grid: Grid
) -> Figure:
    """Return three images of codes, every code written in its cell, with one colour bar.

    The bar has the codes below it and their real numbers above.  White is real zero.
    before, relu: (H, W) codes; pooled: (H / k, W / k); grid: of all three.
    """
    window = len(relu) // len(pooled)
    reach = max(grid.qmax - grid.zero_point, grid.zero_point - grid.qmin)
    norm = Normalize(grid.zero_point - reach, grid.zero_point + reach)
    widths = [before.shape[1], relu.shape[1], pooled.shape[1]]
    with figure(1, 3, size=(7.0, 3.7), dpi=DPI, width_ratios=widths) as (fig, panels):
        titles = ("after the convolution", "after ReLU", "after max pool")
        for axes, title, codes in zip(panels, titles, (before, relu, pooled), strict=True):
            image = axes.imshow(codes, cmap=AROUND_ZERO, norm=norm)
            axes.set(title=title, xticks=[], yticks=[], anchor="N")
            for (y, x), code in np.ndenumerate(codes):
                axes.text(x, y, code, ha="center", va="center", fontsize=7)
        for edge in np.arange(0, len(relu) + 1, window) - 0.5:
            panels[1].axhline(edge, color=INK, lw=0.8)
            panels[1].axvline(edge, color=INK, lw=0.8)
        bar = fig.colorbar(
            image, ax=panels, location="bottom", aspect=50, panchor=False, label="code"
        )
        bar.ax.set_xlim(grid.qmin, grid.qmax)
        ticks = [grid.qmin, grid.qmin // 2, grid.zero_point, grid.qmax // 2, grid.qmax]
        bar.set_ticks(ticks, labels=[str(code) for code in ticks])
        reals = bar.ax.secondary_xaxis("top")
        reals.set_xticks(ticks, [f"{grid.dequantize(q):.2f}" for q in ticks])
        reals.set_xlabel("real number")
    return fig


@drawn
def pool_ties(sums: NDArray[np.int64], rules: Mapping[str, NDArray[Any]], count: int) -> Figure:
    """Return the mean code over the sum of ``count`` codes; at each tie every rule has a mark.

    sums: consecutive raw sums; rules: mean codes of these sums by the name of the rule, at most 3.
    """
    tie = 2 * (sums % count) == count
    with figure(size=(6.8, 2.9), dpi=DPI) as (fig, axes):
        axes.plot(sums, sums / count, color=GREY, lw=1, label="exact mean")
        common = next(iter(rules.values()))[~tie]
        axes.plot(sums[~tie], common, ".", ms=3, color=INK, label="no tie: all rules agree")
        for (name, codes), mark, colour in zip(
            rules.items(), MARKS, (BLUE, VERMILION, GREEN), strict=False
        ):
            axes.plot(
                sums[tie], codes[tie], mark, ms=11, mew=2, mfc="none", color=colour, label=name
            )
        axes.set(xlabel=f"raw sum of {count} codes", ylabel="mean code", xticks=sums[tie])
        axes.set_yticks(np.unique(common))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


@drawn
def codes_used(tensors: Mapping[str, tuple[NDArray[np.int8], Grid]]) -> Figure:
    """Return a histogram of codes for each tensor, the codes below its zero_point shaded.

    tensors: (codes, grid) by title.  The count axis is logarithmic.
    """
    shape, size = (len(tensors), 1), (7.0, 1.8 * len(tensors))
    with figure(*shape, size, dpi=DPI, sharex=True, sharey=True) as (fig, panels):
        for axes, (title, (codes, grid)) in zip(panels, tensors.items(), strict=True):
            every_code = np.arange(grid.qmin, grid.qmax + 1)
            count = (codes.reshape(-1, 1) == every_code).sum(axis=0)
            axes.bar(every_code, count, width=1.0, color=BLUE)
            title = f"{title}: scale {grid.scale:.5f}, zero_point {grid.zero_point}"
            axes.set(title=title, yscale="log", ylabel="pixels", xlim=(-130, 129))
            idle = grid.zero_point - grid.qmin
            if idle:
                axes.axvspan(grid.qmin - 0.5, grid.zero_point - 0.5, color=SKY, alpha=0.25, lw=0)
                middle = (grid.qmin + grid.zero_point) / 2
                axes.text(
                    middle,
                    0.5,
                    f"{idle} codes that no pixel has",
                    ha="center",
                    va="center",
                    transform=axes.get_xaxis_transform(),
                )
        panels[-1].set_xlabel("code")
    return fig
