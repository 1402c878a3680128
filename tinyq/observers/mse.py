"""MSE: the range whose grid reproduces the numbers with the least mean squared error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import FLOAT32_MAX, FLOAT32_TINY, round_half_away
from tinyq.observers.histogram import HALF, Histogram
from tinyq.observers.ladder import ladder

STEPS = 8


@dataclass(eq=False)
class MSE(Histogram):
    """The range with the least squared error of rounding and clipping together.

    (lo, hi) = argmin of the mean over all x seen of (dequantize(quantize(x)) - x)**2      (2.1)

    Each end moves on a ladder of 8 rungs an octave, from the largest number seen down to less than
    a 128th of it, and all pairs of ends are tried; where two are equally good, the wider one wins.
    The numbers within a bin of the histogram count as evenly spread, and the integral over each
    code's cell is exact.  Zeros have no error.  A tensor whose numbers are all >= 0, as after a
    ReLU, keeps lo = 0.
    Source: Nagel et al. 2021, section 3.1, with a ladder in place of the golden section.

    >>> numbers = np.append(np.linspace(-1, 1, 9999), 3).astype(np.float32)
    >>> MSE().observe(numbers).range(-8, 7)                       # the 3 is clipped to 1
    (-1.0, 1.0)
    """

    def _choose(self, qmin: int, qmax: int) -> tuple[float, float]:
        # all pairs; the widest comes first, and argmin below returns the first of equals
        lows, highs = -ladder(max(-self.lo, 0.0), STEPS), ladder(max(self.hi, 0.0), STEPS)
        lo, hi = np.repeat(lows, len(highs)), np.tile(highs, len(lows))
        scale, zero_point = grids_from_ranges(lo, hi, qmin, qmax)
        usable = (scale >= FLOAT32_TINY) & (scale <= FLOAT32_MAX)
        if not usable.any():
            return self.lo, self.hi  # from_range says what is wrong with it, or takes all zeros
        lo, hi, scale, zero_point = (a[usable] for a in (lo, hi, scale, zero_point))
        errors = squared_error(
            self.counts_without_zeros(), scale / 2.0**self.power, zero_point, qmin, qmax
        )
        best = int(np.argmin(errors))
        return float(lo[best]), float(hi[best])


def grids_from_ranges(
    lo: NDArray[np.float64], hi: NDArray[np.float64], qmin: int, qmax: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scale and zero_point of many ranges, as Grid.from_range gives them one at a time.

    lo: <= 0; hi: >= 0, float64 of one shape.  A scale that Grid refuses is among them, with the
    zero_point qmin.

    >>> [a.tolist() for a in grids_from_ranges(np.float64([-1]), np.float64([1.5]), -2, 3)]
    [[0.5], [0.0]]
    """
    with np.errstate(all="ignore"):
        width = hi.astype(np.float32) - lo.astype(np.float32)
        scale = (width / np.float32(qmax - qmin)).astype(np.float64)
    below = np.zeros_like(scale)  # how many steps lie below zero, of a scale that can be
    usable = (scale >= FLOAT32_TINY) & (scale <= FLOAT32_MAX)
    np.divide(lo.astype(np.float32).astype(np.float64), scale, out=below, where=usable)
    return scale, np.clip(round_half_away(qmin - below), qmin, qmax)


def squared_error(
    counts: NDArray[np.int64],
    scale: NDArray[np.float64],
    zero_point: NDArray[np.float64],
    qmin: int,
    qmax: int,
) -> NDArray[np.float64]:
    """Return the squared error of a histogram's numbers on many grids, with a bin as the unit.

    Every x in a code's cell becomes v = scale * (q - zero_point); the end cells reach to infinity.
    error = sum over all x of x**2 + sum over codes of (v**2 * number of x - 2 v * sum of x)

    counts: (4096,), bin i = [i, i + 1) at index 2048 + i; scale, zero_point: (G,), one a grid.
    Returns float64 (G,).  Each step is elementwise or a running sum, so the bits are the same on
    every machine.

    >>> counts = np.zeros(4096, np.int64)
    >>> counts[2048 + 5] = 12                        # 12 numbers spread over 5..6, all become 5
    >>> squared_error(counts, np.float64([5]), np.float64([0]), -1, 1).tolist()     # 12 / 3
    [4.0]
    """
    # (v - x)**2 = x**2 + v**2 - 2 v x: a cell needs only how many numbers it has and their sum, and
    # both are differences of running sums over the bins, looked up at the cell's two edges.  A
    # number spread evenly over bin i has the mean i + 1/2 and the mean square i**2 + i + 1/3.
    bins = np.arange(-HALF, HALF, dtype=np.float64)
    weights = counts.astype(np.float64)
    number, total, squares = (
        np.concatenate([[0.0], np.cumsum(weights * moment)])
        for moment in (1.0, bins + 0.5, bins * bins + bins + 1 / 3)
    )
    error = np.full(scale.shape, squares[-1])
    number_below = total_below = 0.0
    for q in range(qmin, qmax + 1):
        value = scale * (q - zero_point)
        number_upto, total_upto = number[-1], total[-1]
        if q < qmax:
            edge = np.clip(value + scale / 2, -HALF, HALF)
            i = np.minimum(np.floor(edge), HALF - 1).astype(np.int64)
            part = edge - i  # the share of bin i below the edge, whose mean there is i + part / 2
            number_upto = number[i + HALF] + weights[i + HALF] * part
            total_upto = total[i + HALF] + weights[i + HALF] * part * (i + part / 2)
        error += value * (value * (number_upto - number_below) - 2 * (total_upto - total_below))
        number_below, total_below = number_upto, total_upto
    return error
