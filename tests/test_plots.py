"""What the figures work out themselves; the chapters' stored pictures hold all that they draw.

`make test` compares each chapter's figures byte by byte, so nothing here repeats that a number
which was handed in stands in the picture.
"""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hand_network import IMAGES, LABELS, NET
from matplotlib.colors import to_hex, to_rgba

from tinyq import analysis, parity, plots
from tinyq.floatref import ReLU
from tinyq.layers.nodes import Node
from tinyq.network import Network
from tinyq.plots.style import BLUE, SKY, VERMILION

QNET = NET.quantize(IMAGES)
RUNS = analysis.run_both(NET, QNET, IMAGES)


@pytest.fixture(autouse=True)
def no_figure_is_left_open():
    yield
    assert not plt.get_fignums()


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def dots(axes) -> list:
    return [line for line in axes.lines if line.get_marker() == "o"]


def test_a_failure_inside_leaves_no_figure_open():
    with pytest.raises(ValueError, match=r"(?s)parity cannot draw result = .* sample = 40: index"):
        plots.parity(parity.compare(NET, QNET, IMAGES), sample=len(IMAGES))


def test_tensors_on_one_grid_object_have_one_colour():
    errors = analysis.tensor_errors(RUNS)
    left, right = plots.tensor_errors(errors).axes
    for axes in (left, right):
        colours = {int(dot.get_ydata()[0]): dot.get_color() for dot in dots(axes)}
        for a in colours:
            for b in colours:
                assert (colours[a] == colours[b]) == (errors[a].grid is errors[b].grid)


def test_equal_tensors_have_a_word_in_place_of_a_dot():
    net = Network((Node("relu", ReLU(), ("input",)),), channels=1)
    images = np.arange(256, dtype=np.float32).reshape(256, 1, 1, 1)
    errors = analysis.tensor_errors(analysis.run_both(net, net.quantize(images), images))
    for axes in plots.tensor_errors(errors).axes:
        assert texts(axes).count("equal") == 2 and not dots(axes)


def test_the_line_of_the_int8_network_is_left_out_where_nothing_is_lost():
    found = analysis.one_at_a_time(RUNS, LABELS)
    lossless = analysis.OneAtATime(found.alone_on, found.alone_off, found.all_off, found.all_off)
    for scores, count in ((found, 1), (lossless, 0)):
        right = plots.one_at_a_time(scores).axes[1]
        assert [line.get_linestyle() for line in right.lines].count("--") == count


def test_the_telescopes_bars_join_up_to_the_whole_error():
    found = analysis.telescope(RUNS)
    left, right = plots.telescope(found, image=3, logit=2).axes
    position = 0.0
    for bar, step in zip(left.patches, found.steps[:, 3, 2], strict=True):
        assert [bar.get_bbox().x0, bar.get_bbox().x1] == pytest.approx([position, position + step])
        position += step
    assert position == pytest.approx(found.error[3, 2])
    widths = [bar.get_width() for bar in right.patches]
    assert widths == pytest.approx(np.sqrt((found.steps**2).mean((1, 2))))
    assert texts(right) == ["0"] * sum(width == 0 for width in widths)


def test_a_mark_stands_at_the_bits_of_its_accumulator():
    sizes = {"net": {"conv": (2**14, 2**20, 2**22), "dense": (2**13, 2**16, 2**18)}}
    (panel,) = plots.accumulator_bits(sizes).axes
    marks = [line.get_xydata()[0].tolist() for line in panel.lines if len(line.get_xdata()) == 1]
    assert sorted(marks) == [[13, 1], [14, 0], [16, 1], [18, 1], [20, 0], [22, 0]]


def test_sums_that_leave_int16_are_counted_in_the_other_colour():
    sums = [-65_000, -32_769, -32_768, 0, 5, 32_767, 32_768, 64_770, 64_770]
    (axes,) = plots.pair_sums(sums, limit=2**15 - 1).axes
    count = {colour.lower(): 0 for colour in (BLUE, VERMILION)}
    for bar in axes.patches:
        count[to_hex(bar.get_facecolor())] += bar.get_height()
    assert count == {BLUE.lower(): 4, VERMILION.lower(): 5}


@pytest.mark.parametrize(
    "size, pads, kernel, stride, unread",
    [(16, (3, 3), 7, 2, [21]), (4, (1, 1), 3, 1, []), (7, (0, 2), 2, 3, [8])],
)
def test_windows_lie_where_the_loops_put_them(size, pads, kernel, stride, unread):
    (axes,) = plots.windows(size, pads, kernel, stride).axes
    cells = axes.patches
    ends = sorted((line.get_segments()[0] for line in axes.collections), key=lambda e: e[0][1])
    bars = [(round(left[0] + 0.45), round(right[0] - 0.45)) for left, right in ends]
    places = [p for p in range(0, len(cells), stride) if p + kernel <= len(cells)]
    assert bars == [(p, p + kernel - 1) for p in places]
    marked = [n for n, cell in enumerate(cells) if cell.get_edgecolor() == to_rgba(VERMILION)]
    shaded = [n for n, cell in enumerate(cells) if cell.get_facecolor() == to_rgba(SKY)]
    assert marked == unread
    assert shaded == [n for n in range(len(cells)) if not pads[0] <= n < pads[0] + size]


@pytest.mark.parametrize("shape, kernel", [((4, 4), (3, 3)), ((3, 5), (2, 3))])
def test_the_marked_row_is_the_marked_window(shape, kernel):
    image = np.arange(np.prod(shape)).reshape(shape)
    places = np.ndindex(shape[0] - kernel[0] + 1, shape[1] - kernel[1] + 1)
    rows = np.array([image[y : y + kernel[0], x : x + kernel[1]].ravel() for y, x in places])
    for window in range(len(rows)):
        for axes in plots.gathered(image, rows, window, kernel).axes:
            cells = zip(axes.patches, texts(axes), strict=True)
            marked = [int(text) for cell, text in cells if cell.get_facecolor() == to_rgba(SKY)]
            assert marked == rows[window].tolist()


def test_the_ring_is_at_the_least_sum_and_no_clipping_is_not_drawn():
    shares = np.array([0.25, 0.5, 0.75, 1.0])
    rounding, clipped = np.array([1.0, 2.0, 3.0, 4.0]), np.array([9.0, 2.0, 0.5, 0.0])
    (panel,) = plots.clipping(shares, {"a": (rounding, clipped)}).axes
    both, _, other, ring = panel.lines
    assert both.get_ydata().tolist() == [10.0, 4.0, 3.5, 4.0]
    assert other.get_xdata().tolist() == [0.25, 0.5, 0.75]
    assert ring.get_xydata().tolist() == [[0.75, 3.5]]


def test_the_sieve_marks_the_bugs_that_nothing_notices():
    groups = ["grids", "grids", "sums", "sums", "sums"]
    caught = {"a": [True, False, False, True, False], "b": [False, False, True, True, False]}
    (axes,) = plots.sieve(groups, caught).axes
    assert axes.lines[0].get_xdata().tolist() == [1, 4]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a: 2", "b: 2"]
    assert [text.get_position()[0] for text in axes.texts] == [0.5, 3.0]


def test_a_dot_of_the_loss_stands_at_each_code():
    steps = np.linspace(-1.5, 2.25, 16)
    smooth = (steps - 1) ** 2 + 0.05
    axes = plots.loss_stairs(steps, smooth, np.round(steps) ** 2 + 0.05, start=0.6).axes[0]
    codes = axes.lines[2]
    assert codes.get_xdata().tolist() == [-1, 0, 1, 2]
    np.testing.assert_allclose(codes.get_ydata(), [4.05, 1.05, 0.05, 1.05])
