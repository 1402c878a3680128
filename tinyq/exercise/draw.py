"""The parts of a worksheet: problems, and the numbers that a seed draws."""

import random
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

Option = TypeVar("Option")


class Problem(NamedTuple):
    """A question and its answer: a number, a word or a tuple of them."""

    task: str
    answer: object


class Draw:
    """The numbers that a seed draws, the same under every Python and NumPy.

    They come from ``random.Random.random`` alone, whose sequence Python promises to keep.

    >>> Draw(1).codes(5, -9, 9)
    [-7, 7, 5, -5, 0]
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def integer(self, lo: int, hi: int) -> int:
        """Return an integer from lo to hi."""
        return lo + int(self._random.random() * (hi - lo + 1))

    def one(self, options: Sequence[Option]) -> Option:
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def codes(self, count: int, lo: int, hi: int) -> list[int]:
        """Return count integers from lo to hi."""
        return [self.integer(lo, hi) for _ in range(count)]
