"""What bugs do to tensors: the right picture, the wrong one and their difference."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tinyq.plots.style import GREY, INK, drawn, figure

HEADS = ("", "right", "with the bug", "difference")


class Bug(NamedTuple):
    """A row of the figure.

    name: of the bug; note: a line under it; right, wrong: the same tensor without and with the bug,
    numbers (H, W), which differ in shape where the bug changes it.
    """

    name: str
    note: str
    right: NDArray[Any]
    wrong: NDArray[Any]


@drawn
def bugs(rows: Sequence[Bug]) -> Figure:
    """Return a row for each bug: its name, the right picture, the wrong one, wrong minus right.

    The two pictures of a row share one scale, dark for small numbers.  In the difference orange is
    too small, purple too large and white equal; the number under it has the strongest colour.
    """
    size, ratios = (5.6, 0.78 * len(rows) + 0.25), (2.1, 1, 1, 1)
    with figure(len(rows), 4, size, squeeze=False, width_ratios=ratios, dpi=100) as (fig, axes):
        for head, cell in zip(HEADS, axes[0], strict=True):
            cell.set_title(head, size=9, loc="center")
        for row, cells in zip(rows, axes, strict=True):
            _write(cells[0], row)
            limits = np.concatenate([np.ravel(row.right), np.ravel(row.wrong)]).astype(float)
            for picture, cell in zip((row.right, row.wrong), cells[1:], strict=False):
                cell.imshow(picture, cmap="cividis", vmin=limits.min(), vmax=limits.max())
            _draw_difference(cells[3], row)
            for cell in cells:
                cell.set(xticks=[], yticks=[])
                cell.spines[:].set_visible(cell is not cells[0])
    return fig


def _write(axes: Axes, row: Bug) -> None:
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0, 0.55, row.name, color=INK, size=8, weight="bold")
    axes.text(0, 0.48, row.note, color=GREY, size=7, va="top", linespacing=1.3)


def _draw_difference(axes: Axes, row: Bug) -> None:
    if np.shape(row.right) != np.shape(row.wrong):
        axes.imshow(np.zeros((1, 1)), cmap="PuOr", vmin=-1, vmax=1)
        sides = " × ".join(map(str, np.shape(row.right))), " × ".join(map(str, np.shape(row.wrong)))
        axes.text(0, 0, f"{sides[0]}\nbecomes\n{sides[1]}", ha="center", va="center", size=6.5)
        return
    difference = np.asarray(row.wrong, float) - row.right
    largest = np.abs(difference).max()
    axes.imshow(difference, cmap="PuOr", vmin=-(largest or 1), vmax=largest or 1)
    axes.set_xlabel(f"{largest:,.6g}", size=7, labelpad=1)
