"""The figure of the opened models: each share where it belongs, the least ones together."""

from tinyq import plots
from tinyq.plots.apart import UNDER


def test_a_mark_a_runtime_in_each_row():
    shares = {
        "one": {"a": 0.0, "b": 2.5, "c": 0.009},
        "spotting_with_transfer_learning": {"b": 40.0},
    }
    (axes,) = plots.apart(shares).axes
    marks = [line for line in axes.lines if line.get_label() in "abc"]
    drawn = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in marks}
    assert drawn == {"a": ([UNDER], [0]), "b": ([2.5, 40.0], [0, 1]), "c": ([UNDER], [0])}
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["one", "spotting_with_transfer\n_learning"]
    ticks = dict(zip(axes.get_xticks(), axes.get_xticklabels(), strict=True))
    assert ticks[UNDER].get_text() == "under 0.01"
