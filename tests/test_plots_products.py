"""plots.gathered and plots.lanes: what stands in the figure is what was handed in."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tinyq import plots
from tinyq.plots.style import BLUE, ORANGE, SKY


def written(axes, marked: bool) -> list[int]:
    """The numbers of an image or matrix, row by row; of the marked cells alone if asked."""
    cells = zip(axes.patches, axes.texts, strict=True)
    return [
        int(text.get_text())
        for patch, text in cells
        if not marked or patch.get_facecolor() == to_rgba(SKY)
    ]


@pytest.mark.parametrize("shape, kernel", [((4, 4), (3, 3)), ((3, 5), (2, 3))])
def test_the_marked_row_is_the_marked_window(shape, kernel):
    image = np.arange(np.prod(shape)).reshape(shape)
    places = np.ndindex(shape[0] - kernel[0] + 1, shape[1] - kernel[1] + 1)
    rows = np.array([image[y : y + kernel[0], x : x + kernel[1]].ravel() for y, x in places])
    for window in range(len(rows)):
        left, right = plots.gathered(image, rows, window, kernel).axes
        assert written(left, marked=False) == image.ravel().tolist()
        assert written(right, marked=False) == rows.ravel().tolist()
        assert written(left, marked=True) == written(right, marked=True) == rows[window].tolist()


def test_the_lanes_fill_the_register_and_are_counted():
    instructions = [("float32", 4, 1), ("pairs", 1, 2), ("VNNI", 1, 4)]
    (axes,) = plots.lanes(instructions).axes
    for row, (_, size, together) in enumerate(instructions):
        for colour, width in ((BLUE, size), (ORANGE, size * together)):
            cells = [
                cell
                for cell in axes.patches
                if int(cell.get_y()) == row and cell.get_facecolor() == to_rgba((colour, 0.4))
            ]
            assert [round(cell.get_x() - 0.06) for cell in cells] == list(range(0, 16, width))
            assert all(round(cell.get_width() + 0.12) == width for cell in cells)
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["float32", "4 products\n4 sums", "pairs", "16 products\n8 sums",
                     "VNNI", "16 products\n4 sums"]  # fmt: skip
