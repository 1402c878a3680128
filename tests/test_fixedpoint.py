"""Fixed-point rescaling against exact rationals, at random and at the edges."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from test_affine import exact_round

from tinyq.fixedpoint import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
    shift_left_int32,
)

INT32 = np.iinfo(np.int32)
EDGES = [
    0,
    1,
    -1,
    2,
    -2,
    2**30,
    -(2**30),
    2**30 - 1,
    2**30 + 1,
    INT32.max,
    INT32.min,
    INT32.min + 1,
]


def round_half_up(x: Fraction) -> int:
    return floor(x + Fraction(1, 2))


def test_multiplier_is_next_to_the_ratio():
    for ratio in np.random.default_rng(4).uniform(0.5, 1, 2000) * np.logspace(-9, 8, 2000):
        multiplier, shift = quantize_multiplier(float(ratio))
        assert 2**30 <= multiplier <= 2**31 - 1
        stored = Fraction(multiplier) / Fraction(2) ** (31 + shift)
        assert abs(stored / Fraction(float(ratio)) - 1) <= Fraction(1, 2**31)


@pytest.mark.parametrize(
    ("ratio", "want"),
    [
        (0.0, (0, 0)),
        (0.5, (2**30, 0)),
        (1.0, (2**30, -1)),
        (1 - 2**-33, (2**30, -1)),  # the mantissa rounds to 2**31: halved, exponent up
        (1 - 2**-31, (2**31 - 1, 0)),
        (2.0**-32, (2**30, 31)),
        (2.0**-33, (0, 0)),
        (5e-324, (0, 0)),
        (2.0**30 - 1, (2**31 - 2, -30)),
    ],
)
def test_multiplier_edges(ratio, want):
    assert quantize_multiplier(ratio) == want


@pytest.mark.parametrize(
    "ratio", [-0.5, float("nan"), float("inf"), 2.0**30, 2.0**30 * (1 - 2**-40)]
)
def test_multiplier_refuses(ratio):
    with pytest.raises(ValueError, match="ratio must be"):
        quantize_multiplier(ratio)


def test_high_mul_equals_exact_rationals():
    rng = np.random.default_rng(5)
    a = np.concatenate([np.repeat(EDGES, len(EDGES)), rng.integers(INT32.min, INT32.max, 3000)])
    b = np.concatenate([np.tile(EDGES, len(EDGES)), rng.integers(INT32.min, INT32.max, 3000)])
    # a tie goes up on both sides: exactly floor(a*b / 2**31 + 1/2), saturated
    want = [
        min(round_half_up(Fraction(int(x) * int(y), 2**31)), INT32.max)
        for x, y in zip(a, b, strict=True)
    ]
    assert saturating_rounding_doubling_high_mul(a, b).tolist() == want


def test_high_mul_saturates_int32_min_squared():
    assert saturating_rounding_doubling_high_mul(INT32.min, INT32.min) == INT32.max


@pytest.mark.parametrize("exponent", range(32))
def test_rounding_divide_equals_exact_rationals(exponent):
    rng = np.random.default_rng(exponent)
    half = 2**exponent // 2
    ties = [k * half for k in (-5, -3, -1, 1, 3, 5)]
    near = [t + d for t in ties for d in (-1, 0, 1)]
    x = [v for v in near + EDGES if INT32.min <= v <= INT32.max]
    x += rng.integers(INT32.min, INT32.max, 200).tolist()
    want = [exact_round(Fraction(v, 2**exponent)) for v in x]
    assert rounding_divide_by_pot(x, exponent).tolist() == want


def test_left_shift_wraps_int32():
    assert shift_left_int32([2**30, 2**31 - 1, -3, 5], [-1, -1, -30, 2]).tolist() == [
        -(2**31),
        -2,
        2**30,
        5,
    ]


def test_rescaling_is_within_half_a_unit_and_one_rounding():
    # two roundings to nearest: 1/2 from the shift, 1/2 of a unit before it
    rng = np.random.default_rng(6)
    acc = rng.integers(-(2**26), 2**26, 4000)
    for ratio in rng.uniform(2.0**-20, 1, 40):
        multiplier, shift = quantize_multiplier(float(ratio))
        got = multiply_by_quantized_multiplier(acc, multiplier, shift)
        scale = Fraction(multiplier, 2 ** (31 + shift))
        bound = Fraction(1, 2) + Fraction(1, 2 ** (shift + 1))
        for x, y in zip(acc.tolist(), got.tolist(), strict=True):
            assert abs(y - x * scale) <= bound, (x, multiplier, shift)


def test_double_rounding_really_rounds_twice():
    got = int(multiply_by_quantized_multiplier(7984, 1583594044, 9))
    exact = Fraction(7984 * 1583594044, 2**40)
    assert (got, exact_round(exact), f"{float(exact):.4f}") == (12, 11, "11.4991")
