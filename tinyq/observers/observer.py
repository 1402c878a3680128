"""What calibration asks of an observer."""

from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid


@runtime_checkable
class Observer(Protocol):
    """Anything that watches the batches of one tensor and proposes its grid.

    lo, hi: the smallest and largest value seen.  A new observer saw nothing: hi < lo.
    """

    lo: float
    hi: float

    def observe(self, batch: NDArray[np.float32]) -> Self:
        """Watch one batch and return self.  Raises ValueError for NaN or infinity."""
        ...

    def merge(self, other: Self) -> Self:
        """Add what another observer of the same class saw after this one, and return self."""
        ...

    def grid(self, qmin: int = -128, qmax: int = 127) -> Grid:
        """Return the grid with codes qmin..qmax.  Raises ValueError if nothing was observed."""
        ...
