"""observers.moving_average: the formula in exact numbers, and what cannot be merged."""

from fractions import Fraction

import numpy as np
import pytest
from observed import DATA, RNG, state

from tinyq import Grid, MovingAverage


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
    for momentum in (1.0, -0.1):
        with pytest.raises(ValueError, match="momentum must lie in"):
            MovingAverage(momentum)
