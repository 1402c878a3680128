"""The figures of training draw the numbers that they are given."""

import numpy as np

from tinyq import plots


def test_the_loss_is_drawn_as_it_is_with_a_dot_at_each_code():
    steps = np.linspace(-1.5, 2.25, 16)
    smooth, rounded = (steps - 1) ** 2 + 0.05, np.round(steps) ** 2 + 0.05
    axes = plots.loss_stairs(steps, smooth, rounded, start=0.6).axes[0]
    dashed, stairs, codes, start = axes.lines
    assert dashed.get_ydata().tolist() == smooth.tolist()
    assert stairs.get_ydata().tolist() == rounded.tolist()
    assert codes.get_xdata().tolist() == [-1, 0, 1, 2]
    np.testing.assert_allclose(codes.get_ydata(), [4.05, 1.05, 0.05, 1.05])
    assert start.get_xdata()[0] == 0.6 and start.get_label() == "0.60 steps"


def test_every_way_is_a_dot_and_every_choice_a_mark_of_its_name():
    errors = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    chosen = {"worst": errors.max(axis=0), "best": errors.min(axis=0)}
    axes = plots.ways_to_round(errors, chosen).axes[0]
    *dots, worst, best = axes.lines
    assert [line.get_ydata().tolist() for line in dots] == errors.tolist()
    assert [line.get_xdata().tolist() for line in dots] == [[0, 1, 2]] * 2
    for line, (name, error) in zip((worst, best), chosen.items(), strict=True):
        assert line.get_label() == name and line.get_ydata().tolist() == error.tolist()
    assert axes.get_yscale() == "log"
