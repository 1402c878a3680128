"""How well one tensor stands for another, as the widgets show it: in dB, to two digits."""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import round_half_away
from tinyq.analysis.parity import sqnr_db


def hundredths(x: float) -> float:
    """Return x to two digits after the point, ties away from zero.

    >>> hundredths(2.345678)
    2.35
    """
    return float(round_half_away(x * 100) / 100)


def shown_db(reference: NDArray[np.float32], approximation: NDArray[np.float32]) -> float | None:
    """Return the SQNR in dB to two digits, None where there is no noise or no signal."""
    found = sqnr_db(reference, approximation)
    return hundredths(found) if np.isfinite(found) else None
