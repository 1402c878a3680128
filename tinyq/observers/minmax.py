"""Min/max: a grid for everything that was seen."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import finite_float32, instance, real


@dataclass
class MinMax:
    """Remember the smallest and largest value seen.

    lo, hi: the range so far, finite; hi < lo means that nothing was seen, and becomes inf, -inf,
    which a new one has.
    Raises TypeError for what is no number, ValueError for NaN or infinity.
    Merging is exact: any split of the data, in any order, gives the same range.

    >>> MinMax().observe(np.float32([-1, 0.5])).observe(np.float32([2])).grid()
    Grid(scale=0.0117647061124444, zero_point=-43, qmin=-128, qmax=127)
    """

    lo: float = math.inf
    hi: float = -math.inf

    def __post_init__(self) -> None:
        ends = (self.lo, self.hi)
        if not (all(isinstance(end, float) for end in ends) and ends == (math.inf, -math.inf)):
            self.lo, self.hi = real("lo", self.lo), real("hi", self.hi)
        if self.hi < self.lo:  # so that a merge takes nothing from them
            self.lo, self.hi = math.inf, -math.inf

    def observe(self, batch: NDArray[np.float32]) -> Self:
        """Widen the range to hold a batch, and return self.

        batch: float32, any shape, finite.  An empty batch changes nothing.
        Raises TypeError for codes and for what is no array of numbers, ValueError for NaN or
        infinity, and leaves the range as it was.
        """
        values = finite_float32("calibration data", batch)
        if values.size:
            self.lo, self.hi = min(self.lo, float(values.min())), max(self.hi, float(values.max()))
        return self

    def merge(self, other: Self) -> Self:
        """Widen the range to hold what another observer saw, and return self.

        Raises TypeError for what is no such observer.

        >>> MinMax(0.0, 1.0).merge(MinMax(-2.0, 0.5))
        MinMax(lo=-2.0, hi=1.0)
        """
        instance("other", other, type(self))
        self.lo, self.hi = min(self.lo, other.lo), max(self.hi, other.hi)
        return self

    def grid(self, qmin: int = -128, qmax: int = 127) -> Grid:
        """Return the asymmetric grid of the range, equations (1.3) and (1.4).

        Raises ValueError if nothing was observed, or where float32 holds no scale for the range.
        """
        if self.hi < self.lo:
            raise ValueError("the observer saw no data: observe at least one value before grid()")
        return Grid.from_range(self.lo, self.hi, qmin, qmax)
