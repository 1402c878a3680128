"""Layers that keep the grid: pad and ReLU here, the pools in pool.py.

Each returns codes on the very grid that it was given, so none needs a requantizer.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, wholes
from tinyq.layers.checks import (
    IMAGE,
    check_codes,
    check_form,
    elementwise_form,
    pad_image,
    padded_shape,
)
from tinyq.layers.contract import Shape
from tinyq.layers.one_input import OneInput
from tinyq.requantize import Requantizer


@dataclass(frozen=True)
class PassThrough(OneInput):
    """A layer with one grid, the same object on the way in and on the way out."""

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: the codes stay on their grid."""
        return {}

    @property
    def out_grid(self) -> Grid:
        """The grid of the output: in_grid itself."""
        return self.in_grid


@dataclass(frozen=True)
class QPad2D(PassThrough):
    """Surround an image with the code of real zero, the zero_point.

    y[n, top + h, left + w, c] = x[n, h, w, c]; everywhere else y = zero_point              (6.2)

    pads: (top, bottom, left, right), each >= 0.
    Source: TFLite ``PadV2`` with the zero_point as pad value.

    >>> QPad2D(Grid(0.1, -1), (0, 1, 1, 0)).forward(np.int8([[[[5]]]]))[0, :, :, 0].tolist()
    [[-1, 5], [-1, -1]]
    """

    pads: tuple[int, int, int, int]

    def _prove(self) -> None:
        wholes("QPad2D: pads (top, bottom, left, right)", self.pads, count=4, least=0)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (top + H + bottom, left + W + right, C) for (H, W, C)."""
        check_form(shape, IMAGE)
        return padded_shape(shape, self.pads)

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the padded codes: int8 (N, H, W, C) to (N, top + H + bottom, ..., C)."""
        check_codes(self, codes, self.in_grid, IMAGE)
        return pad_image(codes, self.pads, self.in_grid.zero_point)


@dataclass(frozen=True)
class QClamp(PassThrough):
    """Clamp codes to low..high: what a ReLU is on an affine grid.

    y = min(max(x, low), high)                                                              (7.1)

    low, high: codes with qmin <= low <= high <= qmax.  Built by qrelu and qrelu6.
    """

    low: int
    high: int

    def _prove(self) -> None:
        if not self.in_grid.qmin <= self.low <= self.high <= self.in_grid.qmax:
            raise ValueError(
                f"QClamp: need qmin <= low <= high <= qmax on {self.in_grid}, "
                f"got low={self.low}, high={self.high}"
            )

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself."""
        return shape

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the clamped codes: int8 of any rank from 2 on, same shape out."""
        check_codes(self, codes, self.in_grid, elementwise_form(codes))
        return np.clip(codes, np.int8(self.low), np.int8(self.high))


@checked
def qrelu(grid: Grid) -> QClamp:
    """Return the int8 ReLU on grid: ``y = max(x, zero_point)``.

    Source: TFLite ``CalculateActivationRangeQuantized`` for kTfLiteActRelu.

    >>> qrelu(Grid(0.1, -3)).forward(np.int8([[-5, -3, 7]])).tolist()
    [[-3, -3, 7]]
    """
    return QClamp(grid, low=grid.zero_point, high=grid.qmax)


@checked
def qrelu6(grid: Grid) -> QClamp:
    """Return the int8 ReLU6 on grid: ``y = min(max(x, zero_point), quantize(6))``.

    Source: TFLite ``CalculateActivationRangeQuantized`` for kTfLiteActRelu6.

    >>> qrelu6(Grid(0.1, -3)).forward(np.int8([[-5, 7, 100]])).tolist()
    [[-3, 7, 57]]
    """
    return QClamp(grid, low=grid.zero_point, high=int(grid.quantize(6.0)))
