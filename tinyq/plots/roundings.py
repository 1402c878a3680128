"""Where two rounding rules disagree: near a half, and nowhere else."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREY, INK, VERMILION, drawn, figure


@drawn
def roundings(
    exact: NDArray[np.float64], results: Mapping[str, NDArray[Any]], bound: float, tie: float
) -> Figure:
    """Return the staircases of two rules around a tie, and every place where rules disagree.

    Left: the first two rules around the tie.  Right: each value on which another rule differs from
    the first, by its distance from the nearest half, in units of bound.
    exact: acc * ratio (N,); results: integers (N,) by rule, three of them; bound: how far from a
    half the first rule's two roundings can reach; tie: a number that ends in .5.
    """
    with figure(1, 2, size=(7.0, 3.2)) as (fig, (stairs, map_)):
        _draw_stairs(stairs, exact, results, bound, tie)
        base, *others = results
        for rule, colour, marker in zip(others, (VERMILION, BLUE), ("x", "."), strict=True):
            differs = results[rule] != results[base]
            value = exact[differs]
            to_half = (value - np.floor(value) - 0.5) / bound
            map_.plot(value, to_half, marker, ms=4, color=colour, label=f"{rule} differs")
        map_.axhspan(-1, 1, color=GREY, alpha=0.25, lw=0)
        map_.set(title=f"All that differ from {base}", xlabel="exact value")
        map_.set(ylabel="distance to the nearest half\n(1: the bound)", ylim=(-2.2, 2.2))
        map_.legend(loc="lower center", ncols=2, columnspacing=1, handletextpad=0)
    return fig


def _draw_stairs(
    axes: Axes, exact: NDArray[Any], results: Mapping[str, NDArray[Any]], bound: float, tie: float
) -> None:
    near = np.abs(exact - tie) < 8 * bound
    first, second, *_ = results
    axes.axvspan(tie - bound, tie, color=GREY, alpha=0.25, lw=0)
    axes.axvline(tie, color=GREY, lw=1, ls="--")
    axes.plot(exact[near], results[first][near], "o", mfc="none", color=INK, label=first)
    axes.plot(exact[near], results[second][near], "x", color=VERMILION, label=second)
    axes.set(title=f"Around {tie:g}", xlabel="exact value", ylabel="result")
    axes.set_yticks([tie - 0.5, tie + 0.5], [f"{tie - 0.5:g}", f"{tie + 0.5:g}"])
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.margins(y=0.3)
    axes.legend()
