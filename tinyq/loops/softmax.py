"""Softmax of a row of codes, in fixed point.

Source: TensorFlow Lite `kernels/internal/reference/softmax.h`, `kernels/internal/common.h`.
"""

from collections.abc import Sequence
from math import frexp

from tinyq.loops.exponential import exp_on_negative_values, one_over_one_plus_x
from tinyq.loops.floats import check_ratio
from tinyq.loops.integers import as_ints, check_shift, int32
from tinyq.loops.rescale import rounding_divide_by_pot
from tinyq.loops.rescale import saturating_rounding_doubling_high_mul as high_mul

INTEGER_BITS, SUM_BITS = 5, 12


def softmax_multiplier(scale: float, beta: float) -> tuple[int, int]:
    """Write beta * scale * 2^26 as multiplier * 2^-31 * 2^left.  Host only.

    2^26 takes a difference of codes to the fixed point of 5 integer bits.  A ratio beyond int32 is
    as good as the largest: every difference but 0 is then too far down to count.

    scale, beta: above 0, their product above 2^-26.

    >>> softmax_multiplier(1.0, 1.0)
    (1073741824, 27)
    """
    mantissa, left = frexp(min(check_ratio(beta) * check_ratio(scale) * 2**26, 2.0**31 - 1))
    multiplier = int(mantissa * 2**31 + 0.5)
    return (2**30, left + 1) if multiplier == 2**31 else (multiplier, left)


def softmax(row: Sequence, multiplier: int, left: int) -> list[int]:
    """Return the shares of a row on the grid of scale 1/256 and zero_point -128.

    row: codes.  multiplier, left: from softmax_multiplier.

    Raises OverflowError if the sum leaves int32: for 4,096 codes and more.

    >>> softmax([0, 10, 20], *softmax_multiplier(0.1, 1.0))
    [-105, -65, 42]
    """
    return [min(share - 128, 127) for share in softmax_shares(row, multiplier, left, 8)]


def softmax_shares(row: Sequence, multiplier: int, left: int, bits: int) -> list[int]:
    """Return the shares of a row with so many bits of fraction, 31 at most.

    Three passes: the largest code; the sum of exp(code - largest), each 1 at most, 12 integer bits;
    each exponential over the sum.  The sum is 2^e * (1 + f) with 0 <= f < 1, so that 1 / (1 + f)
    is a number that the fixed point has, and the rest is a shift.

    >>> softmax_shares([7, 7], *softmax_multiplier(0.1, 1.0), 31)     # halves of 2**31, or nearly
    [1073741823, 1073741823]
    """
    row, left, bits = as_ints(row), check_shift(left), check_shift(bits)
    largest = max(row)
    exps = [_exp(code - largest, multiplier, left) for code in row]
    total = 0
    for exp in exps:
        total = int32(total + rounding_divide_by_pot(exp, SUM_BITS))
    length = total.bit_length()
    scale = one_over_one_plus_x(total * 2 ** (32 - length) - 2**31)
    shift = length - (32 - SUM_BITS) + 31 - bits  # e, and from 31 bits of fraction to fewer
    return [rounding_divide_by_pot(high_mul(scale, exp), shift) for exp in exps]


def _exp(difference: int, multiplier: int, left: int) -> int:
    """Return exp(difference * beta * scale), without integer bits; 0 where it is too far down."""
    if difference < -(31 * 2**26 // 2**left):
        return 0
    return exp_on_negative_values(high_mul(int32(difference * 2**left), multiplier), INTEGER_BITS)
