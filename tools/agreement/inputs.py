"""Inputs for other people's models: random codes, and smooth ones, as images and sounds are."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int8]
KNOTS = 4


def random(rng: np.random.Generator, shape: Sequence[int]) -> Codes:
    """Return int8 codes of a shape, each as likely as any other and on its own."""
    return rng.integers(-128, 128, shape).astype(np.int8)


def smooth(rng: np.random.Generator, shape: Sequence[int]) -> Codes:
    """Return int8 codes of a shape that change slowly along each axis.

    A grid of random numbers in -128..127, KNOTS along each axis or as many as the axis is long,
    and straight lines between them.

    >>> smooth(np.random.default_rng(0), (1, 13))[0].tolist()[::4]
    [34, -59, -118, -124]
    """
    values = rng.uniform(-128, 127, [min(size, KNOTS) for size in shape])
    for axis, size in enumerate(shape):
        knots = np.linspace(0, size - 1, values.shape[axis])
        values = np.apply_along_axis(
            lambda line, knots=knots, size=size: np.interp(range(size), knots, line), axis, values
        )
    return np.rint(values).astype(np.int8)


KINDS: dict[str, Callable[[np.random.Generator, Sequence[int]], Codes]] = {
    "random": random,
    "smooth": smooth,
}
