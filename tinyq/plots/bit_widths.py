"""Accuracy and SQNR against the number of bits: the whole network, and layer by layer."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinyq.analysis.bits import BitSweep, LayerBitSweep
from tinyq.analysis.decision import Score
from tinyq.plots.style import INK, drawn, figure


@drawn
def bit_widths(found: BitSweep) -> Figure:
    """Return two panels over the number of bits: accuracy, and SQNR of the logits.

    The solid line with dots is for the weights, the dashed one with squares for the activations.
    found: of tinyq.analysis.sweep_bits.
    """
    with figure(1, 2, size=(7.4, 2.8), dpi=120) as (fig, (left, right)):
        for label, scores, form in (
            ("weights", found.weights, "o-"),
            ("activations", found.activations, "s--"),
        ):
            bits, values = list(scores), scores.values()
            left.plot(bits, [100 * score.accuracy for score in values], form, label=label)
            right.plot(bits, [score.sqnr_db for score in values], form, label=label)
        left.set(title="Accuracy in %", xlabel="bits", ylim=(0, 105))
        right.set(title="SQNR of the logits in dB", xlabel="bits")
        left.legend(loc="lower right")
        for panel in (left, right):
            panel.set_xticks(sorted({*found.weights, *found.activations}))
    return fig


@drawn
def layer_bits(found: LayerBitSweep) -> Figure:
    """Return two tables of accuracy in %, for weights and for activations.

    Each has a row for each layer and a column for each number of bits; the paler a cell, the more
    was lost.
    found: of tinyq.analysis.sweep_layer_bits.
    """
    heights = len(found.weights), len(found.activations)
    size = (7.4, 0.3 * sum(heights) + 1.4)
    with figure(2, 1, size=size, dpi=120, height_ratios=heights) as (fig, (upper, lower)):
        _draw_table(upper, "Weights of this layer alone", found.weights)
        _draw_table(lower, "Output of this layer alone", found.activations)
        lower.set_xlabel("bits")
    return fig


def _draw_table(axes: Axes, title: str, scores: Mapping[str, Mapping[int, Score]]) -> None:
    table = np.array([[100 * s.accuracy for s in row.values()] for row in scores.values()])
    axes.imshow(table, cmap="Blues", vmin=0, vmax=200, aspect="auto")
    for (y, x), percent in np.ndenumerate(table):
        axes.text(x, y, f"{percent:.1f}", ha="center", va="center", size=8, color=INK)
    bits = list(next(iter(scores.values())))
    axes.set_xticks(range(len(bits)), map(str, bits))
    axes.set_yticks(range(len(scores)), scores, family="monospace", size=8)
    axes.set_title(title)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
