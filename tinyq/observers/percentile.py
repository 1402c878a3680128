"""Percentile: give up a given share of the numbers, the most extreme ones."""

from dataclasses import dataclass

import numpy as np

from tinyq.checks import real
from tinyq.observers.histogram import HALF, Histogram


@dataclass(eq=False)
class Percentile(Histogram):
    """The range that is left when a share of the numbers is cut off, half of it at each end.

    may_cut = floor(count * (100 - percent) / 200) numbers at each end, in whole bins      (2.4)
    hi = the upper edge of the last bin that is left, or the largest number seen if that is less
    lo = the lower edge of the first bin that is left, or the smallest number seen if that is more

    percent: the share of the numbers to keep, 0 < percent <= 100; 100 cuts nothing off.
    A tensor whose numbers are all >= 0, as after a ReLU, keeps lo = 0.
    Raises ValueError for another percent, TypeError for one that is no number.
    Source: McKinstry et al. 2018 cut absolute values; ONNX Runtime's PercentileCalibrater splits
    the share between the ends of an asymmetric range, as here.

    >>> numbers = np.append(np.linspace(-1, 0.99, 999), 20).astype(np.float32)
    >>> Percentile(99.8).observe(numbers).range()                 # 1 of 1000 at each end
    (-1.0, 1.0)
    """

    percent: float = 99.9

    def __post_init__(self) -> None:
        self.percent = real("percent", self.percent)
        if not 0 < self.percent <= 100:
            raise ValueError(f"percent must lie in 0 < percent <= 100, got {self.percent}")

    def settings(self) -> tuple[float, ...]:
        return (self.percent,)

    def _choose(self, qmin: int, qmax: int) -> tuple[float, float]:
        from fractions import Fraction  # needed here alone; it brings decimal with it

        count = int(self.counts.sum())
        # 99.9 means the decimal, not the float64 next to it: of 2,000 numbers it cuts 1 at each
        # end, where float64's (100 - 99.9) / 200 * 2000 is a little less than 1
        may_cut = int(count * (100 - Fraction(str(float(self.percent)))) / 200)
        upto = np.cumsum(self.counts)  # upto[i]: numbers in bin i and below
        first = int(np.argmax(upto > may_cut))
        last = int(np.argmax(upto >= count - may_cut))
        width = 2.0**self.power
        return (
            max(self.lo, (first - HALF) * width),
            min(self.hi, (last + 1 - HALF) * width),
        )
