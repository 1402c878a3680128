"""The engine "numpy": matrix products in float32 BLAS on exact codes, the rest in NumPy's integers.

A product of codes is exact in float32 while every partial sum stays below 2**24; Spec.cuts bounds
them for the weights at hand.  A product too deep for that is cut into parts that are not, and the
parts are added in float64, which holds every int32 accumulator.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.depthwise import DepthwiseStep, depthwise_spec
from tinyq.engines.finish import FLOAT32_EXACT, Finishing, max_pool
from tinyq.engines.fuse import PAIRS, PRODUCTS, Op
from tinyq.engines.linear import Spec, is_exact, spec_of
from tinyq.engines.lookup import LookUpStep, lies_in_images
from tinyq.engines.mean import MeanStep, is_whole
from tinyq.engines.steps import Step, carve, carved
from tinyq.engines.tensors import Tensor, windows
from tinyq.engines.tiles import Tile
from tinyq.layers import QClamp, QDepthwiseConv2D, QRescale, QTable

WIDEST = 32  # columns from which on this product gains no more by grouping
TABLE_ROOM = 2**15  # room from which on a pair of codes may have its table of 2**16 bytes
CODEWISE = {QClamp, QRescale, QTable}  # whose table has 256 bytes


def step(op: Op, sources: Sequence[Tensor], target: Tensor, room: int) -> Step | None:
    """Return the step for op, or None for one that the layer itself must run.

    room: bytes that a matrix may have for its windows to be grouped.
    """
    if type(op.layer) in CODEWISE:
        return LookUpStep(op, sources, target)
    if type(op.layer) in PAIRS and room >= TABLE_ROOM and lies_in_images(sources, target):
        return LookUpStep(op, sources, target)
    if is_whole(op, sources):
        return MeanStep(op, sources[0], target)
    if type(op.layer) in PRODUCTS:
        image = sources[0].padded(op.pads)
        spec = spec_of(op, image.shape[2], 0, WIDEST, room // 4)
        return None if spec is None else LinearStep(spec, image, target)
    if type(op.layer) is QDepthwiseConv2D and is_exact(op.layer):
        return DepthwiseStep(depthwise_spec(op), sources[0].padded(op.pads), target)
    return None


class LinearStep(Finishing):
    """Gather windows, multiply, pool, rescale: a tile at a time.  See Spec for the arithmetic."""

    def __init__(self, spec: Spec, image: NDArray[np.int8], target: Tensor):
        self.cuts = spec.cuts(0, FLOAT32_EXACT)
        self.kind = np.float32 if len(self.cuts) == 1 else np.float64
        self.matrix = spec.matrix.astype(np.float32)
        # the int8 matrix may go; a view of it would keep it
        self._finish_by(replace(spec, matrix=spec.matrix[:0].copy()), target)
        self.windows = windows(image, spec.kernel, spec.stride)
        self.held = self.matrix.nbytes + spec.nbytes

    def _parts(self, tile: Tile) -> list[tuple[tuple[int, ...], type]]:
        """Return the shapes of columns, a part, sums, other sums, pooled, accumulators and signs.

        The rows of a pool's window are multiplied one after the other, so two sums meet at a time.
        """
        (height, width), products = self.spec.op.window, tile.rows * self.windows.shape[2]
        pooled = tile.n1 - tile.n0, tile.r1 - tile.r0, *self.target.image.shape[2:]
        return [
            ((products, len(self.matrix)), np.float32),
            ((products if len(self.cuts) > 1 else 0, self.matrix.shape[1]), np.float32),
            ((products, self.matrix.shape[1]), self.kind),
            ((products if height > 1 else 0, self.matrix.shape[1]), self.kind),
            (pooled if width > 1 else (0,), self.kind),
            (pooled, self.wide),
            (pooled if self.signed else (0,), self.wide),
        ]

    def need(self, tile: Tile) -> int:
        """Return the bytes of scratch memory that a tile takes."""
        return carved(self._parts(tile))

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Cut the arena for each tile, and take the views that it reads and writes."""
        height = self.spec.op.window[0]
        self.views: list[tuple[Any, ...]] = []
        for tile in tiles:
            n, r = slice(tile.n0, tile.n1), slice(tile.r0, tile.r1)
            inputs = [self.windows[n, y::height][:, r] for y in range(height)]
            self.views.append((inputs, *carve(arena, self._parts(tile)), self.target.image[n, r]))

    def __call__(self) -> None:
        """Run the tiles."""
        for inputs, columns, part, sums, others, pooled, acc, signs, out in self.views:
            self._multiply(inputs[0], columns, part, sums)
            for row in inputs[1:]:
                self._multiply(row, columns, part, others)
                np.maximum(sums, others, out=sums)
            sums = sums.reshape(*out.shape[:2], -1, out.shape[3])
            if pooled.size:
                sums = max_pool(sums, self.spec.op.window[1], pooled)
            self._finish(sums, acc, signs, out)

    def _multiply(self, inputs: NDArray, columns: NDArray, part: NDArray, sums: NDArray) -> None:
        np.copyto(columns.reshape(inputs.shape), inputs)
        first, *others = self.cuts
        if not others:
            np.matmul(columns, self.matrix, out=sums)
            return
        np.copyto(sums, np.matmul(columns[:, first], self.matrix[first], out=part))
        for cut in others:
            np.add(sums, np.matmul(columns[:, cut], self.matrix[cut], out=part), out=sums)
