"""What float32 and float64 do to a number, said in Python ints.

A float is a multiplier and a shift, as in `tinyq.loops.rescale`, but its multiplier is its own:
24 bits of a float32, 53 of a float64.  After each operation the exact result is brought back to
that many bits, to the nearest, and a tie goes to the even one.
"""

from math import frexp, isfinite, ldexp

FLOAT32_BITS, FLOAT64_BITS = 24, 53


def check_ratio(ratio: float) -> float:
    """Return a ratio that a rescaling can have; raise ValueError for a negative, infinite or NaN.

    >>> check_ratio(-0.5)
    Traceback (most recent call last):
    ValueError: ratio must be finite and not negative, got -0.5
    """
    if isinstance(ratio, bool) or not (isfinite(ratio) and ratio >= 0):
        raise ValueError(f"ratio must be finite and not negative, got {ratio}")
    return ratio


def round_half_even(x: int, n: int) -> int:
    """Return x / 2^n, rounded to the nearest integer; a tie goes to the even one.

    x: any int.  n: the exponent of the power of two, 0 or more.

    >>> [round_half_even(x, 1) for x in (-3, -1, 1, 3, 5)]
    [-2, 0, 0, 2, 2]
    """
    down = x >> n
    twice_the_rest = 2 * (x - (down << n))
    tie_to_odd = twice_the_rest == 2**n and down % 2 == 1
    return down + 1 if twice_the_rest > 2**n or tie_to_odd else down


def keep_bits(x: int, bits: int) -> int:
    """Round x so that only its leading bits are left: what a float of so many bits would hold.

    x: any int.  bits: 24 for float32, 53 for float64.  A tie goes to the even neighbour.

    >>> keep_bits(2**24 + 1, 24) - 2**24, keep_bits(2**24 + 3, 24) - 2**24
    (0, 4)
    """
    dropped = max(abs(x).bit_length() - bits, 0)
    return round_half_even(x, dropped) << dropped


def float32(x: float) -> float:
    """Round a real number to float32, a tie to the even neighbour.

    x: finite and not negative, below 2^128.  Below 2^-126 a float32 has fewer than 24 bits.
    Raises ValueError for a negative, infinite or NaN x.

    >>> float32(0.1)
    0.10000000149011612
    """
    multiplier, shift = float64_multiplier(x)
    # multiplier / 2^(31 + shift) has 53 bits; the last bit of a float32 is never below 2^-149
    dropped = max(FLOAT64_BITS - FLOAT32_BITS, 31 + shift - 149)
    return ldexp(round_half_even(multiplier, dropped), dropped - 31 - shift)


def float64_multiplier(ratio: float) -> tuple[int, int]:
    """Write a real ratio as multiplier / 2^31 / 2^shift with all of its 53 bits.  Host only.

    ratio: finite, not negative.  Returns (multiplier, shift): multiplier in 2^52..2^53-1, or 0.
    Raises ValueError for a negative, infinite or NaN ratio.

    >>> float64_multiplier(0.75) == (3 * 2**51, 22)
    True
    """
    mantissa, exponent = frexp(check_ratio(ratio))
    return int(mantissa * 2**FLOAT64_BITS), FLOAT64_BITS - 31 - exponent


def float32_multiplier(ratio: float) -> tuple[int, int]:
    """Write the float32 next to a real ratio as multiplier / 2^31 / 2^shift.  Host only.

    ratio: finite, not negative.  Returns (multiplier, shift), of which the last 29 bits are 0.
    Raises ValueError for a negative, infinite or NaN ratio.

    >>> multiplier, shift = float32_multiplier(0.1)
    >>> multiplier / 2 ** (31 + shift)
    0.10000000149011612
    """
    return float64_multiplier(float32(ratio))
