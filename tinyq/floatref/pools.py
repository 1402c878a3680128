"""The float pools, and the mean over any axes."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.floatref.contract import Array
from tinyq.layers.checks import (
    IMAGE,
    check_pool_pads,
    check_reals,
    check_window,
    output_size,
    pad_image,
    taps,
)
from tinyq.layers.mean import check_axes, mean_shape
from tinyq.layers.pool import NO_PADS, window_counts
from tinyq.layers.scheme import Scheme


@dataclass(frozen=True)
class MaxPool2D(Proved):
    """Take the largest number of each window.  kernel: (KH, KW); stride: (SY, SX); each >= 1.

    pads: (top, bottom, left, right), each below the kernel's size; they count as -infinity.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int] = NO_PADS

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        check_window("MaxPool2D", self.kernel, self.stride)
        check_pool_pads("MaxPool2D", self.pads, self.kernel)

    def forward(self, x: Array) -> Array:
        """Return the maxima: (N, H, W, C) to (N, OH, OW, C)."""
        check_reals(self, x, IMAGE)
        x = pad_image(x, self.pads, -np.inf)
        out = output_size(self, x.shape, self.kernel, self.stride)
        return np.max([tap for _, _, tap in taps(x, self.kernel, self.stride, out)], axis=0)

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QMaxPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QMaxPool2D(in_grid, self.kernel, self.stride, self.pads)


@dataclass(frozen=True)
class AvgPool2D(Proved):
    """Take the mean of each window.  kernel: (KH, KW); stride: (SY, SX); each >= 1.

    pads: (top, bottom, left, right), each below the kernel's size; they are no part of the mean.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int] = NO_PADS

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        check_window("AvgPool2D", self.kernel, self.stride)
        check_pool_pads("AvgPool2D", self.pads, self.kernel)

    def forward(self, x: Array) -> Array:
        """Return the means: (N, H, W, C) to (N, OH, OW, C)."""
        check_reals(self, x, IMAGE)
        around = pad_image(x, self.pads, 0.0)
        out = output_size(self, around.shape, self.kernel, self.stride)
        total = np.zeros((len(x), *out, x.shape[3]), np.float32)
        for _, _, tap in taps(around, self.kernel, self.stride, out):
            total += tap
        counts = window_counts(x.shape[1:3], self).astype(np.float32)
        mean: Array = np.divide(total, counts)
        return mean

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QAvgPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QAvgPool2D(in_grid, self.kernel, self.stride, self.pads)


@dataclass(frozen=True)
class GlobalAvgPool2D(Proved):
    """Take the mean of each channel over the whole image."""

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = False

    def forward(self, x: Array) -> Array:
        """Return the means: (N, H, W, C) to (N, C).  H and W must be at least 1."""
        check_reals(self, x, IMAGE)
        output_size(self, x.shape, (1, 1), (1, 1))
        return AvgPool2D((x.shape[1], x.shape[2]), (1, 1)).forward(x)[:, 0, 0, :]

    @checked
    def quantize(
        self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme
    ) -> layers.QGlobalAvgPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QGlobalAvgPool2D(in_grid)


@dataclass(frozen=True)
class Mean(Proved):
    """Take the mean over axes of one sample, which keeps a grid of its own in int8.

    axes: 0 for the first after N; keep_dims: whether they stay, of size 1.
    """

    axes: tuple[int, ...] = (0, 1)
    keep_dims: bool = False

    requantizes: ClassVar[bool] = True

    def _prove(self) -> None:
        check_axes("Mean", self.axes)

    def forward(self, x: Array) -> Array:
        """Return the means: float32 (N, ...) to the same without the axes, or with 1 for each."""
        check_reals(self, x)
        made = mean_shape("Mean.forward: x must have shape", x.shape, self.axes, self.keep_dims)
        count = math.prod(x.shape[axis + 1] for axis in self.axes)
        last = np.moveaxis(x, [axis + 1 for axis in self.axes], range(-len(self.axes), 0))
        terms = last.reshape(*last.shape[: -len(self.axes)], count)
        total = np.add.accumulate(terms, axis=-1)[..., -1]
        mean: Array = np.divide(total, np.float32(count))
        return mean.reshape(made)

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QMean:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QMean(in_grid, out_grid, self.axes, self.keep_dims)
