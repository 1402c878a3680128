"""A runner that is ready to be timed, and codes as the runtimes want them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIGN = 128


@dataclass(frozen=True)
class Session:
    """A runner with its model built, its memory allocated and its input at hand.

    call: runs one batch and returns what the runner gives, in NumPy's hands; codes: that as int8
    logits (batch, classes), None for a runner without codes; plan_bytes: plan.nbytes of an engine.
    """

    call: Callable[[], NDArray]
    codes: Callable[[NDArray], NDArray[np.int8]] | None = None
    plan_bytes: int | None = None

    def answer(self) -> NDArray[np.int8] | None:
        """Return the codes of one call, None for a runner without codes."""
        made = self.call()
        return None if self.codes is None else self.codes(made)


def signed(codes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return uint8 codes as the int8 codes that are 128 less."""
    return (codes.astype(np.int16) - SIGN).astype(np.int8)


def unsigned(codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return int8 codes as the uint8 codes that are 128 more."""
    return (codes.astype(np.int16) + SIGN).astype(np.uint8)
