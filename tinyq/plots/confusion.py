"""The confusion matrix: labels down, answers across."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREY, ORANGE, figure


def confusion(matrix: NDArray[np.integer]) -> Figure:
    """Return the matrix with the count in each cell: right answers in blue, wrong ones in orange.

    A cell without an image is empty.  matrix: of tinyq.analysis.confusion.
    """
    classes = len(matrix)
    side = 0.33 * classes + 0.9
    with figure(size=(side, side), dpi=120) as (fig, axes):
        for (label, answer), count in np.ndenumerate(matrix):
            found = (BLUE, 0.3) if label == answer else (ORANGE, 0.6)
            colour = found if count else (GREY, 0.08)
            axes.add_patch(Rectangle((answer - 0.47, label - 0.47), 0.94, 0.94, facecolor=colour))
            if count:
                axes.text(answer, label, count, ha="center", va="center", size=8)
        axes.set(xlim=(-0.5, classes - 0.5), ylim=(classes - 0.5, -0.5), aspect="equal")
        axes.set(xlabel="answer", ylabel="label")
        axes.set_xticks(range(classes))
        axes.set_yticks(range(classes))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return fig
