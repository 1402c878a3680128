"""observers.histogram and ladder: exact counts, whatever the split, and exact rungs."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from observed import DATA, SEEDED, numbers, state

from tinyq import MSE, Entropy, Percentile
from tinyq.observers.histogram import HALF, Histogram
from tinyq.observers.ladder import ladder


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


def test_a_merge_leaves_the_other_alone():
    one, other = Histogram().observe(DATA), Histogram().observe(DATA * 100)
    before = state(other)
    empty = Histogram().merge(other)
    empty.observe(DATA * 1e6)
    one.merge(other).observe(DATA * 1e6)
    assert state(other) == before


def test_another_class_or_setting_is_not_merged():
    with pytest.raises(TypeError, match="other must be a MSE, got Entropy"):
        MSE().merge(Entropy())
    with pytest.raises(TypeError, match="must have the same settings"):
        Percentile(99.0).merge(Percentile(98.0))


def test_integers_are_no_calibration_data_for_a_histogram():
    with pytest.raises(TypeError, match="calibration data must be real numbers"):
        MSE().observe(np.arange(4))


def test_the_ladder_goes_down_in_exact_rungs():
    assert ladder(0.0, 8).tolist() == [0.0]
    rungs = ladder(3.3, 8)
    assert rungs[0] == 3.3 and (np.diff(rungs) < 0).all() and rungs[-1] == 2 / 128
    assert all(Fraction(float(r)).numerator < 16 for r in rungs[1:])
    assert (rungs[1:-1] / rungs[2:]).max() == 9 / 8 and len(ladder(2.0, 8)) == 57
