"""The engine "vnni": u8 x s8 products to int32 in ONNX Runtime, the loops around them in numba.

A product is ONNX Runtime's MatMulInteger, which uses the processor's int8 dot products.  Where it
has none, its kernel may add pairs of products in int16 and saturate.  So each matrix is first held
against the sums that drive its pairs to their ends; a product that fails leaves the layer to the
engine "numpy".
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyq.engines import blas
from tinyq.engines.fuse import PAIRS, PRODUCTS, Op
from tinyq.engines.linear import INT32, Spec, spec_of
from tinyq.engines.lookup import LookUpStep, lies_in_images
from tinyq.engines.mean import MeanStep, is_whole
from tinyq.engines.steps import Step, carve, carved
from tinyq.engines.tensors import Tensor, windows
from tinyq.engines.tiles import Tile

try:
    from tinyq.engines import kernels
    from tinyq.engines.gemm import Product
except ImportError as error:
    raise ImportError(
        "engine 'vnni' needs the extra 'fast': pip install '.[fast]' in the project's folder "
        f"({error})"
    ) from error

WIDEST = 128  # columns from which on this product gains no more by grouping
SHIFT = 128  # from a code to uint8


def step(op: Op, sources: Sequence[Tensor], target: Tensor, room: int) -> Step | None:
    """Return the step for op, or None for one that the layer itself must run."""
    fits = lies_in_images(sources, target)
    if type(op.layer) in PAIRS and room >= blas.TABLE_ROOM and fits:
        return CompiledPairStep(op, sources, target)
    if is_whole(op, sources):
        return CompiledMeanStep(op, sources[0], target)
    if type(op.layer) in PRODUCTS:
        image = sources[0].padded(op.pads)
        spec = spec_of(op, image.shape[2], SHIFT, WIDEST, room // 2)
        if spec is not None and spec.largest(SHIFT) <= INT32.max:
            product = Product(spec.matrix)
            if product.is_exact():
                return CompiledLinearStep(spec, product, image, target)
    return blas.step(op, sources, target, room)


class CompiledLinearStep:
    """As blas.LinearStep, on bytes: gather windows, multiply, pool, rescale, a tile at a time."""

    def __init__(self, spec: Spec, product: Product, image: NDArray[np.int8], target: Tensor):
        self.spec, self.product, self.target, self.rows = spec, product, target, target.height
        self.windows = windows(image, spec.kernel, spec.stride)
        # ONNX Runtime keeps a packed copy beside ours
        self.held = 2 * spec.matrix.nbytes + spec.nbytes

    def _parts(self, tile: Tile) -> list[tuple[tuple[int, ...], type]]:
        """Return the shapes of the columns and the sums."""
        height, (depth, width) = self.spec.op.window[0], self.spec.matrix.shape
        products = tile.rows * height * self.windows.shape[2]
        return [((products, depth), np.int8), ((products, width), np.int32)]

    def need(self, tile: Tile) -> int:
        """Return the bytes of scratch memory that a tile takes."""
        return carved(self._parts(tile))

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Cut the arena for each tile, and take the views that it reads and writes."""
        self.views = []
        for tile in tiles:
            n, height = slice(tile.n0, tile.n1), self.spec.op.window[0]
            inputs = self.windows[n, tile.r0 * height : tile.r1 * height]
            columns, sums = carve(arena, self._parts(tile))
            multiply = self.product.bound(columns.view(np.uint8), sums)
            out = self.target.image[n, tile.r0 : tile.r1]
            channels = len(self.spec.constant)
            sums = sums.reshape(*inputs.shape[:2], -1, channels)
            self.views.append((inputs, columns.reshape(inputs.shape), multiply, sums, out))

    def __call__(self) -> None:
        """Run the tiles."""
        height, width = self.spec.op.window
        for inputs, columns, multiply, sums, out in self.views:
            kernels.gather(inputs, columns)
            multiply()
            if (height, width) != (1, 1):
                kernels.max_pool(sums, height, width, out.shape[2])
            self._rescale(sums, out)

    def _rescale(self, sums: NDArray[np.int32], out: NDArray[np.int8]) -> None:
        spec, by, height = self.spec, self.spec.rescale, self.spec.op.window[0]
        ends = spec.low, spec.high, spec.zero_point
        if by is None:
            kernels.rescale_float32(sums, height, spec.constant, spec.ratio, *ends, out)
        else:
            integers = by.multiplier, by.nudge, by.first, by.half, by.away, by.second
            kernels.rescale(sums, height, *integers, *ends, out)


class CompiledPairStep(LookUpStep):
    """A look-up of pairs without scratch memory: its loop reads the table and writes the code."""

    def _parts(self, tile: Tile) -> list[tuple[tuple[int, ...], type]]:
        return []

    def __call__(self) -> None:
        """Run the tiles."""
        for (a, b), out in self.views:
            kernels.look_up(a, b, self.table, out)


class CompiledMeanStep(MeanStep):
    """As MeanStep, by a loop."""

    def _sum(self) -> None:
        kernels.channel_sums(self.source.image, self.total)
