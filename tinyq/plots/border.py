"""Figures of the border: where the windows of a convolution lie, and what a wrong pad code does."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tinyq.plots.style import BLUE, GREY, INK, SKY, VERMILION, drawn, figure

DPI = 100


@drawn
def windows(size: int, pads: tuple[int, int], kernel: int, stride: int) -> Figure:
    """Return one axis of a convolution: the padded cells, and below them a bar for each window.

    size: of the image; pads: cells before and after it; kernel, stride: in cells.
    Cells of the padding are shaded; cells that no window covers have a frame in another colour.
    """
    padded = pads[0] + size + pads[1]
    count = (padded - kernel) // stride + 1
    read = (count - 1) * stride + kernel
    with figure(size=(7.0, 0.22 * count + 1.1), dpi=DPI) as (fig, axes):
        for cell in range(padded):
            inside = pads[0] <= cell < pads[0] + size
            face, edge = ("white" if inside else SKY), (INK if cell < read else VERMILION)
            axes.add_patch(
                Rectangle((cell - 0.45, -0.45), 0.9, 0.9, fc=face, ec=edge, lw=1 + (cell >= read))
            )
            axes.text(cell, 0, cell, ha="center", va="center", fontsize=7)
        for place in range(count):
            left, y = place * stride, place + 1
            axes.hlines(y, left - 0.45, left + kernel - 0.55, color=BLUE, lw=5)
        if read < padded:
            label = {"color": VERMILION, "ha": "right", "va": "center", "fontsize": 8}
            axes.text(padded - 0.6, 1, "never read", **label)
        axes.set(xlim=(-0.6, padded - 0.4), ylim=(count + 0.7, -0.7), xticks=[])
        axes.set_yticks(range(count + 1), ["padded cell", *map(str, range(count))], fontsize=8)
        axes.set_ylabel("output")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
    return fig


@drawn
def border(
    right: NDArray[np.int8], wrong: NDArray[np.int8], difference: NDArray[np.int64]
) -> Figure:
    """Return two padded images side by side, and what their difference does to one output channel.

    right, wrong: (H, W) codes, drawn as ink on paper; difference: (OH, OW), the output's codes from
    wrong minus those from right, which are written in the cells.
    """
    with figure(1, 3, size=(7.0, 2.7), dpi=DPI) as (fig, panels):
        titles = ("padded with the zero_point", "padded with code 0", "output codes, difference")
        for axes, title in zip(panels, titles, strict=True):
            axes.set(title=title, xticks=[], yticks=[])
            axes.title.set_fontsize(9)
            axes.spines[:].set_visible(True)
        for axes, codes in zip(panels, (right, wrong), strict=False):
            axes.imshow(codes, cmap="gray_r", vmin=-128, vmax=127)
        _write_differences(panels[2], difference)
    return fig


def _write_differences(axes: Axes, difference: NDArray[np.int64]) -> None:
    largest = np.abs(difference).max()
    axes.imshow(np.abs(difference), cmap="Oranges", vmin=0, vmax=1.5 * largest)
    for (y, x), steps in np.ndenumerate(difference):
        colour = INK if steps else GREY
        axes.text(
            x,
            y,
            f"{steps:+d}" if steps else "0",
            ha="center",
            va="center",
            fontsize=7,
            color=colour,
        )
