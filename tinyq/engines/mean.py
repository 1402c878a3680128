"""The mean of a whole image in a plan: a sum of each channel, and the layer's mean of it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.fuse import Op
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile
from tinyq.layers import QAvgPool2D, QGlobalAvgPool2D
from tinyq.layers.pool import mean_codes


def is_whole(op: Op, sources: Sequence[Tensor]) -> bool:
    """Return whether a step takes the mean of a whole image."""
    layer = op.layer
    if type(layer) is QAvgPool2D:
        (source,) = sources
        return layer.kernel == (source.height, source.width) and not any(layer.pads)
    return type(layer) is QGlobalAvgPool2D


class MeanStep:
    """Sum each channel over the image, and take the layer's mean of it."""

    rows = 1

    def __init__(self, op: Op, source: Tensor, target: Tensor):
        self.source, self.target, self.grid = source, target, op.layer.in_grid
        self.count = source.height * source.width
        self.total = np.zeros((len(source.image), source.image.shape[3]), np.int32)
        self.held = self.total.nbytes

    def need(self, tile: Tile) -> int:
        """Return 0: the sums are the step's own."""
        return 0

    def bind(self, tiles: Sequence[Tile], arena: NDArray[np.uint8]) -> None:
        """Take nothing: without scratch memory there is one tile, all images."""

    def __call__(self) -> None:
        """Sum, and write the means."""
        self._sum()
        means = mean_codes(self.total, self.count, self.grid)
        self.target.codes[...] = means.reshape(self.target.codes.shape)

    def _sum(self) -> None:
        np.sum(self.source.image, axis=(1, 2), dtype=np.int32, out=self.total)
