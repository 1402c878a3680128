"""plots.sieve: each bar has the colour of its answer; triangles stand where none is blue."""

from matplotlib.colors import to_rgba

from tinyq import plots
from tinyq.plots.style import BLUE

GROUPS = ["grids", "grids", "sums", "sums", "sums"]
CAUGHT = {"golden": [True, False, False, True, False], "laws": [False, False, True, True, False]}


def test_bars_triangles_and_counts():
    (axes,) = plots.sieve(GROUPS, CAUGHT).axes
    shown = {}
    for bar in axes.patches:
        middle = bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2
        shown[tuple(map(round, middle))] = bar.get_facecolor() == to_rgba(BLUE)
    want = {(x, y): row[x] for y, row in enumerate(CAUGHT.values()) for x in range(5)}
    assert shown == want
    assert axes.lines[0].get_xdata().tolist() == [1, 4]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["golden: 2", "laws: 2"]
    assert [(text.get_text(), text.get_position()[0]) for text in axes.texts] == [
        ("grids", 0.5),
        ("sums", 3.0),
    ]
