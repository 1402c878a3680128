"""What folding asks of its arguments: finite float64."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def finite(name: str, values: ArrayLike) -> Array:
    """Return values as float64, or raise ValueError for NaN or infinity."""
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array
