"""The float layers that work number by number or move them: pad, ReLU and add."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked, wholes
from tinyq.floatref.contract import Array
from tinyq.layers.checks import (
    IMAGE,
    check_real_pair,
    check_reals,
    pad_image,
)
from tinyq.layers.scheme import Scheme


@dataclass(frozen=True)
class Pad2D(Proved):
    """Surround an image with zeros.  pads: (top, bottom, left, right), each >= 0."""

    pads: tuple[int, int, int, int]

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = False

    def _prove(self) -> None:
        wholes("Pad2D: pads (top, bottom, left, right)", self.pads, count=4, least=0)

    def forward(self, x: Array) -> Array:
        """Return the padded images: (N, H, W, C) to (N, top + H + bottom, left + W + right, C)."""
        check_reals(self, x, IMAGE)
        return pad_image(x, self.pads, 0.0)

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QPad2D:
        """Return the int8 layer on in_grid."""
        return layers.QPad2D(in_grid, self.pads)


@dataclass(frozen=True)
class ReLU(Proved):
    """Replace negative numbers by zero."""

    requantizes: ClassVar[bool] = False

    def forward(self, x: Array) -> Array:
        """Return max(x, 0): any shape."""
        check_reals(self, x)
        return np.maximum(x, np.float32(0))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QClamp:
        """Return the int8 layer on in_grid."""
        return layers.qrelu(in_grid)


@dataclass(frozen=True)
class ReLU6(Proved):
    """Clamp numbers to 0..6."""

    requantizes: ClassVar[bool] = False

    def forward(self, x: Array) -> Array:
        """Return min(max(x, 0), 6): any shape."""
        check_reals(self, x)
        return np.clip(x, np.float32(0), np.float32(6))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid | None, scheme: Scheme) -> layers.QClamp:
        """Return the int8 layer on in_grid."""
        return layers.qrelu6(in_grid)


@dataclass(frozen=True)
class Add(Proved):
    """Add two tensors of one shape."""

    requantizes: ClassVar[bool] = True

    def forward(self, a: Array, b: Array) -> Array:
        """Return a + b.  Raises ValueError for two shapes: nothing is broadcast."""
        check_real_pair(self, a, b)
        return a + b

    @checked
    def quantize(self, a_grid: Grid, b_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QAdd:
        """Return the int8 layer from a_grid and b_grid to out_grid."""
        return layers.QAdd.from_float(a_grid, b_grid, out_grid, rounding=scheme.rounding)
