"""plots.windows and plots.border: what stands in the figure is what was handed in."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tinyq import plots
from tinyq.plots.style import SKY, VERMILION


def bars(figure):
    """(first, last) cell under each bar, from top to bottom."""
    (axes,) = figure.axes
    ends = [line.get_segments()[0] for line in axes.collections]
    ends = sorted(ends, key=lambda end: end[0][1])
    return [(round(left[0] + 0.45), round(right[0] - 0.45)) for left, right in ends]


@pytest.mark.parametrize(
    "size, pads, kernel, stride, unread",
    [(16, (3, 3), 7, 2, [21]), (4, (1, 1), 3, 1, []), (7, (0, 2), 2, 3, [8])],
)
def test_windows_lie_where_the_loops_put_them(size, pads, kernel, stride, unread):
    figure = plots.windows(size, pads, kernel, stride)
    cells = figure.axes[0].patches
    places = [p for p in range(0, len(cells), stride) if p + kernel <= len(cells)]
    assert bars(figure) == [(p, p + kernel - 1) for p in places]
    marked = [n for n, cell in enumerate(cells) if cell.get_edgecolor() == to_rgba(VERMILION)]
    shaded = [n for n, cell in enumerate(cells) if cell.get_facecolor() == to_rgba(SKY)]
    assert marked == unread
    assert shaded == [n for n in range(len(cells)) if not pads[0] <= n < pads[0] + size]


def test_the_border_shows_both_images_and_every_difference():
    right, wrong = np.full((4, 5), -128, np.int8), np.zeros((4, 5), np.int8)
    difference = np.array([[0, 7], [-12, 0]])
    figure = plots.border(right, wrong, difference)
    left, middle, last = figure.axes
    assert np.array_equal(left.images[0].get_array(), right)
    assert np.array_equal(middle.images[0].get_array(), wrong)
    assert [text.get_text() for text in last.texts] == ["0", "+7", "-12", "0"]
