"""plots.left_shifts: a mark a left_shift, those beyond int32 told apart."""

from tinyq import plots


def test_every_left_shift_has_its_mark_and_number():
    wrong = {2: 7447, 19: 0, 23: 0, 24: 982}
    (axes,) = plots.left_shifts(wrong, most=23).axes
    marks = {
        int(x): (int(y), line.get_marker())
        for line in axes.lines[:4]
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    assert marks == {2: (7447, "o"), 19: (0, "o"), 23: (0, "o"), 24: (982, "X")}
    texts = [text.get_text() for text in axes.texts]
    assert texts[:4] == ["7,447", "0", "0", "982"]
    assert axes.get_ylim()[1] > 7447
