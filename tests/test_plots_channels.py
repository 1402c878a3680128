"""The figures of one scale or many draw the numbers that they are given."""

import numpy as np
import pytest

from tinyq import plots


def test_a_bar_is_as_high_as_the_largest_code():
    reach = {"a": np.array([127, 3, 0]), "b": np.array([5, 127])}
    panels = plots.channel_codes(reach).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["a", "b"]
    for panel, codes in zip(panels, reach.values(), strict=True):
        assert [bar.get_height() for bar in panel.patches] == codes.tolist()
        assert [text.get_text() for text in panel.texts] == [str(code) for code in codes]
        assert panel.lines[0].get_ydata()[0] == 127


def test_a_mark_stands_at_predicted_and_measured_gain():
    points = {"a": (np.array([0.0, 6.0]), np.array([0.5, 5.0])), "b": (np.ones(1), np.zeros(1))}
    axes = plots.channel_worth(points).axes[0]
    diagonal, *marks, _ = axes.lines
    assert diagonal.get_xdata() == pytest.approx(diagonal.get_ydata())
    assert [line.get_label() for line in marks] == ["a", "b"]
    for line, (predicted, measured) in zip(marks, points.values(), strict=True):
        assert line.get_xdata().tolist() == predicted.tolist()
        assert line.get_ydata().tolist() == measured.tolist()
