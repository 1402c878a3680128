"""Exponential, reciprocal, logistic and tanh in fixed point: what softmax and its kin are made of.

A real number r stands in an int32 as r * 2^31 / 2^k, "k integer bits": Qk.(31-k).  A number below 1
has k = 0, and 1 itself, which no such int32 holds, is INT32_MAX.  Every product is the rounding
high multiply, so the integer bits of a product are the sum of those of its factors.
Source: gemmlowp `fixedpoint/fixedpoint.h`.
"""

from tinyq.loops.integers import INT32_MAX, INT32_MIN, int32
from tinyq.loops.rescale import rounding_divide_by_pot
from tinyq.loops.rescale import saturating_rounding_doubling_high_mul as high_mul

ONE = INT32_MAX
EXP_EIGHTH = 1895147668  # exp(-1/8), as the other constants round(r * 2^31)
THIRD = 715827883  # 1/3
# exp(-2^e) by the exponent e, for the bits of a number from 1/4 up
EXP_POWERS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}
FORTY_EIGHT_17TH, THIRTY_TWO_17TH = 1515870810, 1010580540  # 48/17 and 32/17, with 2 integer bits


def saturating_shift_left(x: int, shift: int) -> int:
    """Return x * 2^shift, or the end of int32 that it would leave.

    >>> saturating_shift_left(2**30, 1), saturating_shift_left(-3, 2)
    (2147483647, -12)
    """
    return min(max(x << shift, INT32_MIN), INT32_MAX)


def exp_below_quarter(a: int) -> int:
    """Return exp(a) for -1/4 <= a < 0, both without integer bits.

    exp(a) = exp(-1/8) * (1 + x + x^2/2 + x^3/6 + x^4/24) with x = a + 1/8

    -1/8 is the middle of the interval: no x is larger than 1/8, so four terms reach 2^-22.

    >>> exp_below_quarter(-(2**28)) == EXP_EIGHTH
    True
    """
    x = a + 2**28
    x2 = high_mul(x, x)
    x3, x4 = high_mul(x2, x), high_mul(x2, x2)
    # (x^4/4 + x^3)/3 + x^2, halved
    rest = rounding_divide_by_pot(high_mul(rounding_divide_by_pot(x4, 2) + x3, THIRD) + x2, 1)
    return int32(EXP_EIGHTH + high_mul(EXP_EIGHTH, x + rest))


def exp_on_negative_values(a: int, integer_bits: int) -> int:
    """Return exp(a), without integer bits, for a <= 0 with integer_bits of them, at most 5.

    a = b - r, with -1/4 <= b < 0 and r a sum of powers 2^e from 1/4 up: exp(a) is exp(b) times
    exp(-2^e) for each bit e of r that is set.

    >>> round(exp_on_negative_values(-(2**26), integer_bits=5) / 2**31, 6)     # exp(-1)
    0.36788
    """
    if a == 0:
        return ONE
    fraction_bits = 31 - integer_bits
    quarter = 2 ** (fraction_bits - 2)
    below = a % quarter - quarter
    result, rest = exp_below_quarter(below << integer_bits), below - a
    for exponent, factor in EXP_POWERS.items():
        if exponent < integer_bits and rest & 2 ** (fraction_bits + exponent):
            result = high_mul(result, factor)
    return result


def _reciprocal_of_half_sum(a: int) -> int:
    """Return 2 / (1 + a) with 2 integer bits, for 0 <= a <= 1 without any.

    d = (1 + a) / 2, the tie up; x = 48/17 - 32/17 * d; three times x = x + x * (1 - d*x)

    Newton's method for 1 / d, from the line that is best for 1/2 <= d <= 1.
    """
    half = (a + ONE + 1) // 2
    x = FORTY_EIGHT_17TH - high_mul(half, THIRTY_TWO_17TH)
    for _ in range(3):
        miss = 2**29 - high_mul(half, x)  # 1 - d*x, with 2 integer bits
        x = int32(x + saturating_shift_left(high_mul(x, miss), 2))
    return x


def one_over_one_plus_x(a: int) -> int:
    """Return 1 / (1 + a) for 0 <= a <= 1, both without integer bits.

    >>> round(one_over_one_plus_x(2**30) / 2**31, 6)                    # 1 / 1.5
    0.666667
    """
    return saturating_shift_left(_reciprocal_of_half_sum(a), 1)


def logistic(a: int, integer_bits: int) -> int:
    """Return 1 / (1 + exp(-a)) without integer bits, for a with integer_bits of them.

    >>> logistic(0, integer_bits=4) == 2**30                            # 1/2
    True
    """
    if a == 0:
        return 2**30
    above_half = one_over_one_plus_x(exp_on_negative_values(-abs(a), integer_bits))
    return above_half if a > 0 else ONE - above_half


def tanh(a: int, integer_bits: int) -> int:
    """Return tanh(a) without integer bits, for a with integer_bits of them, at most 4.

    tanh(|a|) = (1 - e) / (1 + e) = 2 / (1 + e) - 1 with e = exp(-2|a|)

    >>> round(tanh(2**27, integer_bits=4) / 2**31, 6)                   # tanh(1)
    0.761594
    """
    if a == 0:
        return 0
    e = exp_on_negative_values(-abs(a), integer_bits + 1)  # the same bits, read as twice the number
    size = saturating_shift_left(_reciprocal_of_half_sum(e) - 2**29, 2)
    return size if a > 0 else -size
