"""An image of the network's input, and the codes of its first pixels."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.plots.style import INK, VERMILION, drawn, figure

SIDE = 4


@drawn
def pixels(image: NDArray[np.float32], grid: Grid) -> Figure:
    """Return two panels: the image in colour, and its corner of 4 by 4 pixels as codes.

    Left: the image, with -1 as black and +1 as full colour; a square marks the corner.  Right: the
    first channel of the corner; each cell holds the code and the real number that it stands for.
    image: float32 (H, W, 3) in -1..1; grid: of the codes.
    """
    codes = grid.quantize(image[:SIDE, :SIDE, 0])
    with figure(1, 2, size=(6.2, 3.1), dpi=120) as (fig, (left, right)):
        left.imshow(np.clip((image + 1) / 2, 0, 1))
        left.add_patch(
            Rectangle((-0.5, -0.5), SIDE, SIDE, fill=False, edgecolor=VERMILION, linewidth=3)
        )
        left.set(title=f"The image, {image.shape[0]} by {image.shape[1]} pixels")
        right.imshow(codes, cmap="gray", vmin=grid.qmin - 128, vmax=grid.qmax)
        right.set(title="Its marked corner, red channel")
        _write_codes(right, codes, grid)
        for axes in (left, right):
            axes.set(xlabel="column", ylabel="row")
            axes.spines[:].set_visible(True)
        right.set(xticks=range(SIDE), yticks=range(SIDE))
    return fig


def _write_codes(axes: Axes, codes: NDArray[np.int8], grid: Grid) -> None:
    for (row, column), code in np.ndenumerate(codes):
        axes.text(column, row - 0.12, str(code), ha="center", color=INK, size=13, weight="bold")
        axes.text(
            column, row + 0.22, f"{grid.dequantize(code):.3f}", ha="center", color=INK, size=8
        )
