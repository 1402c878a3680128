"""The fused multiply-add of float32, which runtimes' float rules are made of."""

import numpy as np
from numpy.typing import NDArray


def fused(ratio: np.float32, codes: NDArray[np.integer], addend: NDArray) -> NDArray[np.float32]:
    """Return ``ratio * codes + addend`` rounded once, to float32.

    The sum is made odd in its last float64 bit where it is inexact, so that the second rounding,
    to float32, meets no tie that is not one.

    ratio: float32; codes: integers of up to 29 bits; addend: float32, of a shape that broadcasts.
    Returns float32 of the shape of codes.  Source: Boldo and Melquiond 2008, rounding to odd.

    >>> tie, tiny = np.array([2**24 + 1]), np.float32(2.0**-60)
    >>> fused(np.float32(1), tie, tiny).tolist()         # the tie alone rounds to the even 2**24
    [16777218.0]
    """
    product = np.asarray(ratio, np.float64) * codes.astype(np.float64)  # exact: 24 bits times 29
    addend = np.asarray(addend, np.float64)
    total = product + addend
    back = total - product
    lost = (product - (total - back)) + (addend - back)
    inexact_even = (lost != 0) & (total.view(np.int64) % 2 == 0)
    odd = np.where(inexact_even, np.nextafter(total, np.copysign(np.inf, lost)), total)
    return odd.astype(np.float32)
