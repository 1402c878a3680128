"""Observers: order and split do not matter, each method against a plain second road, bad data."""

import math
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tinyq import MSE, Entropy, Grid, MinMax, MovingAverage, Percentile
from tinyq.observers.entropy import divergence
from tinyq.observers.histogram import HALF, Histogram
from tinyq.observers.ladder import ladder
from tinyq.observers.mse import grids_from_ranges, squared_error

SEEDED = settings(max_examples=80, derandomize=True, deadline=None, database=None)
RNG = np.random.default_rng(8)
DATA = RNG.normal(size=(40, 5)).astype(np.float32)
TAILS = (RNG.standard_t(2, 8_000) / 4).astype(np.float32)
ORDERLESS = [MinMax, partial(Percentile, 90.0), MSE, Entropy]
EVERY = [*ORDERLESS, MovingAverage]


def name_of(observer) -> str:
    return getattr(observer, "func", observer).__name__


every_observer = pytest.mark.parametrize("observer", EVERY, ids=name_of)
any_order = pytest.mark.parametrize("observer", ORDERLESS, ids=name_of)
# any float32: the histogram must hold the denormal beside the huge
float32s = st.floats(width=32, allow_nan=False, allow_infinity=False)
numbers = arrays(np.float32, st.integers(1, 12), elements=float32s | st.floats(-4, 4, width=32))


def state(observer) -> dict:
    """All that an observer knows, as what compares with ==."""
    return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(observer).items()}


# ------------------------------------------------------------------ any split, any order


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


def test_a_merge_leaves_the_other_alone():
    one, other = Histogram().observe(DATA), Histogram().observe(DATA * 100)
    before = state(other)
    empty = Histogram().merge(other)
    empty.observe(DATA * 1e6)
    one.merge(other).observe(DATA * 1e6)
    assert state(other) == before


# ------------------------------------------------------------------ the histogram


@SEEDED
@given(numbers)
@example(np.float32([-1.0]))  # the first number of its bin, so the width may be 2**-11
@example(np.float32([-2.0, 1.0, 0.0]))
@example(np.float32([1.0, -0.5]))
def test_the_histogram_counts_exactly(values):
    seen = Histogram().observe(values)
    exact = [Fraction(float(v)) for v in values]
    width = Fraction(2) ** seen.power
    bins = [math.floor(v / width) for v in exact]
    assert seen.counts.tolist() == [bins.count(i) for i in range(-HALF, HALF)]
    assert (seen.lo, seen.hi) == (values.min(), values.max())
    assert seen.zeros == exact.count(0)
    if seen.power > -149:  # no finer bins would do
        finer = [math.floor(2 * v / width) for v in exact]
        assert not all(-HALF <= i < HALF for i in finer)


def test_another_class_or_setting_is_not_merged():
    with pytest.raises(TypeError, match="must have the same settings"):
        MSE().merge(Entropy())
    with pytest.raises(TypeError, match="must have the same settings"):
        Percentile(99.0).merge(Percentile(98.0))


def test_the_ladder_goes_down_in_exact_rungs():
    assert ladder(0.0, 8).tolist() == [0.0]
    rungs = ladder(3.3, 8)
    assert rungs[0] == 3.3 and (np.diff(rungs) < 0).all() and rungs[-1] == 2 / 128
    assert all(Fraction(float(r)).numerator < 16 for r in rungs[1:])
    assert (rungs[1:-1] / rungs[2:]).max() == 9 / 8 and len(ladder(2.0, 8)) == 57


# ------------------------------------------------------------------ each method


@pytest.mark.parametrize("percent", [100, 99.99, 99.9, 99.0, 60.0, 0.5])
@pytest.mark.parametrize("data", [TAILS, np.abs(TAILS), DATA.ravel() + 9], ids=["t", "abs", "far"])
def test_percentile_cuts_what_it_may_and_no_more(percent, data):
    seen = Percentile(percent).observe(data)
    lo, hi = seen.range()
    may_cut = math.floor(len(data) * (100 - Fraction(str(percent))) / 200)
    width = 2.0**seen.power
    assert data.min() <= lo < hi <= data.max() or lo == hi
    assert (data >= hi).sum() - (data == hi).sum() * (hi == data.max()) <= may_cut
    assert (data < lo).sum() <= may_cut
    # one bin further in would cut too much
    last, first = math.ceil(hi / width) - 1, math.floor(lo / width)
    last = math.floor(hi / width) if hi == data.max() else last
    assert (np.floor(data / width) >= last).sum() > may_cut
    assert (np.floor(data / width) <= first).sum() > may_cut


def test_percent_means_its_decimal():
    # 2000 * (100 - 99.9) / 200 is 0.99999999999999 in float64, and one number may go
    values = np.append(np.ones(1999), 50).astype(np.float32)
    assert Percentile(99.9).observe(values).hi == 50
    assert Percentile(99.9).observe(values).range()[1] < 1.1


@pytest.mark.parametrize("percent", [0, -1, 100.1, math.nan])
def test_a_wrong_percent_is_refused(percent):
    with pytest.raises(ValueError, match=r"percent must lie in 0 < percent <= 100"):
        Percentile(percent)


def test_many_grids_at_once_are_grids_one_by_one():
    ends = np.abs(TAILS[:200].astype(np.float64)) * 1.1  # no float32 numbers
    lo, hi = -ends[:100], ends[100:]
    for codes in ((-128, 127), (-8, 7), (-2, 1), (0, 15)):
        scale, zero_point = grids_from_ranges(lo, hi, *codes)
        for i in range(100):
            grid = Grid.from_range(lo[i], hi[i], *codes)
            assert (scale[i], zero_point[i]) == (grid.scale, grid.zero_point)


@pytest.mark.parametrize("codes", [(-128, 127), (-8, 7), (-2, 1)])
def test_the_squared_error_is_that_of_numbers_spread_over_each_bin(codes):
    seen = Histogram().observe(TAILS[:300])
    grid = Grid.from_range(-1.7, 0.9, *codes)
    width, part = 2.0**seen.power, 400
    bins = np.repeat(np.arange(-HALF, HALF), seen.counts)
    spread = ((bins[:, None] + (np.arange(part) + 0.5) / part) * width).astype(np.float32)
    error = spread.astype(float) - grid.dequantize(grid.quantize(spread))
    want = np.square(error).sum() / part / width**2
    scale, zero_point = np.float64([grid.scale / width]), np.float64([grid.zero_point])
    got = squared_error(seen.counts, scale, zero_point, *codes)
    assert got == pytest.approx([want], rel=2e-6)


@pytest.mark.parametrize("codes", [(-128, 127), (-8, 7), (-4, 3)])
@pytest.mark.parametrize("data", [TAILS, np.maximum(TAILS, 0), -np.abs(TAILS)], ids=str)
def test_mse_is_within_a_few_percent_of_the_best_range(codes, data):
    def true_error(lo, hi):
        grid = Grid.from_range(lo, hi, *codes)
        return np.square(data.astype(float) - grid.dequantize(grid.quantize(data))).sum()

    lo, hi = (float(end) for end in (min(data.min(), 0), max(data.max(), 0)))
    shares = np.geomspace(1, 1 / 100, 25)
    tried = [(a * lo, b * hi) for a in shares[: 25 if lo else 1] for b in shares[: 25 if hi else 1]]
    best = min(true_error(*ends) for ends in tried)
    assert true_error(*MSE().observe(data).range(*codes)) <= 1.05 * best
    assert best < 0.9 * true_error(lo, hi) or codes == (-128, 127)


# 15 bins hold nearly all: a threshold there would cost 16 codes nothing, and is not tried
CROWD = np.append(np.repeat(np.arange(15) + 0.5, np.arange(3, 48, 3)), 1999.5) / np.float32(2048)


def entropy_by_loops(seen: Histogram, codes: int) -> float:
    """The threshold with the least divergence, from the description, in Python numbers."""
    counts = {i: int(n) for i, n in enumerate(seen.counts, -HALF) if n}
    counts[0] = counts.get(0, 0) - seen.zeros
    width = 2.0**seen.power
    first = math.floor(min(seen.lo, 0) / width)
    end = math.floor(seen.hi / width) + 1 if seen.hi > 0 else 0
    full = max(-first, end)
    tries = [full] + [
        t
        for octave in range(8)
        for sixteenths in range(31, 15, -1)
        if (t := int(sixteenths * 2.0 ** (full.bit_length() - 1 - octave) / 16)) < full
    ]
    outcomes = []
    for t in tries:
        window = range(max(first, -t), min(end, t))
        if t != full and len(window) < codes:
            continue
        p = {i: counts.get(i, 0) for i in window}
        p[window[0]] += sum(n for i, n in counts.items() if i < window[0])
        p[window[-1]] += sum(n for i, n in counts.items() if i > window[-1])
        cells = [[] for _ in range(codes)]
        for place, i in enumerate(window):
            cells[place * codes // len(window)].append(i)
        q = {}
        for cell in cells:
            filled = [i for i in cell if p[i]]
            for i in filled:
                q[i] = sum(counts.get(i, 0) for i in cell) / len(filled)
        outcomes.append((round(kl([n for n in p.values() if n], list(q.values())), 12), -t))
    return -min(outcomes)[1] * width


def kl(p: list[float], q: list[float]) -> float:
    if not all(q):
        return math.inf
    ratio = math.fsum(q) / math.fsum(p)
    return math.fsum(a / sum(p) * math.log(a / b * ratio) for a, b in zip(p, q, strict=True))


@pytest.mark.parametrize("codes", [(-128, 127), (-8, 7), (-2, 1)])
@pytest.mark.parametrize(
    "data",
    [TAILS, np.maximum(TAILS, 0), -np.abs(TAILS), np.abs(DATA) + 3, TAILS[:50], CROWD],
    ids=["t", "relu", "negative", "far", "few", "crowd"],
)
def test_entropy_equals_loops_over_the_description(codes, data):
    seen = Entropy().observe(data)
    t = entropy_by_loops(seen, codes[1] - codes[0] + 1)
    assert seen.range(*codes) == (max(min(seen.lo, 0), -t), min(max(seen.hi, 0), t))


def test_entropy_clips_a_lone_outlier():
    seen = Entropy().observe(np.append(TAILS.clip(-1, 1), np.float32(7)))
    assert seen.hi == 7 and seen.range(-8, 7)[1] < 1.2


def test_of_two_ranges_without_divergence_the_wider_one_wins():
    values = np.float32([1023.5] * 5 + [1999.5] * 3) / 2048
    seen = Entropy().observe(values)
    assert divergence(seen.counts, HALF, HALF + 1024, cells=256) == 0
    assert seen.range() == (0, values.max())


def test_a_window_that_leaves_a_cell_empty_at_its_end_is_infinitely_far():
    assert divergence(np.array([5, 0, 0, 9]), 0, 3, cells=3) == math.inf


def test_the_moving_average_follows_the_formula_in_exact_numbers():
    batches = RNG.normal(size=(30, 7)).astype(np.float32)
    seen, one_by_one = MovingAverage(0.75), MovingAverage(0.75)
    want = None
    for batch in batches:
        seen.observe(batch)
        one_by_one.merge(MovingAverage(0.75).observe(batch))
        ends = [Fraction(float(batch.min())), Fraction(float(batch.max()))]
        want = [w + (e - w) / 4 for w, e in zip(want, ends, strict=True)] if want else ends
    assert state(seen) == state(one_by_one)
    assert [seen.average_lo, seen.average_hi] == pytest.approx([float(w) for w in want], rel=1e-14)
    assert (seen.lo, seen.hi, seen.batches) == (batches.min(), batches.max(), 30)
    assert seen.grid() == Grid.from_range(seen.average_lo, seen.average_hi)


def test_the_moving_average_refuses_what_it_cannot_merge():
    two = MovingAverage().observe(DATA[:1]).observe(DATA[1:2])
    assert state(MovingAverage().merge(two)) == state(two)
    with pytest.raises(ValueError, match="one batch at a time, in order: .* 2 batches"):
        MovingAverage().observe(DATA).merge(two)
    with pytest.raises(ValueError, match=r"momentum must be 0\.9, as here, got 0\.5"):
        MovingAverage().merge(MovingAverage(0.5))
    for momentum in (1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match="momentum must lie in"):
            MovingAverage(momentum)


# ------------------------------------------------------------------ awkward data


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
@pytest.mark.parametrize("value", [0.7, -0.7, 1.0, -1.0, 3e38, -3e38, 1e-38, -2e-41])
def test_one_value_again_and_again(observer, value):
    grid = observer().observe(np.full(50, value, np.float32)).grid()
    kept = float(grid.dequantize(grid.quantize(np.float32(value))))
    assert kept == pytest.approx(value, rel=0.07)


@every_observer
def test_denormal_numbers_have_a_grid_or_are_refused(observer):
    tiny = np.float32(2.0**-149)
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


def test_integers_are_no_calibration_data_for_a_histogram():
    with pytest.raises(TypeError, match="calibration data must be real numbers"):
        MSE().observe(np.arange(4))
