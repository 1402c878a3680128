"""What folding asks of its arguments: finite float64."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import finite_float64

Array = NDArray[np.float64]
finite = finite_float64


def channels(name: str, weights: Array, least: int = 1) -> int:
    """Return the number of output channels; raise ValueError for fewer axes or an empty one."""
    if weights.ndim < least or not weights.size:
        raise ValueError(f"{name} must have shape (O, ...), no axis empty, got {weights.shape}")
    return len(weights)


@contextmanager
def in_float64() -> Iterator[None]:
    """Raise ValueError where float64 cannot hold what is computed inside."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
            yield
    except FloatingPointError as error:
        raise ValueError(f"the result must be finite in float64: {error}") from error
