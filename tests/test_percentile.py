"""observers.percentile: it cuts what it may and no more."""

import math
from fractions import Fraction

import numpy as np
import pytest
from observed import DATA, TAILS

from tinyq import Percentile


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


@pytest.mark.parametrize("percent", [0, -1, 100.1])
def test_a_wrong_percent_is_refused(percent):
    with pytest.raises(ValueError, match=r"percent must lie in 0 < percent <= 100"):
        Percentile(percent)
