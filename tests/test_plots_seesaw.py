"""plots.seesaw and plots.mean_errors draw the numbers that they are given, under their names."""

import numpy as np

from tinyq import plots

MADE, READ = np.float64([1, 4]), np.float64([2, 0.5])


def test_seesaw_has_a_panel_a_network():
    figure = plots.seesaw({"wide": (MADE, READ), "level": (READ, MADE)})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["wide", "level"]
    for axes, (made, read) in zip(figure.axes, [(MADE, READ), (READ, MADE)], strict=True):
        assert axes.get_yscale() == "log"
        shown = {line.get_label(): line.get_ydata().tolist() for line in axes.lines}
        assert shown == {
            "made, first layer": made.tolist(),
            "read, second layer": read.tolist(),
        }
        ends = [segment[:, 1].tolist() for segment in axes.collections[0].get_segments()]
        assert ends == [[1, 2], [0.5, 4]]


def test_mean_errors_has_a_mark_a_round():
    (axes,) = plots.mean_errors({"before": [0.5, -0.25], "after": [0, 0.125]}).axes
    shown = {line.get_label(): line.get_ydata() for line in axes.lines[1:]}
    assert {name: list(errors) for name, errors in shown.items()} == {
        "before": [0.5, -0.25],
        "after": [0, 0.125],
    }
    assert len({line.get_marker() for line in axes.lines[1:]}) == 2
