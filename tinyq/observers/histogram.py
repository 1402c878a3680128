"""A histogram that any split of the data, in any order, fills with the same counts.

Bin i holds the numbers x with floor(x / width) = i, for i in -2048..2047.  The width is the least
power of two for which everything seen has a bin.  When larger numbers come, the width doubles and
every two neighbours become one bin.  The outcome is as if the bins had been that wide from the
start, because floor(x / (2 width)) is floor(floor(x / width) / 2).  So the counts depend on the
numbers alone, and a merge is a sum.
"""

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, check_ends
from tinyq.checks import finite_float32, instance

HALF = 2048  # bins on each side of zero
LEAST_POWER = -149  # float32's numbers are whole multiples of 2**-149: no finer bin is of use


@dataclass(eq=False)
class Histogram:
    """Numbers counted in bins of one width, from which Percentile, MSE and Entropy choose a range.

    lo, hi: the smallest and largest number seen, exact; hi < lo means that nothing was seen.
    zeros: how many were exactly 0, which every grid holds without error (bin 0 counts them too).
    power: the width of a bin is 2**power; counts: int64 (4096,), bin i at index 2048 + i.
    Observing and merging commute: any split of the data, in any order, gives the same histogram.

    >>> seen = Histogram().observe(np.float32([0, 0.5, -1]))
    >>> seen.lo, seen.hi, seen.zeros, 2.0**seen.power
    (-1.0, 0.5, 1, 0.00048828125)
    >>> (seen.counts.nonzero()[0] - 2048).tolist()
    [-2048, 0, 1024]
    """

    lo: float = field(default=math.inf, init=False)
    hi: float = field(default=-math.inf, init=False)
    zeros: int = field(default=0, init=False)
    power: int = field(default=LEAST_POWER, init=False)
    counts: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(2 * HALF, np.int64), init=False, repr=False
    )

    def observe(self, batch: NDArray[np.float32]) -> Self:
        """Count the numbers of a batch, and return self.

        batch: float32, any shape, finite.  An empty batch changes nothing.
        Raises ValueError for NaN or infinity, TypeError for integers; it changes nothing then.
        """
        values = finite_float32("calibration data", batch).ravel()
        if values.size:
            self._widen(float(values.min()), float(values.max()))
            # A product with a power of two is exact in float64, so floor gives the very bin.
            bins = np.floor(values.astype(np.float64) * 2.0**-self.power).astype(np.int64)
            self.counts += np.bincount(bins + HALF, minlength=2 * HALF)
            self.zeros += int(values.size - np.count_nonzero(values))
        return self

    def merge(self, other: Self) -> Self:
        """Add what another observer of the same class and settings counted, and return self.

        Raises TypeError for another class or other settings.
        """
        instance("other", other, type(self))
        if self.settings() != other.settings():
            raise TypeError(f"{self!r} cannot merge {other!r}: they must have the same settings")
        if other.lo <= other.hi:
            self._widen(other.lo, other.hi)
            self.counts += coarser(other.counts, self.power - other.power)
            self.zeros += other.zeros
        return self

    def counts_without_zeros(self) -> NDArray[np.int64]:
        """Return the counts of the numbers that are not exactly 0."""
        counts = self.counts.copy()
        counts[HALF] -= self.zeros
        return counts

    def settings(self) -> tuple[float, ...]:
        """Return the numbers that the observer was made with, to compare two observers."""
        return ()

    def grid(self, qmin: int = -128, qmax: int = 127) -> Grid:
        """Return the asymmetric grid of the chosen range, equations (1.3) and (1.4).

        Raises ValueError if nothing was observed, or where float32 holds no scale for the range.
        """
        return Grid.from_range(*self.range(qmin, qmax), qmin, qmax)

    def range(self, qmin: int = -128, qmax: int = 127) -> tuple[float, float]:
        """Return (lo, hi), the range that a grid with the codes qmin..qmax should cover.

        Raises ValueError if nothing was observed, TypeError or ValueError for other codes.
        """
        qmin, qmax = check_ends(qmin, qmax)
        if self.hi < self.lo:
            raise ValueError("the observer saw no data: observe at least one value before grid()")
        return self._choose(qmin, qmax)

    def _choose(self, qmin: int, qmax: int) -> tuple[float, float]:
        raise NotImplementedError

    def _widen(self, lo: float, hi: float) -> None:
        """Widen the range to hold lo..hi, and merge neighbours until both ends have a bin."""
        self.lo, self.hi = min(self.lo, lo), max(self.hi, hi)
        power = power_for(self.lo, self.hi)
        self.counts, self.power = coarser(self.counts, power - self.power), power


def power_for(lo: float, hi: float) -> int:
    """Return the least power for which bins of width 2**power hold lo..hi, -149 or more.

    -2048 * 2**power <= lo and hi < 2048 * 2**power

    >>> power_for(-1.0, 0.5), power_for(-1.0, 1.0), power_for(0.0, 0.0)
    (-11, -10, -149)
    """
    # frexp gives lo = mantissa * 2**below with -1 < mantissa <= -0.5, so lo >= -2**below.  A bin
    # holds its lower edge and not its upper one: lo = -2**(below - 1) exactly can open the first
    # bin of the next finer width, while hi = 2**(above - 1) needs the coarser one.
    mantissa, below = math.frexp(min(lo, 0.0))
    exact = mantissa == -0.5
    _, above = math.frexp(max(hi, 0.0))
    ends = [below - exact] * (lo < 0) + [above] * (hi > 0)
    return max([end - 11 for end in ends] + [LEAST_POWER])  # 2**11 = 2048 bins on each side


def coarser(counts: NDArray[np.int64], doublings: int) -> NDArray[np.int64]:
    """Return the counts for bins that are 2**doublings as wide, a new array.

    counts: int64 (4096,), bin i at index 2048 + i; doublings: >= 0.

    >>> counts = np.zeros(4096, np.int64)
    >>> counts[2048 + np.array([-2, -1, 0, 1, 5])] = [1, 2, 4, 8, 16]
    >>> coarser(counts, 1)[2048 + np.array([-1, 0, 1, 2])].tolist()
    [3, 12, 0, 16]
    """
    size = 2 ** min(doublings, 11)  # at 2**11 = HALF each side is one bin, and stays one
    sums = counts.reshape(-1, size).sum(axis=1)
    wide = np.zeros_like(counts)
    first = HALF - len(sums) // 2
    wide[first : first + len(sums)] = sums
    return wide
