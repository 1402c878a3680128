"""Pools: the largest or the mean code of a window, on the grid of the input."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked
from tinyq.layers.checks import (
    IMAGE,
    check_codes,
    check_form,
    check_pool_pads,
    check_window,
    output_size,
    pad_image,
    padded_shape,
    taps,
)
from tinyq.layers.contract import Shape
from tinyq.layers.passthrough import PassThrough

NO_PADS = (0, 0, 0, 0)
# The int32 sum of a mean is at most 128 a cell, and half a cell's count is added to it.
LARGEST_MEAN = (2**32 - 1) // 257


@dataclass(frozen=True)
class Pool(PassThrough):
    """A window over the image: kernel (KH, KW), stride (SY, SX) and pads around the image.

    pads: (top, bottom, left, right), each >= 0 and below the kernel's size on its axis, so that
    every window has a pixel of the image.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int] = NO_PADS

    def _prove(self) -> None:
        check_window(type(self).__name__, self.kernel, self.stride)
        check_pool_pads(type(self).__name__, self.pads, self.kernel)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (OH, OW, C) for (H, W, C) by (6.1), the pads around the image."""
        check_form(shape, IMAGE)
        around = padded_shape(shape, self.pads)
        return *output_size(self, (1, *around), self.kernel, self.stride), shape[2]


class QMaxPool2D(Pool):
    """Take the largest code of each window.

    y[n, i, j, c] = max over ky, kx of x[n, i*SY + ky, j*SX + kx, c]                        (7.2)

    pads: (top, bottom, left, right), each >= 0 and below the kernel's size.  They count as qmin,
    not as the zero_point: a border never wins against the image, negative as it may be.
    Dequantization is increasing, so the largest code is the code of the largest number.
    Source: TFLite ``reference_integer_ops::MaxPool``; ONNX ``MaxPool``, for the pads.

    >>> QMaxPool2D(Grid(0.1, 0), (2, 2), (2, 2)).forward(np.int8([[[[1], [9]], [[3], [4]]]]))
    array([[[[9]]]], dtype=int8)
    >>> QMaxPool2D(Grid(0.1, 0), (2, 2), (2, 2), pads=(1, 0, 1, 0)).forward(np.int8([[[[-5]]]]))
    array([[[[-5]]]], dtype=int8)
    """

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the maxima: int8 (N, H, W, C) to (N, OH, OW, C), sizes by (6.1) with the pads."""
        check_codes(self, codes, self.in_grid, IMAGE)
        if any(self.pads):
            codes = pad_image(codes, self.pads, self.in_grid.qmin)
        out = output_size(self, codes.shape, self.kernel, self.stride)
        largest = np.full((len(codes), *out, codes.shape[3]), self.in_grid.qmin, np.int8)
        for _, _, tap in taps(codes, self.kernel, self.stride, out):
            np.maximum(largest, tap, out=largest)
        return largest


class QAvgPool2D(Pool):
    """Take the mean code of each window, rounded half away from zero.

    y = clamp(round(sum of the window's raw codes / how many they are))                     (7.3)

    pads: (top, bottom, left, right), each >= 0 and below the kernel's size.  Only pixels of the
    image count: a window over the edge has fewer than KH * KW, and divides by their number.
    The zero_point stays in the sum: it moves the mean by itself.  It also moves the ties: they
    round away from code 0, not from real zero.
    Source: TFLite ``reference_integer_ops::AveragePool``.

    >>> QAvgPool2D(Grid(0.1, 0), (1, 2), (1, 2)).forward(np.int8([[[[1], [2], [-1], [-2]]]]))
    array([[[[ 2],
             [-2]]]], dtype=int8)
    >>> pool = QAvgPool2D(Grid(0.1, 0), (1, 3), (1, 1), pads=(0, 0, 1, 1))
    >>> pool.forward(np.int8([[[[1], [4]]]])).ravel().tolist()                   # (1 + 4) / 2
    [3, 3]
    """

    def _prove(self) -> None:
        check_mean(type(self).__name__, self.kernel[0] * self.kernel[1])

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the means: int8 (N, H, W, C) to (N, OH, OW, C), sizes by (6.1)."""
        check_codes(self, codes, self.in_grid, IMAGE)
        # a pad of code 0 adds nothing to the raw sum, and is not counted
        around = pad_image(codes, self.pads, 0)
        out = output_size(self, around.shape, self.kernel, self.stride)
        total = np.zeros((len(codes), *out, codes.shape[3]), np.int32)
        for _, _, tap in taps(around, self.kernel, self.stride, out):
            total += tap
        return mean_codes(total, window_counts(codes.shape[1:3], self), self.in_grid)


class QGlobalAvgPool2D(PassThrough):
    """Take the mean code of each channel over the whole image, equation (7.3).

    Source: TFLite ``AVERAGE_POOL_2D`` with a window as large as the image (not ``MEAN``).

    >>> QGlobalAvgPool2D(Grid(0.1, -128)).forward(np.int8([[[[1], [2]]]]))
    array([[2]], dtype=int8)
    """

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (C,) for (H, W, C).  Raises ValueError for an empty image, or one too large."""
        check_form(shape, IMAGE)
        output_size(self, (1, *shape), (1, 1), (1, 1))
        check_mean(type(self).__name__, shape[0] * shape[1])
        return (shape[2],)

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the means: int8 (N, H, W, C) to (N, C).  H and W must be at least 1."""
        check_codes(self, codes, self.in_grid, IMAGE)
        output_size(self, codes.shape, (1, 1), (1, 1))
        check_mean(f"{type(self).__name__}.forward", codes.shape[1] * codes.shape[2])
        total = codes.sum(axis=(1, 2), dtype=np.int32)
        return mean_codes(total, codes.shape[1] * codes.shape[2], self.in_grid)


def check_mean(name: str, count: int) -> None:
    """Raise ValueError unless the int32 sum of count codes can be rounded to their mean.

    >>> check_mean("QAvgPool2D", 4096 * 4096)
    Traceback (most recent call last):
    ValueError: QAvgPool2D: a mean must be of at most 16711935 codes, got 16777216
    """
    if count > LARGEST_MEAN:
        raise ValueError(f"{name}: a mean must be of at most {LARGEST_MEAN} codes, got {count}")


class Window(Protocol):
    """What of a pool says where its windows are."""

    @property
    def kernel(self) -> tuple[int, int]: ...

    @property
    def stride(self) -> tuple[int, int]: ...

    @property
    def pads(self) -> tuple[int, int, int, int]: ...


def window_counts(size: Sequence[int], pool: Window) -> NDArray[np.int32]:
    """Return how many pixels of an image each window holds, pads left out: int32 (OH, OW, 1).

    size: (H, W) of the image, which the pool's windows fit.

    >>> window_counts((2, 3), QAvgPool2D(Grid(0.1, 0), (2, 2), (1, 2), (1, 0, 0, 0)))[..., 0]
    array([[2],
           [4]], dtype=int32)
    """
    top, bottom, left, right = pool.pads
    sides = zip(size, pool.kernel, pool.stride, ((top, bottom), (left, right)), strict=True)
    rows, columns = (
        np.minimum(starts + kernel, length) - np.maximum(starts, 0)
        for length, kernel, stride, (before, after) in sides
        for starts in [np.arange(-before, length + after - kernel + 1, stride)]
    )
    return np.multiply.outer(rows, columns)[..., None].astype(np.int32)


def mean_codes(
    total: NDArray[np.int32], count: int | NDArray[np.int32], grid: Grid
) -> NDArray[np.int8]:
    """Return ``total / count`` rounded half away from zero and clamped to grid, equation (7.3).

    total: int32 sums of count codes, one count for all or an array that broadcasts.  Returns int8
    of the same shape.

    >>> mean_codes(np.int32([3, -3, 4]), 2, Grid(0.1, 0)).tolist()
    [2, -2, 2]
    """
    size = (np.abs(total) + count // 2) // count
    return np.clip(np.sign(total) * size, grid.qmin, grid.qmax).astype(np.int8)
