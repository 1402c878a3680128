"""Fixed-point exponential and reciprocal: their constants, their error, and the two versions."""

from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq.layers import exponential
from tinyq.loops import exponential as nests

INT32_MAX = 2**31 - 1
SEEDED = settings(max_examples=300, derandomize=True, deadline=None, database=None)


def exp(x: Fraction) -> Fraction:
    """exp(x) for |x| <= 16, by halving, and a series whose rest is below 2^-100."""
    if abs(x) > 1:
        return exp(x / 2) ** 2
    return sum((x**n / factorial(n) for n in range(40)), Fraction(0))


def in_31_bits(x: Fraction) -> int:
    return int(x * 2**31 + Fraction(1, 2))


def test_the_constants_are_the_numbers_that_they_stand_for():
    assert in_31_bits(exp(Fraction(-1, 8))) == nests.EXP_EIGHTH == exponential.EXP_MINUS_EIGHTH
    assert in_31_bits(Fraction(1, 3)) == nests.THIRD == exponential.THIRD
    powers = {e: in_31_bits(exp(-(Fraction(2) ** e))) for e in range(-2, 5)}
    assert powers == nests.EXP_POWERS
    assert list(powers.values()) == list(exponential.EXP_MINUS_POWERS)
    two_bits = [in_31_bits(Fraction(n, 17 * 4)) for n in (48, 32)]
    assert two_bits == [nests.FORTY_EIGHT_17TH, nests.THIRTY_TWO_17TH]
    assert two_bits == [exponential.NEWTON_START, exponential.NEWTON_SLOPE]


# all lengths of int32, so that small and large numbers are as likely
LENGTHS = st.integers(0, 31).flatmap(lambda bits: st.integers(2**bits // 2, 2**bits - 1))


@SEEDED
@given(LENGTHS, st.sampled_from([4, 5]))
def test_exp_is_right_to_2_to_minus_22(size, bits):
    got = nests.exp_on_negative_values(-size, bits)
    assert abs(Fraction(got, 2**31) - exp(Fraction(-size, 2 ** (31 - bits)))) < Fraction(1, 2**22)
    assert exponential.exp_on_negative(np.int64([-size]), bits).tolist() == [got]


@SEEDED
@given(LENGTHS)
def test_the_reciprocal_is_right_to_2_to_minus_28(a):
    got = nests.one_over_one_plus_x(a)
    assert abs(Fraction(got, 2**31) - 1 / (1 + Fraction(a, 2**31))) < Fraction(1, 2**28)
    assert exponential.reciprocal(np.int64([a])).tolist() == [got]


@SEEDED
@given(LENGTHS, st.sampled_from([-1, 1]))
def test_logistic_and_tanh_are_what_exp_makes_them(size, sign):
    a = sign * size
    e = exp(Fraction(-size, 2**27))
    half = 1 / (1 + e)
    want = half if sign > 0 else 1 - half
    got = nests.logistic(a, 4)
    assert abs(Fraction(got, 2**31) - want) < Fraction(1, 2**22)
    assert exponential.logistic(np.int64([a]), 4).tolist() == [got]
    got = nests.tanh(a, 4)
    assert abs(Fraction(got, 2**31) - sign * (1 - e * e) / (1 + e * e)) < Fraction(1, 2**21)
    assert exponential.tanh(np.int64([a]), 4).tolist() == [got]


@pytest.mark.parametrize("a", [0, 1, INT32_MAX - 1, INT32_MAX])
def test_the_ends_stay_in_int32(a):
    assert 2**30 - 8 <= nests.one_over_one_plus_x(a) <= INT32_MAX
    assert 0 <= nests.exp_on_negative_values(-a, 5) <= INT32_MAX
    assert -INT32_MAX <= nests.tanh(-a, 4) <= 0 <= nests.tanh(a, 4) <= INT32_MAX
