"""The map of grids: a network from top to bottom, with a colour for each grid."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tinyq.affine import Grid
from tinyq.network import QNetwork
from tinyq.network.ledger import LedgerRow
from tinyq.plots.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, drawn, figure

GRID_COLOURS = (BLUE, GREEN, ORANGE, VERMILION, PURPLE, GREY)
LEFT, RIGHT = 0.8, 6.0  # the column of boxes, in units of a row's height
HALF = 0.34


def grid_numbers(rows: Sequence[LedgerRow]) -> list[int]:
    """Return the number of each row's out_grid, counted from 1 in the order of appearance.

    Two grids that are equal but not the same object get two numbers.

    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> grid_numbers(resnet.stem_block(weights, biases).quantize(images).ledger())
    [1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 6]
    """
    numbers: dict[int, int] = {}
    return [numbers.setdefault(id(row.out_grid), len(numbers) + 1) for row in rows]


@drawn
def grid_map(qnet: QNetwork) -> Figure:
    """Return the map: a box for each layer in running order, coloured by its out_grid object.

    A diamond stands before each layer that requantizes.  A line at the left is an input from
    further up than the row above.  Colours repeat after six grids; the numbers do not.
    """
    rows = qnet.ledger()
    numbers = grid_numbers(rows)
    shapes = [t.shape[1:] for t in qnet.trace(np.zeros((1, *qnet.image_shape), np.int8)).values()]
    place = {row.name: y for y, row in enumerate(rows)}
    with figure(size=(4.0, 0.4 * len(rows) + 0.8), dpi=120) as (fig, axes):
        for y, (row, number, shape) in enumerate(zip(rows, numbers, shapes, strict=True)):
            _draw_box(axes, y, row, number, shape)
        for node in qnet.nodes:
            for source in node.inputs:
                _draw_arrow(axes, place[source], place[node.name])
        for y, row in enumerate(rows):
            if row.requantizes:
                axes.plot((LEFT + RIGHT) / 2, y - 0.5, "D", ms=7, color=INK, zorder=3)
        for y in [y for y in range(len(rows)) if y == 0 or numbers[y] != numbers[y - 1]]:
            _label_run(axes, y, numbers, rows[y].out_grid)
        axes.text(RIGHT + 0.45, -1, "scale / zero_point", va="center", size=8)
        axes.plot(LEFT + 0.2, len(rows), "D", ms=7, color=INK)
        axes.text(LEFT + 0.5, len(rows), "a requantizer: a new grid begins", va="center", size=9)
        axes.set(xlim=(0, 9.6), ylim=(len(rows) + 0.5, -1.5))
        axes.axis("off")
    return fig


def _draw_box(axes: Axes, y: int, row: LedgerRow, number: int, shape: tuple[int, ...]) -> None:
    colour = GRID_COLOURS[(number - 1) % len(GRID_COLOURS)]
    axes.add_patch(
        FancyBboxPatch(
            (LEFT, y - HALF),
            RIGHT - LEFT,
            2 * HALF,
            boxstyle="round,pad=0,rounding_size=0.15",
            facecolor=(colour, 0.25),
            edgecolor=colour,
            linewidth=1.2,
        )
    )
    axes.text(LEFT + 0.15, y, row.name, va="center", family="monospace", size=9)
    axes.text(RIGHT - 0.15, y, "×".join(map(str, shape)), va="center", ha="right", size=9)


def _draw_arrow(axes: Axes, start: int, end: int) -> None:
    """Draw one input: straight down to the next row, or round the left side from further up."""
    if end - start == 1:
        x = (LEFT + RIGHT) / 2
        axes.annotate("", (x, end - HALF), (x, start + HALF), arrowprops=_arrow())
        return
    lane = LEFT / 2
    axes.plot([LEFT, lane, lane], [start, start, end], color=INK, lw=1.2)
    axes.annotate("", (LEFT, end), (lane, end), arrowprops=_arrow())
    axes.text(lane - 0.1, (start + end) / 2, "skip", rotation=90, ha="right", va="center", size=9)


def _arrow() -> dict[str, Any]:
    return {"arrowstyle": "-|>", "color": INK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0}


def _label_run(axes: Axes, first: int, numbers: list[int], grid: Grid) -> None:
    """Put a bracket along the rows from first on that share one grid, and name the grid."""
    last = first
    while last + 1 < len(numbers) and numbers[last + 1] == numbers[first]:
        last += 1
    x, middle = RIGHT + 0.25, (first + last) / 2
    axes.plot([x, x], [first - HALF, last + HALF], color=GREY, lw=1.2)
    axes.text(x + 0.2, middle, f"grid {numbers[first]}", va="bottom", weight="bold", size=9)
    axes.text(x + 0.2, middle, f"{grid.scale:.5f} / {grid.zero_point}", va="top", size=9)
