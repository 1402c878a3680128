"""The figures of the accumulator draw the numbers that they are given."""

from matplotlib.colors import to_hex

from tinyq import plots
from tinyq.plots.style import BLUE, VERMILION


def test_a_mark_stands_at_the_bits_of_its_size():
    sizes = {"net": {"conv": (2**14, 2**20, 2**22), "dense": (2**13, 2**16, 2**18)}}
    (panel,) = plots.accumulator_bits(sizes).axes
    marks = [line for line in panel.lines if len(line.get_xdata()) == 1]
    drawn = {(line.get_xdata()[0], line.get_ydata()[0]) for line in marks}
    assert drawn == {(14, 0), (20, 0), (22, 0), (13, 1), (16, 1), (18, 1)}
    assert [label.get_text() for label in panel.get_yticklabels()] == ["conv", "dense"]
    dashed = [line.get_xdata()[0] for line in panel.lines if line.get_linestyle() == "--"]
    assert dashed == [15, 31]


def test_sums_that_leave_int16_are_counted_in_the_other_colour():
    sums = [-65_000, -32_769, -32_768, 0, 5, 32_767, 32_768, 64_770, 64_770]
    (axes,) = plots.pair_sums(sums, limit=2**15 - 1).axes
    count = {colour.lower(): 0 for colour in (BLUE, VERMILION)}
    for bar in axes.patches:
        count[to_hex(bar.get_facecolor())] += bar.get_height()
    assert count == {BLUE.lower(): 4, VERMILION.lower(): 5}
