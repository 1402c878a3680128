"""An add of codes as a look-up: 256 * 256 pairs have few enough answers to keep them all."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.fuse import Op
from tinyq.engines.steps import carve, carved
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile


def add_table(op: Op) -> NDArray[np.int8]:
    """Return the answers of an add, and of the clamp after it, to all pairs of codes: (256, 256).

    table[a & 255, b & 255] = clamp(add(a, b)), from the layer's own forward on 65,536 pairs.
    """
    codes = np.arange(256, dtype=np.uint8).view(np.int8)
    first, second = (np.clip(codes, grid.qmin, grid.qmax) for grid in op.layer.in_grids)
    table = np.empty((256, 256), np.int8)
    for row in range(0, 256, 16):  # a few rows at a time: the sums are wide
        a = np.repeat(first[row : row + 16, None], 256, axis=1)
        sums = op.layer.forward(a, np.broadcast_to(second, a.shape))
        table[row : row + 16] = sums if op.clamp is None else op.clamp.forward(sums)
    return table


class AddStep:
    """Look the sum of two codes up in a table of all pairs."""

    def __init__(self, op: Op, sources: Sequence[Tensor], target: Tensor):
        self.sources, self.target, self.rows = sources, target, target.height
        self.table = add_table(op)
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
        self.views = []
        for tile in tiles:
            at = slice(tile.n0, tile.n1), slice(tile.r0, tile.r1)
            a, b = (source.image[at].view(np.uint8) for source in self.sources)
            self.views.append((a, b, *carve(arena, self._parts(tile)), self.target.image[at]))

    def __call__(self) -> None:
        """Run the tiles."""
        for a, b, pairs, sums, out in self.views:
            # a uint8 is its code & 255, so the pair stands at 256 * a + b of the flat table
            np.multiply(a, 256, out=pairs, dtype=np.intp)
            np.add(pairs, b, out=pairs)
            # every pair is in the table: "clip" only spares NumPy a check and a copy
            np.take(self.table, pairs, out=sums, mode="clip")
            np.copyto(out, sums)
