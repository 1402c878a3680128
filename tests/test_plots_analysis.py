"""The figures of tinyq.analysis draw the numbers that they were given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hand_network import IMAGES, LABELS, NET, OWNERS

from tinyq import analysis, plots
from tinyq.floatref import ReLU
from tinyq.layers.nodes import Node
from tinyq.network import Network

QNET = NET.quantize(IMAGES)
RUNS = analysis.run_both(NET, QNET, IMAGES)
NAMES = ["input", *(node.name for node in NET.nodes)]


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    yield
    assert not plt.get_fignums()


def texts(axes):
    return [text.get_text() for text in axes.texts]


def rows(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def dots(axes, marker="o"):
    return [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == marker]


def test_tensor_errors():
    errors = analysis.tensor_errors(RUNS)
    left, right = plots.tensor_errors(errors).axes
    assert rows(left) == NAMES
    assert dots(left) == [(e.sqnr_db, y) for y, e in enumerate(errors)]
    assert texts(left) == [f"{e.sqnr_db:.1f}" for e in errors]
    assert dots(right) == [(e.mean_codes, y) for y, e in enumerate(errors)]
    assert dots(right, "|") == [(e.max_codes, y) for y, e in enumerate(errors)]
    colours = [line.get_color() for line in left.lines if line.get_marker() == "o"]
    for a, grid in enumerate(e.grid for e in errors):
        for b, other in enumerate(e.grid for e in errors):
            assert (colours[a] == colours[b]) == (grid is other)


def test_equal_tensors_have_a_word_in_place_of_a_dot():
    net = Network((Node("relu", ReLU(), ("input",)),), channels=1)
    images = np.arange(256, dtype=np.float32).reshape(256, 1, 1, 1)
    errors = analysis.tensor_errors(analysis.run_both(net, net.quantize(images), images))
    for axes in plots.tensor_errors(errors).axes:
        assert texts(axes).count("equal") == 2 and not dots(axes)


def test_one_at_a_time():
    found = analysis.one_at_a_time(RUNS, LABELS)
    left, right = plots.one_at_a_time(found).axes
    assert rows(left) == list(OWNERS)
    for axes, scores in ((left, found.alone_on), (right, found.alone_off)):
        assert dots(axes) == [(s.sqnr_db, y) for y, s in enumerate(scores.values())]
        want = [f"{s.sqnr_db:.1f}  {100 * s.accuracy:.1f} %" for s in scores.values()]
        assert texts(axes)[: len(want)] == want
    (dashed,) = [line for line in right.lines if line.get_linestyle() == "--"]
    assert dashed.get_xdata()[0] == found.all_on.sqnr_db


def test_telescope():
    found = analysis.telescope(RUNS)
    left, right = plots.telescope(found, image=3, logit=2).axes
    assert rows(left) == NAMES
    bars = [bar.get_bbox() for bar in left.patches]
    position = 0.0
    for bar, step in zip(bars, found.steps[:, 3, 2], strict=True):
        assert [bar.x0, bar.x1] == pytest.approx([position, position + step], abs=1e-12)
        position += step
    assert position == pytest.approx(found.error[3, 2], abs=1e-12)
    widths = [bar.get_width() for bar in right.patches]
    assert widths == pytest.approx(np.sqrt((found.steps**2).mean((1, 2))))
    assert texts(right) == ["0"] * sum(width == 0 for width in widths)


def test_bit_widths_and_layer_bits():
    sweep = analysis.sweep_bits(NET, IMAGES, IMAGES, LABELS, bits=[2, 5, 8])
    left, right = plots.bit_widths(sweep).axes
    for line, scores in zip(left.lines, (sweep.weights, sweep.activations), strict=True):
        assert line.get_xdata().tolist() == [2, 5, 8]
        assert line.get_ydata().tolist() == [100 * s.accuracy for s in scores.values()]
    for line, scores in zip(right.lines, (sweep.weights, sweep.activations), strict=True):
        assert line.get_ydata().tolist() == [s.sqnr_db for s in scores.values()]
    layers = analysis.sweep_layer_bits(NET, IMAGES, IMAGES, LABELS, bits=[2, 5])
    tables = layers.weights, layers.activations
    for axes, table in zip(plots.layer_bits(layers).axes, tables, strict=True):
        assert rows(axes) == list(table)
        scores = [score for row in table.values() for score in row.values()]
        assert texts(axes) == [f"{100 * score.accuracy:.1f}" for score in scores]


def test_confusion():
    matrix = analysis.confusion(RUNS.codes["dense"], LABELS)
    (axes,) = plots.confusion(matrix).axes
    cells = {text.get_position()[::-1]: int(text.get_text()) for text in axes.texts}
    assert cells == {place: count for place, count in np.ndenumerate(matrix) if count}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer", "label")
