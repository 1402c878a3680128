"""From an int32 accumulator back to a code: multiply by a real ratio with integers alone.

Here is DOUBLE, the two roundings of gemmlowp, which TensorFlow Lite's reference kernels use;
roundings.py has the others.  Equation numbers are those of `tinyq.fixedpoint`.
Source: gemmlowp `fixedpoint/fixedpoint.h`, TensorFlow Lite `kernels/internal/quantization_util.cc`.
"""

from collections.abc import Callable
from math import frexp

from tinyq.loops.floats import check_ratio
from tinyq.loops.integers import (
    INT32_MAX,
    INT32_MIN,
    check_shift,
    divide_toward_zero,
    int32,
    whole,
    wrap_int32,
)

Rescale = Callable[[int, int, int], int]


def quantize_multiplier(ratio: float) -> tuple[int, int]:
    """Write a real ratio as multiplier / 2^31 / 2^shift.  Host only: the one float in this file.

    ratio = m * 2^e with 1/2 <= m < 1; multiplier = round(m * 2^31), shift = -e             (5.1)

    ratio: finite, not negative.
    Returns (multiplier, shift): multiplier in 2^30..2^31-1, shift > 0 to the right, shift < 0 to
    the left.  Ratio 0 gives (0, 0).
    Raises ValueError for a negative, infinite or NaN ratio.

    >>> quantize_multiplier(0.75), quantize_multiplier(3.0), quantize_multiplier(0.0)
    ((1610612736, 0), (1610612736, -2), (0, 0))
    """
    mantissa, exponent = frexp(check_ratio(ratio))  # 0.0 gives 0.0, 0
    multiplier = int(mantissa * 2**31 + 0.5)  # llround; both operations are exact in float64
    if multiplier == 2**31:
        multiplier, exponent = 2**30, exponent + 1
    return multiplier, -exponent


def saturating_rounding_doubling_high_mul(a: int, b: int) -> int:
    """Return a * b / 2^31, rounded to the nearest int32.

    nudge = 2^30 if a*b >= 0 else 1 - 2^30; (a*b + nudge) / 2^31, toward zero               (5.2)

    a, b: int32.  A tie goes up, to +infinity, whatever its sign: 2.5 gives 3 and -2.5 gives -2.
    INT32_MIN * INT32_MIN is 2^31, one too many, and saturates to INT32_MAX.
    Raises OverflowError if a or b is not an int32.

    >>> saturating_rounding_doubling_high_mul(5, 2**30)  # 5 / 2
    3
    >>> saturating_rounding_doubling_high_mul(-5, 2**30)
    -2
    """
    a, b = int32(a), int32(b)
    if a == INT32_MIN and b == INT32_MIN:
        return INT32_MAX
    ab = a * b
    nudge = 2**30 if ab >= 0 else 1 - 2**30
    return divide_toward_zero(ab + nudge, 2**31)


def rounding_divide_by_pot(x: int, n: int) -> int:
    """Return x / 2^n, rounded to the nearest integer; a tie goes away from zero.

    mask = 2^n - 1; threshold = mask/2 + (x < 0); (x >> n) + ((x & mask) > threshold)       (5.3)

    x: int32.  n: the exponent of the power of two, 0 or more.
    Raises OverflowError if x is not an int32, ValueError if n is negative.

    >>> rounding_divide_by_pot(5, 1), rounding_divide_by_pot(-5, 1)
    (3, -3)
    """
    x, n = int32(x), check_shift(n)
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    mask = 2**n - 1
    remainder = x & mask
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> n) + (1 if remainder > threshold else 0)


def multiply_by_quantized_multiplier(x: int, multiplier: int, shift: int) -> int:
    """Return x * multiplier / 2^31 / 2^shift in int32, rounded once by each of the two steps.

    left shift if shift < 0, then (5.2), then (5.3) if shift > 0                            (5.4)

    x, multiplier: int32.  shift: right if positive, left if negative.
    A left shift happens first and wraps where it leaves int32, as in TensorFlow Lite.
    Raises OverflowError if x or multiplier is not an int32, TypeError for what is no integer.

    The exact result here is 11.4991, but the first step rounds 5887.54 to 5888, and 5888 / 2^9 is
    11.5, which the second step rounds away from zero.

    >>> multiply_by_quantized_multiplier(7984, 1583594044, 9)
    12
    """
    x, shift = int32(x), check_shift(shift)
    if shift < 0:
        x = wrap_int32(x << -shift)
    x = saturating_rounding_doubling_high_mul(x, multiplier)
    if shift > 0:
        x = rounding_divide_by_pot(x, shift)
    return x


def requantize(
    acc: int,
    multiplier: int,
    shift: int,
    zero_point: int,
    qmin: int = -128,
    qmax: int = 127,
    rescale: Rescale = multiply_by_quantized_multiplier,
) -> int:
    """Bring an accumulator to the output grid: rescale, add zero_point, clamp to qmin..qmax.

    result = clamp(rescale(acc) + zero_point, qmin, qmax)                                   (5.9)

    acc, multiplier, shift: what rescale takes.  zero_point: the output grid's.
    rescale: one of the five roundings, DOUBLE if none is named.  Returns a code in qmin..qmax.
    Raises OverflowError if acc is not an int32.

    >>> requantize(585, 1527099593, 6, zero_point=-126)
    -119
    >>> requantize(2**20, 1527099593, 6, zero_point=-126)
    127
    """
    result = rescale(acc, multiplier, shift) + whole(zero_point)
    return min(max(result, whole(qmin)), whole(qmax))
