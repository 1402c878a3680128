"""What holds for every observer: order and split do not matter, and awkward data is met."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from observed import DATA, SEEDED, TAILS, numbers, state

from tinyq import MSE, Entropy, Grid, MinMax, MovingAverage, Percentile

ORDERLESS = [MinMax, partial(Percentile, 90.0), MSE, Entropy]
EVERY = [*ORDERLESS, MovingAverage]


def name_of(observer) -> str:
    return getattr(observer, "func", observer).__name__


every_observer = pytest.mark.parametrize("observer", EVERY, ids=name_of)
any_order = pytest.mark.parametrize("observer", ORDERLESS, ids=name_of)


@any_order
@SEEDED
@given(st.data(), numbers)
def test_any_tree_of_merges_gives_the_same_state(observer, data, values):
    parts = [observer().observe(v) for v in np.split(values, sorted(data.draw(cuts(len(values)))))]
    parts = data.draw(st.permutations(parts))
    while len(parts) > 1:
        at = data.draw(st.integers(0, len(parts) - 2))
        parts[at : at + 2] = [parts[at].merge(parts[at + 1])]
    assert state(parts[0]) == state(observer().observe(values))


@any_order
@SEEDED
@given(st.data(), numbers)
def test_any_order_of_batches_gives_the_same_state(observer, data, values):
    shuffled = np.float32(data.draw(st.permutations(values.tolist())))
    one = observer()
    for batch in np.split(shuffled, sorted(data.draw(cuts(len(values))))):
        one.observe(batch)
    assert state(one) == state(observer().observe(values))


def cuts(size: int):
    return st.lists(st.integers(0, size), max_size=5)


@any_order
@pytest.mark.parametrize("cut", [[], [1], [7, 8, 30], list(range(1, 40))])
def test_any_split_gives_the_same_grid(observer, cut):
    merged = observer()
    for part in reversed(np.split(DATA, cut)):
        merged.merge(observer().observe(part))
    for codes in ((-128, 127), (-2, 1)):
        assert merged.grid(*codes) == observer().observe(DATA).grid(*codes)


@every_observer
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_is_not_finite_is_refused_and_changes_nothing(observer, bad):
    seen = observer().observe(np.float32([0, 1]))
    before = state(seen)
    with pytest.raises(ValueError, match="calibration data must be finite"):
        seen.observe(np.float32([5.0, bad]))
    assert state(seen) == before


@every_observer
def test_an_empty_batch_changes_nothing(observer):
    seen = observer().observe(DATA)
    before = state(seen)
    assert state(seen.observe(DATA[:0])) == state(seen.merge(observer())) == before


@every_observer
def test_an_observer_that_saw_nothing_has_no_grid(observer):
    with pytest.raises(ValueError, match="saw no data"):
        observer().observe(DATA[:0]).grid()


@every_observer
def test_zeros_only_give_scale_one(observer):
    assert observer().observe(np.zeros(9, np.float32)).grid(-8, 7) == Grid(1.0, -8, -8, 7)


@every_observer
@pytest.mark.parametrize("codes", [(-128, 127), (-8, 7), (-2, 1)])
@pytest.mark.parametrize("sign", [1, -1])
def test_data_of_one_sign_keeps_zero_at_the_end_of_the_grid(observer, codes, sign):
    seen = observer().observe(sign * np.maximum(TAILS, 0))
    grid = seen.grid(*codes)
    assert grid.zero_point == codes[0 if sign > 0 else 1]
    assert 0 < grid.hi - grid.lo <= (seen.hi - seen.lo) * 1.000001


@every_observer
@pytest.mark.parametrize("value", [0.7, -0.7, 1.0, -1.0, 3e38, -3e38])
def test_one_value_again_and_again(observer, value):
    grid = observer().observe(np.full(50, value, np.float32)).grid()
    kept = float(grid.dequantize(grid.quantize(np.float32(value))))
    assert kept == pytest.approx(value, rel=0.07)


@every_observer
def test_denormal_numbers_have_a_grid_or_are_refused(observer):
    tiny = np.float32(2.0**-126)  # the smallest that has all its digits: a scale may be no smaller
    assert observer().observe(np.arange(-600, 601) * tiny).grid(-2, 1).scale > 0
    with pytest.raises(ValueError, match="no float32 scale spans"):
        observer().observe(np.float32([0, tiny])).grid()


@every_observer
def test_a_span_that_float32_cannot_hold_is_refused_or_clipped(observer):
    seen = observer().observe(np.float32([-3e38, -2e38, 1.0, 2e38, 3e38]))
    if observer is MSE:
        assert np.isfinite(seen.grid().scale)
    else:
        with pytest.raises(ValueError, match="no float32 scale spans"):
            seen.grid()


def test_the_grid_takes_other_code_ranges():
    assert MinMax(-1.0, 2.0).grid(-8, 7) == Grid.from_range(-1.0, 2.0, -8, 7)
