"""Figures of the record of speed: times side by side, how they grow, and the machine's limits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tinyq.plots.rows import name_rows
from tinyq.plots.style import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, drawn, figure

DPI = 130  # narrow figures: on a phone the type is still 8 px high
EXACT, OTHER, FLOAT = BLUE, VERMILION, GREY
KINDS = ((EXACT, "every byte"), (OTHER, "other bytes"), (FLOAT, "float"))
LEGEND = {"fontsize": 8, "columnspacing": 1.2, "handletextpad": 0.4}
LINES = {
    "layers": (GREY, "s"),
    "numpy": (BLUE, "o"),
    "vnni": (VERMILION, "D"),
    "litert-reference": (GREEN, "v"),
    "litert-xnnpack": (ORANGE, "^"),
}


@drawn
def speeds(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the time of each runner on one case, a row a runner, on a logarithmic axis.

    runs: rows of book/engines.json with one network and one batch.
    The colour says whether all logits are those of the layers.
    """
    names = list(dict.fromkeys(run["runner"] for run in runs))
    with figure(size=(4.7, 0.32 * len(names) + 1.3), dpi=DPI) as (fig, axes):
        for run in runs:
            milliseconds, y = run["us"] / 1e3, names.index(run["runner"])
            axes.plot(milliseconds, y, "o", color=_colour(run), ms=8)
        name_rows(axes, names)
        axes.set(xscale="log", xlabel="milliseconds a call; left is faster")
        axes.grid(axis="x", lw=0.4)
        _plain_numbers(axes.xaxis)
        for colour, word in KINDS:
            axes.plot([], [], "o", color=colour, ms=8, label=word)
        fig.legend(loc="outside lower center", ncols=3, **LEGEND)
    return fig


def _colour(run: Mapping[str, Any]) -> str:
    if run["equal_logits"] is None:
        return FLOAT
    return EXACT if run["equal_logits"] == run["logits"] else OTHER


@drawn
def growth(rows: Sequence[Mapping[str, Any]], axes_of: Mapping[str, str]) -> Figure:
    """Return time and the plans' memory against what grows, both axes logarithmic.

    rows: the growth of book/engines.json, of runners in LINES; axes_of: by axis, the words for it.
    """
    runners = list(dict.fromkeys(row["runner"] for row in rows))
    size = (4.7, 1.9 * len(axes_of) + 0.6)
    with figure(len(axes_of), 2, size=size, dpi=DPI, squeeze=False) as (fig, panels):
        for (time, memory), (axis, words) in zip(panels, axes_of.items(), strict=True):
            for runner in runners:
                colour, mark = LINES[runner]
                points = [r for r in rows if (r["axis"], r["runner"]) == (axis, runner)]
                style = {"color": colour, "marker": mark, "ms": 4.5, "lw": 1.3}
                x = [point["value"] for point in points]
                time.plot(x, [p["us"] / 1e3 for p in points], label=runner, **style)
                if all(point["plan_bytes"] for point in points):
                    memory.plot(x, [p["plan_bytes"] / 1e6 for p in points], **style)
            ticks = sorted({r["value"] for r in rows if r["axis"] == axis})
            for panel, ylabel in ((time, "ms a call"), (memory, "MB of a plan")):
                _both_logarithmic(panel, words, ylabel, ticks)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=len(runners), **LEGEND)
    return fig


def _both_logarithmic(panel: Axes, xlabel: str, ylabel: str, ticks: Sequence[int]) -> None:
    panel.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    panel.set_xticks(ticks, [str(tick) for tick in ticks], fontsize=7)
    panel.set_xticks([], minor=True)
    _plain_numbers(panel.yaxis)
    panel.grid(lw=0.4)


def _plain_numbers(axis: Axis) -> None:
    """Write 0.1, 1, 10 instead of powers, 0.5 and 2 as well where the axis is short."""
    low, high = axis.get_view_interval()
    if high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(labelsize=8)


@drawn
def roofline(limits: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Return what memory and products allow, and where the networks stand.

    limits: the roofline of book/engines.json; runs: rows to draw, of networks and batches that the
    limits have and of runners in LINES.  Both axes are logarithmic.
    """
    bandwidth = limits["copy"][0]["gb_per_s"]
    where = {(n["network"], n["batch"]): n["mac_per_byte"] for n in limits["networks"]}
    names = list(dict.fromkeys(run["runner"] for run in runs))
    with figure(size=(4.7, 4.4), dpi=DPI) as (fig, axes):
        _draw_roofs(axes, bandwidth, limits["rates"])
        for runner in names:
            colour, mark = LINES[runner]
            points = [run for run in runs if run["runner"] == runner]
            x = [where[run["network"], run["batch"]] for run in points]
            axes.plot(x, [r["gmac_per_s"] for r in points], mark, color=colour, ms=6, label=runner)
        for number, ((network, batch), x) in enumerate(where.items()):
            axes.axvline(x, color=GREY, lw=0.6, zorder=0)
            side = {"ha": "right" if number % 2 == 0 else "left", "rotation": 90, "fontsize": 7}
            axes.text(x, 0.0045, f" {network}, batch {batch} ", va="bottom", **side)
        axes.set(xscale="log", yscale="log", xlim=(1, 1000), ylim=(0.004, 2000))
        axes.set(xlabel="products a byte that moves", ylabel="billions of products a second")
        for axis in (axes.xaxis, axes.yaxis):
            _plain_numbers(axis)
        fig.legend(loc="outside lower center", ncols=3, **LEGEND)
    return fig


def _draw_roofs(axes: Axes, bandwidth: float, rates: Sequence[Mapping[str, Any]]) -> None:
    """Draw the slope that a copy allows, and the level of each kernel's fastest product."""
    best: dict[str, float] = {}
    for row in rates:
        best[row["kernel"]] = max(best.get(row["kernel"], 0), row["gmac_per_s"])
    for (kernel, rate), style in zip(best.items(), ("--", "-"), strict=False):
        x = np.array([1, rate / bandwidth, 1000])
        axes.plot(x, np.minimum(x * bandwidth, rate), style, color=INK, lw=1.3)
        axes.text(900, rate * 1.1, f"{kernel}: {rate:.0f}", ha="right", fontsize=8)
    axes.text(1.2, 3 * bandwidth, f"a copy:\n{bandwidth:.0f} GB/s", fontsize=8)
