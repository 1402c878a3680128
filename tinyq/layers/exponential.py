"""Exponential, reciprocal, logistic and tanh in fixed point, in integers alone.

A real number r stands in an integer of 32 bits as ``r * 2**31 / 2**k``: "k integer bits".  Without
integer bits 1 is INT32_MAX.  A product is equation (5.2), and has the integer bits of both factors.
Source: gemmlowp ``fixedpoint.h``.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import unchecked
from tinyq.fixedpoint import INT32, rounding_divide_by_pot, saturating_rounding_doubling_high_mul

Fixed = NDArray[np.int64]
# from values of int32 all that is multiplied here fits int32
high_mul = unchecked(saturating_rounding_doubling_high_mul)
divide_by_pot = unchecked(rounding_divide_by_pot)
ONE = INT32[1]
# round(r * 2**31) of each number r; of the last two with 2 integer bits
EXP_MINUS_EIGHTH, THIRD = 1895147668, 715827883
EXP_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
FIRST_POWER = -2  # they are exp(-1/4), exp(-1/2), exp(-1), ..., exp(-16)
NEWTON_START, NEWTON_SLOPE = 1515870810, 1010580540  # 48/17, 32/17


def exp_on_negative(a: Fixed, integer_bits: int) -> Fixed:
    """Return ``exp(a)``, without integer bits: of the part of a below 1/4, and of its upper bits.

    x = (a mod 1/4) - 1/8;  exp(-1/8) * (1 + x + x**2/2 + x**3/6 + x**4/24);
    times exp(-2**e) for each bit e from 1/4 up that is set in what is left

    a: int64 values of int32, none above 0; integer_bits: of a, at most 5.  Returns such values.

    >>> round(float(exp_on_negative(np.int64([-(2**26)]), 5)[0]) / 2**31, 6)     # exp(-1)
    0.36788
    """
    fraction_bits = 31 - integer_bits
    quarter = np.int64(1) << (fraction_bits - 2)
    below = (a & (quarter - 1)) - quarter
    x = (below << integer_bits) + 2**28
    square = high_mul(x, x)
    fourth = divide_by_pot(high_mul(square, square), 2)
    cubes = high_mul(fourth + high_mul(square, x), THIRD)
    series = x + divide_by_pot(cubes + square, 1)
    result = EXP_MINUS_EIGHTH + high_mul(EXP_MINUS_EIGHTH, series)
    for place, factor in enumerate(EXP_MINUS_POWERS[: integer_bits - FIRST_POWER]):
        is_set = (below - a) >> (fraction_bits + FIRST_POWER + place) & 1
        result = np.where(is_set, high_mul(result, factor), result)
    return np.where(a == 0, ONE, result)


def double_reciprocal(a: Fixed) -> Fixed:
    """Return ``2 / (1 + a)``, with 2 integer bits: three steps of Newton's method.

    d = (1 + a) / 2, rounded up; x = 48/17 - 32/17 * d; then x = x + x * (1 - d*x)

    a: int64 values 0..INT32_MAX, without integer bits.
    """
    half = (a + ONE + 1) >> 1
    x = NEWTON_START - high_mul(half, NEWTON_SLOPE)
    for _ in range(3):
        x = x + saturating_shift_left(high_mul(x, 2**29 - high_mul(half, x)), 2)
    return x


def reciprocal(a: Fixed) -> Fixed:
    """Return ``1 / (1 + a)``: int64 values 0..INT32_MAX to such values, without integer bits.

    >>> round(float(reciprocal(np.int64([2**30]))[0]) / 2**31, 6)       # 1 / 1.5
    0.666667
    """
    return saturating_shift_left(double_reciprocal(a), 1)


def logistic(a: Fixed, integer_bits: int) -> Fixed:
    """Return ``1 / (1 + exp(-a))``, without integer bits, for int64 values a of int32.

    >>> logistic(np.int64([0]), 4).tolist() == [2**30]                  # 1/2
    True
    """
    above_half = reciprocal(exp_on_negative(-np.abs(a), integer_bits))
    return np.where(a == 0, 2**30, np.where(a > 0, above_half, ONE - above_half))


def tanh(a: Fixed, integer_bits: int) -> Fixed:
    """Return ``tanh(a)``, without integer bits, for int64 values a of int32.

    tanh(|a|) = 2 / (1 + exp(-2|a|)) - 1; with one integer bit more the same a counts twice

    >>> round(float(tanh(np.int64([2**27]), 4)[0]) / 2**31, 6)          # tanh(1)
    0.761594
    """
    size = double_reciprocal(exp_on_negative(-np.abs(a), integer_bits + 1)) - 2**29
    return np.sign(a) * saturating_shift_left(size, 2)


def saturating_shift_left(x: Fixed, shift: int) -> Fixed:
    """Return ``x * 2**shift``, clamped to int32."""
    return np.clip(x << shift, *INT32)
