"""Min/max: a grid for everything that was seen."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid


@dataclass
class MinMax:
    """Remember the smallest and largest value seen.

    lo, hi: the range so far; hi < lo means that nothing was seen.
    Merging is exact: any split of the data, in any order, gives the same range.

    >>> MinMax().observe(np.float32([-1, 0.5])).observe(np.float32([2])).grid()
    Grid(scale=0.0117647061124444, zero_point=-43, qmin=-128, qmax=127)
    """

    lo: float = float("inf")
    hi: float = float("-inf")

    def observe(self, batch: NDArray[np.float32]) -> Self:
        """Widen the range to hold a batch, and return self.

        batch: float32, any shape, finite.  An empty batch changes nothing.
        Raises ValueError for NaN or infinity, and leaves the range as it was.
        """
        if batch.size:
            lo, hi = float(batch.min()), float(batch.max())
            if not (np.isfinite(lo) and np.isfinite(hi)):
                raise ValueError(f"calibration data must be finite, got values {lo}..{hi}")
            self.lo, self.hi = min(self.lo, lo), max(self.hi, hi)
        return self

    def merge(self, other: Self) -> Self:
        """Widen the range to hold what another observer saw, and return self.

        >>> MinMax(0.0, 1.0).merge(MinMax(-2.0, 0.5))
        MinMax(lo=-2.0, hi=1.0)
        """
        self.lo, self.hi = min(self.lo, other.lo), max(self.hi, other.hi)
        return self

    def grid(self, qmin: int = -128, qmax: int = 127) -> Grid:
        """Return the asymmetric grid of the range, equations (1.3) and (1.4).

        Raises ValueError if nothing was observed.
        """
        if self.hi < self.lo:
            raise ValueError("the observer saw no data: observe at least one value before grid()")
        return Grid.from_range(self.lo, self.hi, qmin, qmax)
