"""How many codes one weight scale for a tensor leaves to each of its channels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, COLOURS, GREY, INK, drawn, figure
from tinyq.weights import WEIGHT_MAX

DPI = 100  # a chapter holds two of these figures within 200 kB
MARKS = ("o", "s", "^")


@drawn
def channel_codes(reach: Mapping[str, NDArray[np.integer]]) -> Figure:
    """Return a panel for each tensor, with a bar for each output channel: the largest code it uses.

    reach: largest |code| of each channel, (O,), in 0..127, by title.
    """
    with figure(1, len(reach), size=(7.0, 2.8), dpi=DPI, sharey=True, squeeze=False) as (fig, axes):
        for panel, (title, codes) in zip(axes[0], reach.items(), strict=True):
            bars = panel.bar(np.arange(len(codes)), codes, width=0.7, color=BLUE)
            panel.bar_label(bars, size=8, padding=1)
            panel.axhline(WEIGHT_MAX, color=GREY, lw=1, ls="--", zorder=0)
            panel.set(title=title, xlabel="output channel", xticks=np.arange(len(codes)))
        axes[0, 0].set(ylabel="largest code", yticks=[0, 32, 64, 96, WEIGHT_MAX], ylim=(0, 142))
    return fig


@drawn
def channel_worth(points: Mapping[str, Sequence[NDArray[Any]] | NDArray[Any]]) -> Figure:
    """Return what a scale for each channel gains, in dB: measured against predicted, by channel.

    points: (predicted, measured), each (O,), by the name of the network, at most 3.
    """
    largest = max(predicted.max() for predicted, _ in points.values())
    with figure(size=(5.4, 3.4), dpi=DPI) as (fig, axes):
        axes.plot([0, largest], [0, largest], "--", color=GREY, lw=1, label="as predicted")
        for (name, (predicted, measured)), mark, colour in zip(
            points.items(), MARKS, COLOURS, strict=False
        ):
            axes.plot(
                predicted, measured, mark, ms=6, mfc="none", mew=1.5, color=colour, label=name
            )
        axes.axhline(0, color=INK, lw=0.6, zorder=0)
        axes.set(xlabel="predicted gain in dB: equation (3.3)", ylabel="measured gain in dB")
        axes.legend()
    return fig
