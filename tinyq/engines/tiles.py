"""Cutting a step's output into tiles that a processor's cache holds."""

from typing import NamedTuple


class Tile(NamedTuple):
    """Some whole images, or some rows of one image: images n0..n1, output rows r0..r1."""

    n0: int
    n1: int
    r0: int
    r1: int

    @property
    def rows(self) -> int:
        """How many output rows the tile has, over all its images."""
        return (self.n1 - self.n0) * (self.r1 - self.r0)


def tiles(images: int, rows: int, most: int) -> list[Tile]:
    """Return tiles that cover images x rows, each of at most ``most`` rows, at least one.

    >>> tiles(5, 4, most=8)
    [Tile(n0=0, n1=2, r0=0, r1=4), Tile(n0=2, n1=4, r0=0, r1=4), Tile(n0=4, n1=5, r0=0, r1=4)]
    >>> tiles(1, 5, most=3)
    [Tile(n0=0, n1=1, r0=0, r1=3), Tile(n0=0, n1=1, r0=3, r1=5)]
    """
    if most >= rows:
        step = most // rows
        return [Tile(n, min(n + step, images), 0, rows) for n in range(0, images, step)]
    step = max(most, 1)
    return [
        Tile(n, n + 1, r, min(r + step, rows)) for n in range(images) for r in range(0, rows, step)
    ]
