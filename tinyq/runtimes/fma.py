"""The fused multiply-add of float32: what the float rules of the runtimes are made of."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer] | np.integer
Floats = NDArray[np.float32] | np.float32


def fused(ratio: np.float32, codes: Integers, addend: Floats) -> NDArray[np.float32]:
    """Return ``ratio * codes + addend`` rounded once, to float32.

    NumPy has no fused multiply-add, and a float64 sum that is then rounded to float32 is rounded
    twice: the first rounding can land on a tie of the second.  So the float64 sum is rounded to odd
    instead: where it is inexact, its last bit becomes 1.  An odd number is no tie of float32.

    ratio: float32; codes: integers of up to 29 bits; addend: float32, of a shape that broadcasts.
    Returns float32 of the shape of codes.  Source: Boldo and Melquiond 2008, rounding to odd.

    >>> tie, tiny = np.array([2**24 + 1]), np.float32(2.0**-60)
    >>> fused(np.float32(1), tie, tiny).tolist()         # the tie alone rounds to the even 2**24
    [16777218.0]
    """
    # the product is exact in float64: 24 + 29 bits
    return fused_floats(np.asarray(ratio, np.float64), np.asarray(codes, np.float64), addend)


def fused_floats(
    a: NDArray[np.floating], b: NDArray[np.floating], addend: Floats
) -> NDArray[np.float32]:
    """Return ``a * b + addend`` rounded once, to float32: fused, for a product of float32 numbers.

    >>> fused_floats(np.float32([2**12 + 1]), np.float32([2**12 + 1]), np.float32(-(2.0**24)))
    array([8193.], dtype=float32)
    """
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)  # exact: 24 + 24 bits
    term = np.asarray(addend, np.float64)
    total = product + term
    # Knuth's TwoSum: what the sum lost to its rounding, exactly
    back = total - product
    lost = (product - (total - back)) + (term - back)
    # of the two float64 numbers around the exact sum one is odd; if total is the even one, the
    # other lies on the side of what was lost
    inexact_even = (lost != 0) & (total.view(np.int64) % 2 == 0)
    odd = np.where(inexact_even, np.nextafter(total, np.copysign(np.inf, lost)), total)
    return odd.astype(np.float32)
