"""The two ranges of each channel between two layers, and the mean errors of its outputs."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREY, VERMILION, drawn, figure

Numbers = NDArray[np.floating]


@drawn
def seesaw(networks: Mapping[str, tuple[Numbers, Numbers]]) -> Figure:
    """Return a panel for each network, with each channel's range where it is made and read.

    networks: by title, the largest absolute weight of each channel in the first layer, which makes
    it, and in the second, which reads it: above 0, (C,) each.
    """
    with figure(1, len(networks), size=(6.4, 2.8), sharey=True, dpi=130) as (fig, axes):
        for panel, (title, (made, read)) in zip(np.atleast_1d(axes), networks.items(), strict=True):
            channels = np.arange(len(made))
            panel.vlines(channels, np.minimum(made, read), np.maximum(made, read), color=GREY, lw=1)
            panel.plot(channels, made, "o", color=BLUE, label="made, first layer")
            panel.plot(channels, read, "s", color=VERMILION, label="read, second layer")
            panel.set(title=title, xlabel="channel", yscale="log", xticks=channels)
        panel.legend(loc="lower right", fontsize=8)
        fig.supylabel("largest weight", size=10)
    return fig


@drawn
def mean_errors(rounds: Mapping[str, Numbers]) -> Figure:
    """Return the mean error of each channel's outputs, with another mark for each round.

    rounds: by name, the mean errors (C,), in real numbers; at most three rounds.
    """
    with figure(size=(6.2, 2.8), dpi=130) as (fig, axes):
        axes.axhline(0, color=GREY, lw=0.8)
        marks = zip(rounds.items(), "os^", (VERMILION, BLUE, GREY), strict=False)
        for (name, errors), mark, colour in marks:
            axes.plot(errors, mark, color=colour, label=name)
        channels = np.arange(max(map(len, rounds.values())))
        axes.set(xlabel="channel", ylabel="mean error", xticks=channels)
        axes.legend(fontsize=8)
    return fig
