"""Layers that work code by code as a look-up: 256 codes, or 256 * 256 pairs, have few answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.fuse import Op
from tinyq.engines.steps import carve, carved
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile

CODES = np.arange(256, dtype=np.uint8).view(np.int8)  # code c stands at c & 255


def code_table(op: Op) -> NDArray[np.int8]:
    """Return the answers of a layer to all codes: (256,), table[x & 255] = forward(x)."""
    (grid,) = op.layer.in_grids
    return op.layer.forward(np.clip(CODES, grid.qmin, grid.qmax)[:, None])[:, 0]


def pair_table(op: Op) -> NDArray[np.int8]:
    """Return the answers of a layer, and of the clamp after it, to all pairs of codes: (256, 256).

    table[a & 255, b & 255] = clamp(forward(a, b)), from the layer's own forward on 65,536 pairs.
    """
    first, second = (np.clip(CODES, grid.qmin, grid.qmax) for grid in op.layer.in_grids)
    table = np.empty((256, 256), np.int8)
    for row in range(0, 256, 16):  # a few rows at a time: the sums are wide
        a = np.repeat(first[row : row + 16, None], 256, axis=1)
        made = op.layer.forward(a, np.broadcast_to(second, a.shape))
        table[row : row + 16] = made if op.clamp is None else op.clamp.forward(made)
    return table


def lies_in_images(sources: Sequence[Tensor], target: Tensor) -> bool:
    """Return whether the images repeat as the samples do.

    An image of a sample of more than three axes has all but the last two in its rows: where one of
    those repeats, the rows do not.
    """
    shape = target.image.shape
    return all(
        size in (1, most)
        for source in sources
        for size, most in zip(source.image.shape, shape, strict=True)
    )


class LookUpStep:
    """Look what a code, or two, become up in a table; the smaller of two images is repeated."""

    def __init__(self, op: Op, sources: Sequence[Tensor], target: Tensor):
        self.sources, self.target, self.rows = sources, target, target.height
        self.table = code_table(op) if len(sources) == 1 else pair_table(op)
        self.held = self.table.nbytes

    def _parts(self, tile: Tile) -> list[tuple[tuple[int, ...], type]]:
        """Return the shapes of the places in the table, and of what stands there."""
        shape = tile.n1 - tile.n0, tile.r1 - tile.r0, *self.target.image.shape[2:]
        return [(shape, np.intp), (shape, np.int8)]

    def need(self, tile: Tile) -> int:
        """Return the bytes of scratch memory that a tile takes."""
        return carved(self._parts(tile))

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Cut the arena for each tile, and take the views that it reads and writes."""
        self.views: list[tuple[Any, ...]] = []
        shape = self.target.image.shape
        whole = [np.broadcast_to(source.image.view(np.uint8), shape) for source in self.sources]
        for tile in tiles:
            at = slice(tile.n0, tile.n1), slice(tile.r0, tile.r1)
            read = [image[at] for image in whole]
            self.views.append((read, *carve(arena, self._parts(tile)), self.target.image[at]))

    def __call__(self) -> None:
        """Run the tiles."""
        for (first, *others), places, made, out in self.views:
            np.copyto(places, first)
            for other in others:
                # a uint8 is its code & 255, so the pair stands at 256 * a + b of the flat table
                np.multiply(places, 256, out=places)
                np.add(places, other, out=places)
            # every pair is in the table: "clip" only spares NumPy a check and a copy
            np.take(self.table, places, out=made, mode="clip")
            np.copyto(out, made)
