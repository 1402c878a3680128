"""Fixed-point rescaling: an int32 accumulator times a real ratio, in integers.

A ratio is stored as ``multiplier * 2**-31 * 2**-shift`` with an int32 multiplier in
2**30..2**31 - 1, so the product costs one 64-bit multiply and one shift.  A positive shift goes
right; TFLite's ``shift`` is minus ours.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyq.checks import checked, unchecked, within

MAX_RIGHT_SHIFT, MAX_LEFT_SHIFT = 31, 30
INT32 = -(2**31), 2**31 - 1
MULTIPLIER = 0, 2**31 - 1
SHIFT = -MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT


@checked
def quantize_multiplier(ratio: float) -> tuple[int, int]:
    """Return (multiplier, shift) with ``multiplier * 2**(-31 - shift)`` next to ratio.

    ratio = m * 2**e with 0.5 <= m < 1; multiplier = round(m * 2**31), shift = -e           (5.1)

    ratio: finite, 0 <= ratio < 2**30.  A ratio of 0, or so small that it takes every int32 to 0
    (below 2**-32), gives (0, 0).  Raises ValueError for a negative, NaN or larger ratio, TypeError
    for what is no number.
    Source: TFLite ``QuantizeMultiplier``.

    >>> quantize_multiplier(0.25), quantize_multiplier(3.0)
    ((1073741824, 1), (1610612736, -2))
    """
    if not 0 <= ratio < 2.0**MAX_LEFT_SHIFT:
        raise ValueError(f"ratio must be in 0..2**{MAX_LEFT_SHIFT}, got {ratio!r}")
    mantissa, exponent = math.frexp(ratio)
    # mantissa * 2**31 has at most 53 bits: floor(. + 0.5) is exact here and rounds halves away.
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:  # no int32: half of it, and twice the power of two
        multiplier, exponent = 2**30, exponent + 1
    if exponent > MAX_LEFT_SHIFT:
        raise ValueError(f"ratio must be below 2**{MAX_LEFT_SHIFT}, even rounded, got {ratio!r}")
    # below 2**-32 even 2**31 times the ratio is under one half, so it takes every int32 to 0
    if ratio == 0 or -exponent > MAX_RIGHT_SHIFT:
        return 0, 0
    return multiplier, -exponent


@within(a=INT32, b=INT32)
def saturating_rounding_doubling_high_mul(a: ArrayLike, b: ArrayLike) -> NDArray[np.int64]:
    """Return ``a * b / 2**31`` rounded to nearest: the upper half of the doubled product.

    nudge = 2**30 if a*b >= 0 else 1 - 2**30; (a*b + nudge) / 2**31 truncated toward zero    (5.2)

    A positive tie goes up, and so does a negative one: -0.5 gives 0.
    a, b: int32 values, shapes that broadcast.  Returns int64 holding int32 values;
    INT32_MIN * INT32_MIN saturates to INT32_MAX.
    Raises TypeError for what is not integer, ValueError beyond int32 or for other shapes; so do
    the functions below for what is not in their domain.
    Source: gemmlowp ``SaturatingRoundingDoublingHighMul``.

    >>> saturating_rounding_doubling_high_mul([3, -3, 1, -1], 2**30).tolist()
    [2, -1, 1, 0]
    """
    product = np.multiply(a, b, dtype=np.int64)
    # Half of 2**31, away from zero; one less below zero, so that a tie goes up there too.
    nudged = product + np.where(product >= 0, 2**30, 1 - 2**30)
    # C's / truncates toward zero, >> rounds toward minus infinity: 2**31 - 1 makes up for it.
    high = (nudged + np.where(nudged < 0, 2**31 - 1, 0)) >> 31
    return np.minimum(high, 2**31 - 1)  # INT32_MIN * INT32_MIN alone is beyond it


@within(x=INT32, exponent=(0, MAX_RIGHT_SHIFT))
def rounding_divide_by_pot(x: ArrayLike, exponent: ArrayLike) -> NDArray[np.int64]:
    """Return ``x / 2**exponent`` rounded to nearest, ties away from zero.

    mask = 2**n - 1; threshold = mask/2 + (x < 0); (x >> n) + ((x & mask) > threshold)       (5.3)

    x: int32 values; exponent: 0..31; shapes that broadcast.  Returns int64 holding int32 values.
    Source: gemmlowp ``RoundingDivideByPOT``.

    >>> rounding_divide_by_pot([5, -5, 6, 7], 2).tolist()
    [1, -1, 2, 2]
    """
    x, exponent = np.asanyarray(x, dtype=np.int64), np.asanyarray(exponent, dtype=np.int64)
    mask = (np.int64(1) << exponent) - 1
    # x & mask is what >> drops, counted up from the floor.  A tie drops half, 2**(n-1), and the
    # threshold is one less: it rounds up.  Below zero up would be toward zero, hence the + 1.
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


@within(x=INT32, shift=SHIFT)
def shift_left_int32(x: ArrayLike, shift: ArrayLike) -> NDArray[np.int64]:
    """Return ``x * 2**(-shift)`` where shift is negative, else x, wrapped to int32 as TFLite does.

    x: int32 values; shift: ours, -30..31; shapes that broadcast.  Returns int64 holding int32
    values.

    >>> shift_left_int32([3, 2**30], [-1, -2]).tolist()
    [6, 0]
    """
    wide: NDArray[np.int64] = np.asanyarray(x, dtype=np.int64) << np.maximum(np.negative(shift), 0)
    return wide.astype(np.int32).astype(np.int64)


@within(x=INT32, multiplier=MULTIPLIER, shift=SHIFT)
def multiply_by_quantized_multiplier(
    x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike
) -> NDArray[np.int64]:
    """Return x times ``multiplier * 2**(-31 - shift)``: high multiply, then rounding shift.

    left shift if shift < 0, then (5.2), then (5.3) if shift > 0                             (5.4)

    Both steps round; this is the "double rounding" of the gemmlowp and TFLite reference kernels.
    x: int32 values; multiplier: 0..2**31 - 1; shift: -30..31; shapes that broadcast.
    Returns int64 holding int32 values.
    Source: TFLite ``MultiplyByQuantizedMultiplier``.

    >>> int(multiply_by_quantized_multiplier(7984, 1583594044, 9))     # exactly 11.4991
    12
    """
    shifted = unchecked(shift_left_int32)(x, shift)
    high = unchecked(saturating_rounding_doubling_high_mul)(shifted, multiplier)
    return unchecked(rounding_divide_by_pot)(high, np.maximum(shift, 0))
