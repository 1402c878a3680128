"""What every engine's step shares: scratch memory, and the two steps that need no engine."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.fuse import Op
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile
from tinyq.layers.nodes import naming_layer


class Step(Protocol):
    """One operation on the plan's tensors, a tile of its output at a time.

    rows: output rows of an image, what a tile counts in; held: bytes of weights and tables.
    """

    rows: int
    held: int

    def need(self, tile: Tile) -> int:
        """Return the bytes of scratch memory that a tile takes."""

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Take the tiles to run, and memory that no other step uses at the same time."""

    def __call__(self) -> None:
        """Run the tiles: read the sources' codes, write the target's."""


def carve(arena: NDArray[np.uint8], parts: Sequence[tuple[Sequence[int], type]]) -> list[NDArray]:
    """Return an array of each (shape, dtype) from one piece of memory, 64 bytes apart.

    >>> a, b = carve(np.zeros(128, np.uint8), [((3,), np.int8), ((2, 2), np.int64)])
    >>> a.shape, b.dtype, b.base is a.base
    ((3,), dtype('int64'), True)
    """
    arrays: list[NDArray] = []
    start = 0
    for shape, dtype in parts:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        arrays.append(arena[start : start + size].view(dtype).reshape(shape))
        start += _rounded(size)
    return arrays


def carved(parts: Sequence[tuple[Sequence[int], type]]) -> int:
    """Return how many bytes `carve` takes for these parts."""
    return sum(_rounded(int(np.prod(shape)) * np.dtype(kind).itemsize) for shape, kind in parts)


def _rounded(size: int) -> int:
    return -(-size // 64) * 64


class LayerStep:
    """A layer run by its own forward: exact for every layer, rounding and grid, and slow."""

    rows, held = 1, 0

    def __init__(self, op: Op, sources: Sequence[Tensor], target: Tensor):
        self.name, self.layers, self.target = op.name, op.layers, target
        self.inputs = [one.padded(op.pads) if one.codes.ndim == 4 else one.codes for one in sources]

    def need(self, tile: Tile) -> int:
        """Return 0: the layer allocates what it needs."""
        return 0

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Take nothing: without scratch memory there is one tile, all images."""

    def __call__(self) -> None:
        """Run the layers on the codes of the sources."""
        codes = self.inputs
        with naming_layer(self.name):
            for layer in self.layers:
                codes = [layer.forward(*codes)]
        made, place = codes[0], self.target.codes
        one = (1, *place.shape[1:])  # of what is the same for every image
        if made.dtype != np.int8 or made.shape not in (place.shape, one):
            raise TypeError(
                f"layer {self.name!r} must return int8 {place.shape} in a plan, "
                f"got {made.dtype} {made.shape}"
            )
        place[...] = made
