"""The four other roundings that runtimes rescale by; the first, DOUBLE, stands in rescale.py.

Each takes an accumulator and a ratio written as multiplier / 2^31 / 2^shift, and any of them goes
where `tinyq.loops` asks for a ``rescale``.  Equation numbers are those of `tinyq.requantize`.
"""

from tinyq.loops.floats import FLOAT32_BITS, FLOAT64_BITS, keep_bits, round_half_even
from tinyq.loops.integers import INT32_MAX, INT32_MIN, check_shift, int32, whole, wrap_int32


def rescale_up(acc: int, multiplier: int, shift: int) -> int:
    """Return acc * multiplier / 2^31 / 2^shift, rounded once by each of two steps, ties up.

    high = (acc*m + 2^30) >> 31; result = (high + 2^(n-1)) >> n                             (5.5)

    acc: int32.  multiplier, shift: from quantize_multiplier.  A left shift happens first and wraps.
    Raises OverflowError if acc is not an int32.  Source: ruy `MultiplyByQuantizedMultiplier`.

    -3 / 2 goes up to -1, and -1 / 2 goes up to 0, which the second step of DOUBLE takes to -1.

    >>> rescale_up(-3, 2**30, 1), rescale_up(3, 2**30, 1)
    (0, 1)
    """
    left, right = max(-check_shift(shift), 0), max(check_shift(shift), 0)
    high = (wrap_int32(int32(acc) << left) * whole(multiplier) + 2**30) >> 31
    half = 2**right // 2
    return (high + half) >> right


def rescale_single(acc: int, multiplier: int, shift: int) -> int:
    """Return acc * multiplier / 2^31 / 2^shift, rounded once, the tie up.

    result = (acc*m + 2^(30+n)) >> (31+n)                                                   (5.6)

    acc: int32.  multiplier, shift: from quantize_multiplier, shift above -31.
    Raises OverflowError if acc is not an int32.  Source: TFLite with `TFLITE_SINGLE_ROUNDING`.

    >>> rescale_single(7984, 1583594044, 9)  # exactly 11.4991
    11
    """
    total = _total(shift)
    return (int32(acc) * whole(multiplier) + 2 ** (total - 1)) >> total


def rescale_float32(acc: int, multiplier: int, shift: int) -> int:
    """Return acc * multiplier / 2^31 / 2^shift as float32 has it, the tie to even.

    result = rint(float32(acc) * float32(ratio)), clamped to int32                          (5.7)

    acc: int32.  multiplier, shift: from float32_multiplier, shift above -31.
    Three roundings to even: acc to 24 bits, the product to 24 bits, the result to an integer.
    Raises OverflowError if acc is not an int32.  Source: XNNPACK `qs8` requantization, fp32.

    >>> [rescale_float32(acc, 2**30, 0) for acc in (-3, -1, 1, 3)]  # halves
    [-2, 0, 0, 2]
    """
    product = keep_bits(keep_bits(int32(acc), FLOAT32_BITS) * whole(multiplier), FLOAT32_BITS)
    return min(max(round_half_even(product, _total(shift)), INT32_MIN), INT32_MAX)


def rescale_float64(acc: int, multiplier: int, shift: int) -> int:
    """Return acc * multiplier / 2^31 / 2^shift as float64 has it, the tie away from zero.

    result = round(float64(acc) * ratio), INT32_MIN where int32 cannot hold it              (5.8)

    acc: int32.  multiplier, shift: from float64_multiplier, shift above -31.
    The product is rounded to 53 bits, to even, before it is rounded to an integer.
    Raises OverflowError if acc is not an int32.  Source: LiteRT 1.4 reference `FullyConnected`.

    >>> [rescale_float64(acc, 2**30, 0) for acc in (-3, -1, 1, 3)]  # halves
    [-2, -1, 1, 2]
    """
    product, total = keep_bits(int32(acc) * whole(multiplier), FLOAT64_BITS), _total(shift)
    size = (abs(product) + 2 ** (total - 1)) >> total
    rounded = size if product >= 0 else -size
    return rounded if INT32_MIN <= rounded <= INT32_MAX else INT32_MIN


def _total(shift: int) -> int:
    """Return how far the whole shift goes to the right, the 31 of the multiplier included."""
    if check_shift(shift) <= -31:
        raise ValueError(f"shift must be above -31, got {shift}")
    return 31 + shift
