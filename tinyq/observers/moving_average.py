"""Moving average: a range that follows the batches, so that no single wild batch decides it."""

import math
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import instance, real
from tinyq.observers.minmax import MinMax


@dataclass
class MovingAverage:
    """The exponential moving average of each batch's smallest and largest number.

    average = average + (1 - momentum) * (batch's end - average)                           (2.3)

    It starts at the ends of the first batch, and it depends on the order and size of the batches.

    momentum: the share of the average that each batch leaves, 0 <= momentum < 1; lo, hi: the
    smallest and largest number of all batches; average_lo, average_hi: the ends of the grid;
    batches: how many were seen.
    Raises ValueError for another momentum, TypeError for one that is no number.
    Source: Jacob et al. 2018, section 3.1; PyTorch's MovingAverageMinMaxObserver, whose
    averaging_constant is 1 - momentum.

    >>> seen = MovingAverage(momentum=0.5).observe(np.float32([0, 8])).observe(np.float32([0, 4]))
    >>> seen.average_hi, seen.hi, seen.grid().hi
    (6.0, 8.0, 6.0)
    """

    momentum: float = 0.9
    lo: float = field(default=math.inf, init=False)
    hi: float = field(default=-math.inf, init=False)
    average_lo: float = field(default=math.inf, init=False)
    average_hi: float = field(default=-math.inf, init=False)
    batches: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.momentum = real("momentum", self.momentum)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in 0 <= momentum < 1, got {self.momentum}")

    def observe(self, batch: NDArray[np.float32]) -> Self:
        """Move the average toward the ends of a batch, and return self.

        batch: float32, any shape, finite.  An empty batch changes nothing.
        Raises TypeError for codes and for what is no array of numbers, ValueError for NaN or
        infinity, and changes nothing then.
        """
        seen = MinMax().observe(batch)
        if seen.lo <= seen.hi:
            self._follow(seen.lo, seen.hi)
        return self

    def merge(self, other: Self) -> Self:
        """Add what another observer saw after this one, and return self.

        other: an observer of one batch, or of any number if this one saw none.  More batches cannot
        be added, because their average does not tell what each of them was.
        Raises ValueError for more batches than that, or another momentum, TypeError for what is no
        such observer.
        """
        instance("other", other, type(self))
        if other.momentum != self.momentum:
            raise ValueError(f"momentum must be {self.momentum}, as here, got {other.momentum}")
        if not self.batches:
            vars(self).update(vars(other))
        elif other.batches > 1:
            raise ValueError(
                "a moving average takes over one batch at a time, in order: "
                f"got an observer of {other.batches} batches"
            )
        elif other.batches:
            self._follow(other.lo, other.hi)
        return self

    def grid(self, qmin: int = -128, qmax: int = 127) -> Grid:
        """Return the asymmetric grid of the averaged range, equations (1.3) and (1.4).

        Raises ValueError if nothing was observed, or where float32 holds no scale for the range.
        """
        return MinMax(self.average_lo, self.average_hi).grid(qmin, qmax)

    def _follow(self, lo: float, hi: float) -> None:
        if self.batches:
            self.average_lo += (1 - self.momentum) * (lo - self.average_lo)
            self.average_hi += (1 - self.momentum) * (hi - self.average_hi)
        else:
            self.average_lo, self.average_hi = lo, hi
        self.lo, self.hi = min(self.lo, lo), max(self.hi, hi)
        self.batches += 1
