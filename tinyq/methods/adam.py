"""Adam, the optimizer of the two methods that train: elementwise, the same on every machine."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked, in_float

MEAN_DECAY = 0.9
SQUARE_DECAY = 0.999
EPSILON = 1e-8


class Adam:
    """Move parameters against their slopes, each by about the rate.

    m = 0.9 m + 0.1 g,   v = 0.999 v + 0.001 g**2
    p = p - rate * (m / (1 - 0.9**t)) / (sqrt(v / (1 - 0.999**t)) + 1e-8)

    g is the slope, t counts the steps from 1; m and v start at 0 for each parameter.

    parameters: float arrays, changed in place; rate: > 0, may be changed between steps.
    Raises TypeError or ValueError for anything else.
    Source: Kingma and Ba 2015, algorithm 1.

    >>> p = np.array([1.0, -2.0])
    >>> Adam([p], rate=0.5).step([np.array([0.1, -30.0])])                # only the sign counts
    >>> p.round(6).tolist()
    [0.5, -1.5]
    """

    @checked
    def __init__(self, parameters: Sequence[NDArray[np.floating]], rate: float) -> None:
        if rate <= 0:
            raise ValueError(f"rate must be > 0, got {rate}")
        if not all(p.flags.writeable for p in parameters):
            raise ValueError("parameters are changed in place: they must not be read-only arrays")
        self.parameters = list(parameters)
        self.rate = rate
        self._means = [np.zeros_like(p) for p in self.parameters]
        self._squares = [np.zeros_like(p) for p in self.parameters]
        # 0.9**t and 0.999**t, by repeated products: pow differs by an ulp between machines.
        self._mean_left = self._square_left = 1.0

    @checked
    @in_float("slopes")
    def step(self, slopes: Sequence[NDArray[np.floating]]) -> None:
        """Take one step.  slopes: of the loss, for each parameter an array of its shape."""
        shapes, wanted = ([a.shape for a in arrays] for arrays in (slopes, self.parameters))
        if shapes != wanted:
            raise ValueError(f"slopes must have the parameters' shapes {wanted}, got {shapes}")
        self._mean_left *= MEAN_DECAY
        self._square_left *= SQUARE_DECAY
        every = zip(self.parameters, slopes, self._means, self._squares, strict=True)
        for parameter, slope, mean, square in every:
            mean += (1 - MEAN_DECAY) * (slope - mean)
            square += (1 - SQUARE_DECAY) * (slope * slope - square)
            spread = np.sqrt(square / (1 - self._square_left)) + EPSILON
            parameter -= self.rate * (mean / (1 - self._mean_left)) / spread
