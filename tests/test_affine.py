"""The grid against exact rationals, and its refusals."""

from fractions import Fraction

import numpy as np
import pytest

from tinyq import Grid
from tinyq.affine import round_half_away

GRIDS = [
    Grid.from_range(-1.0, 1.0),
    Grid.from_range(-7.907, 7.913),
    Grid.from_range(0.0, 15.84),
    Grid.from_range(-3.0, 0.0),
    Grid.from_range(1.305, 4.895),
    Grid.from_range(-1e-30, 2e-30),
    Grid.from_range(-1e30, 3e38),
    Grid.from_range(-1.0, 2.0, qmin=-8, qmax=7),
    Grid.from_range(-1.0, 2.0, qmin=-2, qmax=1),
]


def exact_round(x: Fraction) -> int:
    """Round half away from zero, in integers."""
    size = (2 * abs(x.numerator) + x.denominator) // (2 * x.denominator)
    return size if x >= 0 else -size


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_quantize_equals_exact_rationals(grid):
    rng = np.random.default_rng(1)
    x = rng.uniform(1.2 * grid.lo - grid.scale, 1.1 * grid.hi + grid.scale, 2000)
    x = x.astype(np.float32)[np.isfinite(x.astype(np.float32))]
    want = [
        min(
            max(
                exact_round(Fraction(float(v)) / Fraction(grid.scale)) + grid.zero_point, grid.qmin
            ),
            grid.qmax,
        )
        for v in x
    ]
    assert grid.quantize(x).tolist() == want


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_every_code_survives_the_round_trip(grid):
    codes = np.arange(grid.qmin, grid.qmax + 1).astype(np.int8)
    assert grid.quantize(grid.dequantize(codes)).tolist() == codes.tolist()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_error_is_at_most_half_a_step_inside_the_grid(grid):
    x = np.linspace(grid.lo, grid.hi, 5001).astype(np.float32)
    codes = grid.quantize(x)
    for value, code in zip(x.tolist(), codes.tolist(), strict=True):
        exact = Fraction(grid.scale) * (code - grid.zero_point)
        # float64 rounds the quotient once: half a step, and 2**-50 of the value itself
        slack = abs(Fraction(value)) / 2**50
        assert abs(exact - Fraction(value)) <= Fraction(grid.scale) / 2 + slack


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_quantize_is_monotone_and_zero_is_exact(grid):
    x = np.sort(np.random.default_rng(2).uniform(grid.lo, grid.hi, 3000)).astype(np.float32)
    assert (np.diff(grid.quantize(x).astype(int)) >= 0).all()
    assert grid.quantize(0.0) == grid.zero_point
    assert grid.dequantize(np.int8(grid.zero_point)) == 0.0


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (0.5, 1),
        (-0.5, -1),
        (1.5, 2),
        (-1.5, -2),
        (2.5, 3),
        (-2.5, -3),
        (0.49999999999999994, 0),
        (-0.49999999999999994, 0),
        (4503599627370497.0, 4503599627370497),
    ],
)
def test_rounding_takes_ties_away_from_zero(value, want):
    assert round_half_away(value) == want


@pytest.mark.parametrize(
    ("lo", "hi", "scale", "zero_point"),
    [
        (0.0, 0.0, 1.0, -128),
        (2.0, 3.0, float(np.float32(3) / np.float32(255)), -128),
        (-3.0, -2.0, float(np.float32(3) / np.float32(255)), 127),
        (-1.0, 1.0, float(np.float32(2) / np.float32(255)), -1),
    ],
)
def test_from_range_extends_to_zero_and_survives_zero_width(lo, hi, scale, zero_point):
    assert Grid.from_range(lo, hi) == Grid(scale, zero_point)


def test_zero_point_ties_go_away_from_zero():
    # lo / scale = -127.5 on the seed's input: -128 + 127.5 = -0.5 rounds to -1, not to 0
    assert Grid.from_range(-1.0, 1.0).zero_point == -1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 0), "scale must be a finite float32 above 0, got 0.0"),
        ((float("nan"), 0), "scale must be"),
        ((float("inf"), 0), "scale must be"),
        ((-1.0, 0), "scale must be"),
        ((1e-60, 0), "scale must be"),
        ((1.0, 128), "zero_point must be an integer in -128..127, got 128"),
        ((1.0, 5, -4, 3), "zero_point must be an integer in -4..3, got 5"),
        ((1.0, 0, 3, 3), "need -128 <= qmin < qmax <= 127"),
        ((1.0, 0, -129, 3), "need -128 <= qmin"),
    ],
)
def test_a_grid_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Grid(*arguments)


@pytest.mark.parametrize(
    ("lo", "hi"),
    [
        (1.0, 0.0),
        (float("nan"), 1.0),
        (0.0, float("inf")),
        (-3e38, 3e38),
        (0.0, 1e-44),
        (0.0, 1e39),
    ],
)
def test_from_range_refuses(lo, hi):
    with pytest.raises(ValueError, match=r"lo=.*hi=|(lo|hi) must be a finite number"):
        Grid.from_range(lo, hi)


def test_a_grid_whose_ends_overflow_float32_is_refused():
    with pytest.raises(ValueError, match="float32 cannot hold the ends of a grid of scale"):
        Grid.from_range(-3.4028234e38, 0.0, -64, 63)
    for end in (127, np.int8(127)):  # 127 + 128 would wrap in int8
        with pytest.raises(ValueError, match="float32 cannot hold the ends of a grid of scale"):
            Grid(3e38, end)
    assert np.isfinite(Grid.from_range(-3.4e38, 0.0).lo)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf"), 1e39])
def test_quantize_refuses_what_is_not_finite(bad):
    with pytest.raises(ValueError, match="x must be finite"):
        GRIDS[0].quantize([0.0, bad])


def test_quantize_refuses_codes_and_dequantize_refuses_floats():
    with pytest.raises(TypeError, match="got an array of int8"):
        GRIDS[0].quantize(np.int8([1]))
    with pytest.raises(TypeError, match="codes must be signed integers, got .0.5"):
        GRIDS[0].dequantize([0.5])
    with pytest.raises(ValueError, match=r"codes must lie in -8..7, got 0..8"):
        GRIDS[7].dequantize(np.int8([0, 8]))
    with pytest.raises(ValueError, match=r"codes must lie in -128..127, got 0..128"):
        GRIDS[0].dequantize(np.int16([0, 128]))


def test_the_ends_of_a_grid_are_pythons_own_integers():
    for grid in (
        Grid(0.1, 3, np.int8(-128), np.int8(127)),
        Grid.from_range(-1.0, 2.0, np.int8(-128), np.int8(127)),
    ):
        assert type(grid.qmin) is type(grid.qmax) is int and grid.qmax - grid.qmin == 255
    grid = Grid(0.1, np.int8(3))
    assert grid.scale == float(np.float32(0.1)) != 0.1 and type(grid.zero_point) is int
    for ends in ((-7.5, 7), (-8, 7.0)):
        with pytest.raises(TypeError, match="qm.. must be an integer, got -?7"):
            Grid(0.1, 0, *ends)
        with pytest.raises(TypeError, match="qm.. must be an integer, got -?7"):
            Grid.from_range(-1.0, 2.0, *ends)
