"""The min/max observer: order and split do not matter, bad data is refused."""

import numpy as np
import pytest

from tinyq import Grid, MinMax

DATA = np.random.default_rng(8).normal(size=(40, 5)).astype(np.float32)


@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 30], list(range(1, 40))])
def test_any_split_in_any_order_gives_the_same_grid(cuts):
    parts = np.split(DATA, cuts)
    merged = MinMax()
    for part in reversed(parts):
        merged.merge(MinMax().observe(part))
    assert merged == MinMax(float(DATA.min()), float(DATA.max()))
    assert merged.grid() == Grid.from_range(DATA.min(), DATA.max())


def test_an_empty_batch_changes_nothing():
    assert MinMax(0.0, 1.0).observe(np.zeros((0, 3), np.float32)) == MinMax(0.0, 1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_data_that_is_not_finite_is_refused_and_leaves_the_range(bad):
    observer = MinMax(0.0, 1.0)
    with pytest.raises(ValueError, match="calibration data must be finite"):
        observer.observe(np.float32([5.0, bad]))
    assert observer == MinMax(0.0, 1.0)


def test_an_observer_that_saw_nothing_has_no_grid():
    with pytest.raises(ValueError, match="saw no data"):
        MinMax().grid()


def test_the_grid_takes_other_code_ranges():
    assert MinMax(-1.0, 2.0).grid(-8, 7) == Grid.from_range(-1.0, 2.0, -8, 7)
