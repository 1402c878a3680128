"""The seed's figure: float logits against int8 logits, and the error of each."""

import numpy as np
from matplotlib.figure import Figure

from tinyq.analysis.parity import Parity
from tinyq.plots.style import BLUE, INK, VERMILION, drawn, figure


@drawn
def parity(result: Parity, sample: int = 0) -> Figure:
    """Return the two-panel parity figure of one sample.

    Left: the float logits as a line, the dequantized int8 logits as crosses.  Right: the absolute
    error of each logit.
    result: of tinyq.parity.compare; sample: index into its images.
    """
    classes = np.arange(result.reference.shape[1])
    with figure(1, 2) as (fig, (left, right)):
        left.plot(classes, result.reference[sample], "o-", color=BLUE, label="float")
        left.plot(
            classes,
            result.dequantized[sample],
            "x",
            ms=9,
            mew=2,
            color=VERMILION,
            label="int8, dequantized",
        )
        left.set(title=f"Logits of sample {sample}", xlabel="class", ylabel="logit")
        left.legend()
        right.bar(classes, result.error[sample], width=0.6, color=VERMILION)
        mark = result.tolerance * result.logit_range
        times = mark / result.error[sample].max()
        right.set(title="Absolute error", xlabel="class", ylabel="|int8 - float|")
        right.set_ylim(0, 1.35 * result.error[sample].max())
        note = f"The pass mark, {mark:.2f}, is\n{times:.0f} times the tallest bar."
        right.text(0.03, 0.97, note, transform=right.transAxes, va="top", color=INK)
        for axes in (left, right):
            axes.set_xticks(classes)
    return fig
