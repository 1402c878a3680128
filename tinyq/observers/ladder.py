"""The ends that a search tries: a fixed ladder from the largest number seen downwards."""

import math

import numpy as np
from numpy.typing import NDArray

OCTAVES = 8


def ladder(limit: float, steps: int) -> NDArray[np.float64]:
    """Return limit, and below it every m / steps * 2**e with m in steps..2 steps - 1.

    limit: >= 0; steps: rungs between a power of two and the next, itself a power of two, so that
    each rung is exact in float64.
    Returns float64, descending from limit through 8 powers of two: the last rung lies between
    limit / 256 and limit / 128.  For limit 0 the only rung is 0.

    >>> ladder(1.1, steps=4)[:6].tolist()
    [1.1, 1.0, 0.875, 0.75, 0.625, 0.5]
    """
    if limit == 0:
        return np.zeros(1)
    top = math.frexp(limit)[1] - 1  # 2**top <= limit
    octaves = 2.0 ** np.arange(top, top - OCTAVES, -1)
    rungs = (octaves[:, None] * np.arange(2 * steps - 1, steps - 1, -1) / steps).ravel()
    return np.append(limit, rungs[rungs < limit])
