"""A depthwise convolution of a plan: one product and one sum of rows for each weight of a window.

Codes are made float32 once a tile, and stand so that what one weight meets in a row lies in one
run: columns that a stride takes together lie together, and a channel that several outputs read is
there as often.  Such a run times a row of weights is one NumPy call on long rows.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.finish import FLOAT32_EXACT, Finishing, max_pool
from tinyq.engines.fuse import Op
from tinyq.engines.linear import Spec, finished
from tinyq.engines.steps import carve, carved
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile
from tinyq.layers.checks import extent, output_size


def depthwise_spec(op: Op) -> Spec:
    """Return what the step needs: its matrix is int8 (KH * KW, O), a row for each weight."""
    weight = op.layer.weight
    rows = np.ascontiguousarray(weight.reshape(len(weight), -1).T)
    return finished(op, weight.shape[1:], op.layer.stride, rows, 0)


class DepthwiseStep(Finishing):
    """Multiply and add row by row, pool, rescale: a tile at a time.  Spec has the arithmetic."""

    def __init__(self, spec: Spec, image: NDArray[np.int8], target: Tensor):
        self._finish_by(spec, target)
        # a sum of products that are whole is exact in any order, as in Spec.cuts
        self.kind = np.float32 if spec.largest(0) < FLOAT32_EXACT else np.float64
        layer = spec.op.layer
        self.image, self.dilation = image, layer.dilation
        out = output_size(layer, image.shape, spec.kernel, spec.stride, layer.dilation)
        self.across = out[1]
        self.weights = np.tile(spec.matrix.astype(self.kind), self.across)
        self.held = self.weights.nbytes + spec.nbytes

    def _reads(self, tile: Tile) -> tuple[int, int]:
        """Return how many rows of sums a tile has in an image, and how many input rows they see."""
        rows = (tile.r1 - tile.r0) * self.spec.op.window[0]
        span = extent(self.spec.kernel, self.dilation)[0]
        return rows, (rows - 1) * self.spec.stride[0] + span

    def _parts(self, tile: Tile) -> list[tuple[tuple[int, ...], type]]:
        """Return the shapes of planes, sums, term, pooled rows, pooled, accumulators and signs."""
        count, (rows, read), step = tile.n1 - tile.n0, self._reads(tile), self.spec.stride[1]
        layer, (height, width) = self.spec.op.layer, self.spec.op.window
        wide = self.across + (self.spec.kernel[1] - 1) * self.dilation[1] // step
        sums = count, rows, self.weights.shape[1]
        pooled = count, tile.r1 - tile.r0, *self.target.image.shape[2:]
        return [
            ((step, count, read, wide, layer.channels, layer.depth_multiplier), self.kind),
            (sums, self.kind),
            (sums, self.kind),
            ((count, tile.r1 - tile.r0, sums[2]) if height > 1 else (0,), self.kind),
            (pooled if width > 1 else (0,), self.kind),
            (pooled, self.wide),
            (pooled if self.signed else (0,), self.wide),
        ]

    def need(self, tile: Tile) -> int:
        """Return the bytes of scratch memory that a tile takes."""
        return carved(self._parts(tile))

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Cut the arena for each tile, and take the views that it reads and writes."""
        down, step = self.spec.stride
        self.views: list[tuple[Any, ...]] = []
        for tile in tiles:
            planes, *scratch = carve(arena, self._parts(tile))
            rows, read = self._reads(tile)
            top = tile.r0 * self.spec.op.window[0] * down
            seen = self.image[tile.n0 : tile.n1, top : top + read]
            copies = []
            for phase in range(step):
                columns = seen[:, :, phase::step][:, :, : planes.shape[3], :, None]
                copies.append((planes[phase][:, :, : columns.shape[2]], columns))
            taps = [self._tap(planes, rows, *place) for place in np.ndindex(*self.spec.kernel)]
            out = self.target.image[tile.n0 : tile.n1, tile.r0 : tile.r1]
            self.views.append((copies, taps, *scratch, out))

    def _tap(self, planes: NDArray, rows: int, ky: int, kx: int) -> NDArray:
        """Return the view of what one weight meets: (N, rows, OW * O)."""
        (down, step), (apart_down, apart) = self.spec.stride, self.dilation
        first, (left, phase) = ky * apart_down, divmod(kx * apart, step)
        seen = planes[phase][:, first : first + (rows - 1) * down + 1 : down]
        seen = seen[:, :, left : left + self.across]
        return seen.reshape(*seen.shape[:2], -1)

    def __call__(self) -> None:
        """Run the tiles."""
        height, width = self.spec.op.window
        for copies, taps, sums, term, lines, pooled, acc, signs, out in self.views:
            for plane, columns in copies:
                np.copyto(plane, columns)
            np.multiply(taps[0], self.weights[0], out=sums)
            for tap, weights in zip(taps[1:], self.weights[1:], strict=True):
                np.multiply(tap, weights, out=term)
                np.add(sums, term, out=sums)
            if height > 1:
                each = sums.reshape(len(sums), -1, height, sums.shape[2])
                sums = np.maximum.reduce(each, axis=2, out=lines)
            sums = sums.reshape(*out.shape[:2], -1, out.shape[3])
            if width > 1:
                sums = max_pool(sums, width, pooled)
            self._finish(sums, acc, signs, out)
