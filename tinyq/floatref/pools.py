"""The float pools: the largest number or the mean of a window."""

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
from tinyq.layers.pool import NO_PADS
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
    """Take the mean of each window.  kernel: (KH, KW); stride: (SY, SX); each >= 1."""

    kernel: tuple[int, int]
    stride: tuple[int, int]

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        check_window("AvgPool2D", self.kernel, self.stride)

    def forward(self, x: Array) -> Array:
        """Return the means: (N, H, W, C) to (N, OH, OW, C)."""
        check_reals(self, x, IMAGE)
        out = output_size(self, x.shape, self.kernel, self.stride)
        total = np.zeros((len(x), *out, x.shape[3]), np.float32)
        for _, _, tap in taps(x, self.kernel, self.stride, out):
            total += tap
        return total / np.float32(self.kernel[0] * self.kernel[1])

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QAvgPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QAvgPool2D(in_grid, self.kernel, self.stride)


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
