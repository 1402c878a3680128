"""The figures of chapter 2 draw the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from tinyq import plots
from tinyq.plots.style import BLUE, GREEN


def test_the_ring_is_at_the_least_sum_and_no_clipping_is_not_drawn():
    shares = np.array([0.25, 0.5, 0.75, 1.0])
    rounding, clipped = np.array([1.0, 2.0, 3.0, 4.0]), np.array([9.0, 2.0, 0.5, 0.0])
    panels = plots.clipping(shares, {"a": (rounding, clipped), "b": (clipped, rounding)}).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["a", "b"]
    both, one, other, ring = panels[0].lines
    assert both.get_ydata().tolist() == [10.0, 4.0, 3.5, 4.0]
    assert one.get_ydata().tolist() == rounding.tolist()
    assert other.get_xdata().tolist() == [0.25, 0.5, 0.75]
    assert ring.get_xydata().tolist() == [[0.75, 3.5]]
    assert panels[0].get_yscale() == "log"


def test_a_bar_reaches_from_lo_to_hi():
    ranges = {"min-max": [(-4.0, 2.0), (-3.0, 2.5)], "MSE": [(-1.0, 0.5), (0.0, 1.0)]}
    upper, lower = plots.chosen_ranges(np.arange(160), ranges, ("8 bits", "4 bits")).axes
    assert sum(bar.get_height() for bar in upper.patches) == 160
    assert [label.get_text() for label in lower.get_yticklabels()] == ["min-max", "MSE"]
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["8 bits", "4 bits"]
    for k, bars in enumerate(lower.containers):
        for row, (bar, pairs) in enumerate(zip(bars, ranges.values(), strict=True)):
            assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx(pairs[k])
            middle = bar.get_y() + bar.get_height() / 2
            assert row - 0.35 < middle < row + 0.35
        assert bars[0].get_facecolor() == to_rgba((BLUE, GREEN)[k])
    # the first above the second: the axis points down
    assert lower.containers[0][0].get_y() < lower.containers[1][0].get_y()
