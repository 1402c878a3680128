"""observers.mse: its error against spread numbers, its choice against a search on the data."""

import numpy as np
import pytest
from observed import TAILS

from tinyq import MSE, Grid
from tinyq.observers.histogram import HALF, Histogram
from tinyq.observers.mse import grids_from_ranges, squared_error


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
