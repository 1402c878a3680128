"""The requantizer of a linear step in int64: DOUBLE, UP and SINGLE in one form.

    h = (sum * multiplier + nudge) >> first
    code = clamp((h + half + ((h >> 63) & away)) >> second, low, high) + zero_point

There is nothing to decide while it runs.  With m and n the requantizer's multiplier and shift,
left = max(-n, 0) and right = max(n, 0), the integers of (5.4), (5.5) and (5.6) are

                multiplier   nudge                     first        half           away   second
    DOUBLE      m << left    2**30                     31           2**(right-1)   -1     right
    UP          m << left    2**30 + 2**(right-1+31)   31 + right   0               0     0
    SINGLE      m            2**(30+n)                 31 + n       0               0     0

half and away are 0 where right is 0, for there is nothing to round, and so is UP's second term.
The nudge also holds constant * multiplier, which saves adding the constant to each sum.  Why the
table is right:

*The high multiply.*  (5.2) adds 2**30 to a product, or 1 - 2**30 to a negative one, and truncates
toward zero.  Truncating a negative number is flooring it after 2**31 - 1 more, and the two make
2**30 again: for either sign it is (product + 2**30) >> 31.  It saturates for one product alone,
2**62, which a multiplier below 2**31 never gives.

*The left shift.*  (sum << left) * m = sum * (m << left), as long as the shifted sum fits int32.
Where it could wrap, as TFLite's does, `spec_of` leaves the layer to its own forward.

*Ties away from zero.*  (h + half) >> right floors, so every tie goes up.  One less for a negative h
sends its tie down, away from zero.  It changes nothing else: any other h + half lies at least one
above the multiple of 2**right that it is floored to.  h >> 63 is -1 for a negative h, else 0, so
the & makes that choice without a comparison.

*One shift.*  SINGLE is the first shift alone.  Its second one, by 0, changes nothing.  UP's two are
one: flooring a number that was floored before is flooring it once, so
((x >> 31) + half) >> right = (x + (half << 31)) >> (31 + right).  x is below 2**62 + 2**31 in size
and half << 31 at most 2**61, so the sum fits int64.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.requantize import Requantizer, Rounding


@dataclass(frozen=True, eq=False)
class Rescale:
    """The integers of one rescaling, int64 (O,) each.

    multiplier, nudge, first: of the high multiply; half, away, second: of the rounding shift after
    it; away is -1 where ties go away from zero, else 0.
    """

    multiplier: NDArray[np.int64]
    nudge: NDArray[np.int64]
    first: NDArray[np.int64]
    half: NDArray[np.int64]
    away: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def of(
        cls, requantizer: Requantizer, constant: NDArray[np.int64], rectified: bool
    ) -> "Rescale":
        """Return the integers of a requantizer whose rounding is DOUBLE, UP or SINGLE.

        constant: int64 (O,), what to add to each sum; rectified: whether the clamp lets no code
        below the zero_point out.

        Two terms, sum * multiplier and constant * multiplier, may each be beyond int64.  int64
        counts modulo 2**64, and so does their sum.  That one fits: it is the accumulator, an int32
        even after its left shift, times less than 2**31.  So it comes out right.
        """
        shift = requantizer.shift.astype(np.int64)
        left, right = np.maximum(-shift, 0), np.maximum(shift, 0)
        multiplier = requantizer.multiplier.astype(np.int64)
        one, none = np.ones_like(shift), np.zeros_like(shift)
        parts: tuple[NDArray[np.int64], ...]
        if requantizer.rounding is Rounding.SINGLE:
            parts = multiplier, one << (30 + shift), 31 + shift, none, none, none
        else:
            # A rectified DOUBLE is UP, which spares the pass over the signs.  They differ on ties
            # of a negative h alone.  Both then round to zero or less, and are clamped alike.
            tied = requantizer.rounding is Rounding.DOUBLE and not rectified
            away = np.where((right > 0) & tied, -1, 0)
            multiplier, tie, half = multiplier << left, one << 30, (one << right) >> 1
            if away.any():
                parts = multiplier, tie, 31 * one, half, away, right
            else:
                parts = multiplier, tie + (half << 31), 31 + right, none, none, none
        multiplier, nudge, *rest = (np.broadcast_to(part, constant.shape).copy() for part in parts)
        return cls(multiplier, nudge + constant * multiplier, *rest)
