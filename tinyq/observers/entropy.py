"""Entropy: the range whose codes tell most about how the numbers are distributed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.observers.histogram import HALF, Histogram
from tinyq.observers.ladder import ladder

STEPS = 16


@dataclass(eq=False)
class Entropy(Histogram):
    """The range with the least Kullback-Leibler divergence between the numbers and their codes.

    D(P || Q) = sum over bins of P log(P / Q)                                              (2.5)

    For a threshold t, the window is what lies within -t..t and lo..hi.  P is the histogram in the
    window, with the numbers outside it added to the window's end bins.  For Q, the window without
    those numbers is cut into as many equal cells as the grid has codes, and the count of a cell is
    spread evenly over the bins in it that P does not leave empty.  Both are divided by their sums.
    The t with the least D wins, and the larger t where two are equal within 1e-12; then
    lo = max(lo, -t) and hi = min(hi, t).

    The search tries the full range and a ladder of 16 thresholds an octave, each a whole number of
    bins.  It stops at a window with fewer bins than the grid has codes, which no rounding would
    harm.  Zeros are left out, since the grid holds them without error.
    A tensor whose numbers are all >= 0, as after a ReLU, keeps lo = 0.
    Source: Migacz 2017, "8-bit inference with TensorRT", slides 33 to 38, which has 2048 bins of
    absolute values, 128 cells and every threshold.  The window on two sides is that of MXNet and
    ONNX Runtime.

    >>> numbers = np.append(np.linspace(-1, 1, 9999) ** 3, 4.0).astype(np.float32)
    >>> Entropy().observe(numbers).range()
    (-0.96875, 0.96875)
    """

    def _choose(self, qmin: int, qmax: int) -> tuple[float, float]:
        counts, width = self.counts_without_zeros(), 2.0**self.power
        lo, hi = min(self.lo, 0.0), max(self.hi, 0.0)
        first, end = math.floor(lo / width), math.floor(hi / width) + (hi > 0)
        best, least = max(-first, end), math.inf
        thresholds = np.floor(ladder(best, STEPS)).astype(int).tolist() if counts.any() else []
        for t in thresholds:
            a, b = max(first, -t), min(end, t)
            if t < thresholds[0] and b - a <= qmax - qmin:
                break
            # rounded, because logarithms differ in the last bit between machines
            found = round(divergence(counts, a + HALF, b + HALF, qmax - qmin + 1), 12)
            if found < least:
                best, least = t, found
        return max(lo, -best * width), min(hi, best * width)


def divergence(counts: NDArray[np.int64], start: int, stop: int, cells: int) -> float:
    """Return D(P || Q) in nats, equation (2.5), for counts[start:stop] cut into cells; see Entropy.

    counts: the whole histogram; cells: how many codes.  Infinite where Q is 0 and P is not.

    >>> round(divergence(np.array([1, 0, 2, 3, 5, 3, 1, 7]), 0, 8, cells=2), 4)      # Migacz's
    0.1503
    >>> divergence(np.array([0, 4, 0, 9]), 0, 2, cells=1)          # 9 end up in bin 1, so does Q
    0.0
    """
    window = counts[start:stop]
    spread = window.copy()  # P, before it is divided by its sum
    spread[0] += counts[:start].sum()
    spread[-1] += counts[stop:].sum()
    cell = np.arange(len(window)) * cells // len(window)  # of each bin
    filled = spread > 0
    mass = np.bincount(cell, weights=window, minlength=cells)
    bins = np.bincount(cell, weights=filled, minlength=cells)
    p, q = spread[filled] / spread.sum(), (mass[cell] / np.maximum(bins[cell], 1))[filled]
    if not q.all():
        return math.inf
    return float(np.sum(p * np.log(p / (q / window.sum()))))
