"""Figures of a convolution as a product: the windows in a matrix, the lanes of an instruction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREY, INK, ORANGE, SKY, drawn, figure

DPI = 100
REGISTER_BYTES = 16  # the part of a register that is drawn


@drawn
def gathered(
    image: NDArray[Any], rows: NDArray[Any], window: int, kernel: tuple[int, int]
) -> Figure:
    """Return an image beside the matrix of its windows, one window marked in both.

    image: (H, W), numbers of at most three characters; rows: (windows, KH * KW), windows from left
    to right and from top to bottom, stride 1; window: the row to mark; kernel: (KH, KW).
    """
    if rows.ndim != 2 or rows.shape[1] != kernel[0] * kernel[1] or not 0 <= window < len(rows):
        raise ValueError("rows must be (windows, KH * KW), window one of them")
    top, left = divmod(window, image.shape[1] - kernel[1] + 1)
    inside = np.zeros(image.shape, bool)
    inside[top : top + kernel[0], left : left + kernel[1]] = True
    marked = np.repeat(np.arange(len(rows)) == window, rows.shape[1]).reshape(rows.shape)
    widths = [image.shape[1], rows.shape[1]]
    with figure(1, 2, size=(6.6, 2.1), dpi=DPI, width_ratios=widths) as (fig, (left_axes, axes)):
        _cells(left_axes, image, inside, "the image")
        _cells(axes, rows, marked, "a row a window")
    return fig


def _cells(axes: Axes, numbers: NDArray[Any], marked: NDArray[Any], title: str) -> None:
    for (y, x), number in np.ndenumerate(numbers):
        colour = SKY if marked[y, x] else "white"
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fc=colour, ec=GREY, lw=0.8))
        axes.text(x, y, number, ha="center", va="center", fontsize=9)
    height, width = numbers.shape
    axes.set(xlim=(-0.55, width - 0.45), ylim=(height - 0.45, -0.55), xticks=[], yticks=[])
    axes.set(title=title, aspect="equal")
    axes.spines[:].set_visible(False)


@drawn
def lanes(instructions: Sequence[tuple[str, int, int]]) -> Figure:
    """Return a row for each instruction: what it makes of the same bytes of two registers.

    instructions: (name, bytes of a factor, products that go into one sum).
    """
    with figure(size=(6.6, 0.8 * len(instructions) + 0.4), dpi=DPI) as (fig, axes):
        for row, (name, size, together) in enumerate(instructions):
            for start in range(0, REGISTER_BYTES, size):
                _cell(axes, start, size, row, 0.0, BLUE)
            for start in range(0, REGISTER_BYTES, size * together):
                _cell(axes, start, size * together, row, 0.34, ORANGE)
            count = REGISTER_BYTES // size
            axes.text(-0.3, row + 0.32, name, ha="right", va="center", fontsize=9)
            words = f"{count} products\n{count // together} sums"
            axes.text(REGISTER_BYTES + 0.3, row + 0.32, words, va="center", fontsize=9)
        axes.set(xlim=(-3.6, REGISTER_BYTES + 3.2), ylim=(len(instructions) - 0.2, -0.1))
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return fig


def _cell(axes: Axes, start: int, size: int, row: int, down: float, colour: str) -> None:
    place = start + 0.06, row + down
    axes.add_patch(Rectangle(place, size - 0.12, 0.3, fc=(colour, 0.4), ec=INK, lw=0.8))
