"""How large an accumulator gets, against what an int16 and an int32 hold."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREY, INK, ORANGE, VERMILION, drawn, figure

DPI = 100  # a chapter holds two of these figures within 200 kB
MARKS = (
    ("o", BLUE, "seen"),
    ("s", ORANGE, "these weights: (4.2)"),
    ("D", GREY, "any weights of this fan-in"),
)
INT16_BITS, INT32_BITS = 15, 31  # the sign takes one more


@drawn
def accumulator_bits(networks: Mapping[str, Mapping[str, Sequence[int]]]) -> Figure:
    """Return a panel for each network, with the bits of each layer's largest accumulators.

    networks: by title, then by layer name: the largest |acc| that was seen, that these weights and
    biases allow, and that any weights of this fan-in allow, each > 0.
    """
    rows = max(len(layers) for layers in networks.values())
    size = (7.0, 0.42 * rows + 1.1)
    with figure(1, len(networks), size=size, dpi=DPI, sharex=True, squeeze=False) as (fig, axes):
        for panel, (title, layers) in zip(axes[0], networks.items(), strict=True):
            for y, sizes in enumerate(layers.values()):
                bits = np.log2(sizes)
                panel.plot(bits, [y] * len(bits), color=GREY, lw=1, zorder=1)
                for x, (mark, colour, _) in zip(bits, MARKS, strict=True):
                    panel.plot(x, y, mark, ms=6, color=colour, zorder=2)
            panel.set_yticks(range(len(layers)), layers, family="monospace", size=8)
            panel.set(title=title, ylim=(len(layers) - 0.4, -0.6), xlim=(12, 32.5), xlabel="bits")
            panel.set_xticks([INT16_BITS, 19, 23, 27, INT32_BITS])
            for width in (INT16_BITS, INT32_BITS):
                panel.axvline(width, color=INK, lw=1, ls="--", zorder=0)
                label = {"size": 7, "ha": "right", "va": "top", "rotation": 90}
                panel.text(width - 0.1, -0.6, f"int{width + 1} ends", **label)
        handles = [
            axes[0, 0].plot([], [], mark, ms=6, color=colour, label=label)[0]
            for mark, colour, label in MARKS
        ]
        fig.legend(handles=handles, loc="outside lower center", ncols=len(MARKS), fontsize=8)
    return fig


@drawn
def pair_sums(sums: NDArray[np.integer], limit: int) -> Figure:
    """Return the histogram of sums of two products, with those beyond an int16 in another colour.

    sums: integers, any shape; limit: of the int16, 32767, at which larger sums saturate.
    """
    edges = np.linspace(-2 * limit - 2, 2 * limit + 2, 129)
    inside = np.abs(edges[:-1] + edges[1:]) / 2 < limit
    count, _ = np.histogram(sums, edges)
    with figure(size=(6.6, 2.6), dpi=DPI) as (fig, axes):
        for part, colour, label in ((inside, BLUE, "fits"), (~inside, VERMILION, "saturates")):
            style = {"align": "edge", "color": colour, "label": label}
            axes.bar(edges[:-1][part], count[part], np.diff(edges)[part], **style)
        for end in (-limit - 1, limit):
            axes.axvline(end, color=INK, lw=1, ls="--")
        ticks = [-2 * limit - 2, -limit - 1, 0, limit, 2 * limit]
        axes.set_xticks(ticks, ticks)
        axes.set(xlabel="sum of two neighbouring products", ylabel="pairs")
        axes.legend()
    return fig
