"""The same layers in float32: what the integers are held against, and what calibration watches.

Every sum adds one product at a time in the order of the loop nest, in float32, without fused
multiply-add.  So a range, a grid and a golden byte do not depend on the BLAS, its threads or the
processor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.affine import Grid
from tinyq.layers.checks import check_pool_pads, output_size, pad_image, taps
from tinyq.layers.contract import Layer
from tinyq.layers.pool import NO_PADS
from tinyq.layers.scheme import Scheme

Array = NDArray[np.float32]


class FloatLayer(Protocol):
    """What every layer of a float network has.

    forward: float32 arrays, one for each tensor that the layer reads, to the one that it makes;
    quantize: the grids of these tensors in the same order, then the layer's own output grid, or
    None where it passes its input's grid on, then a Scheme, to the int8 layer.
    """

    @property
    def forward(self) -> Callable[..., Array]: ...

    @property
    def quantize(self) -> Callable[..., Layer]: ...


def check_channels(name: str, x: Array, channels: int) -> None:
    """Raise ValueError unless the last axis of x has as many numbers as the weights read."""
    if x.shape[-1] != channels:
        raise ValueError(f"{name}.forward: x must have C = {channels}, got shape {x.shape}")


@dataclass(frozen=True)
class Pad2D:
    """Surround an image with zeros.  pads: (top, bottom, left, right)."""

    pads: tuple[int, int, int, int]

    def forward(self, x: Array) -> Array:
        """Return the padded images: (N, H, W, C) to (N, top + H + bottom, left + W + right, C)."""
        return pad_image(x, self.pads, 0.0)

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> layers.QPad2D:
        """Return the int8 layer on in_grid."""
        return layers.QPad2D(in_grid, self.pads)


@dataclass(frozen=True, eq=False)
class Conv2D:
    """Convolve images, without padding.

    weights: float32 (O, KH, KW, I); bias: float32 (O,); stride: (SY, SX).
    """

    weights: Array
    bias: Array
    stride: tuple[int, int] = (1, 1)

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, H, W, I) to (N, OH, OW, O)."""
        check_channels("Conv2D", x, self.weights.shape[3])
        kernel = self.weights.shape[1:3]
        out = output_size(self, x.shape, kernel, self.stride)
        # channels first, so that NumPy's inner loop is as long as the images and not as the filters
        total = np.repeat(self.bias[:, None], len(x) * out[0] * out[1], axis=1)
        for ky, kx, tap in taps(x, kernel, self.stride, out):
            planes = np.ascontiguousarray(tap.reshape(-1, tap.shape[3]).T)
            for plane, weights in zip(planes, self.weights[:, ky, kx].T, strict=True):
                total += plane * weights[:, None]
        return np.ascontiguousarray(total.T).reshape(len(x), *out, len(self.bias))

    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QConv2D:
        """Return the int8 layer from in_grid to out_grid."""
        kind = layers.QConv2DPerChannel if scheme.per_channel else layers.QConv2D
        return kind.from_float(
            self.weights,
            self.bias,
            in_grid,
            out_grid,
            self.stride,
            scheme.rounding,
            scheme.weight_bits,
        )


@dataclass(frozen=True)
class ReLU:
    """Replace negative numbers by zero."""

    def forward(self, x: Array) -> Array:
        """Return max(x, 0): any shape."""
        return np.maximum(x, np.float32(0))

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> layers.QClamp:
        """Return the int8 layer on in_grid."""
        return layers.qrelu(in_grid)


@dataclass(frozen=True)
class ReLU6:
    """Clamp numbers to 0..6."""

    def forward(self, x: Array) -> Array:
        """Return min(max(x, 0), 6): any shape."""
        return np.clip(x, np.float32(0), np.float32(6))

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> layers.QClamp:
        """Return the int8 layer on in_grid."""
        return layers.qrelu6(in_grid)


@dataclass(frozen=True)
class MaxPool2D:
    """Take the largest number of each window.  kernel: (KH, KW); stride: (SY, SX).

    pads: (top, bottom, left, right), each below the kernel's size; they count as -infinity.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int] = NO_PADS

    def __post_init__(self) -> None:
        check_pool_pads("MaxPool2D", self.pads, self.kernel)

    def forward(self, x: Array) -> Array:
        """Return the maxima: (N, H, W, C) to (N, OH, OW, C)."""
        x = pad_image(x, self.pads, -np.inf)
        out = output_size(self, x.shape, self.kernel, self.stride)
        return np.max([tap for _, _, tap in taps(x, self.kernel, self.stride, out)], axis=0)

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> layers.QMaxPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QMaxPool2D(in_grid, self.kernel, self.stride, self.pads)


@dataclass(frozen=True)
class AvgPool2D:
    """Take the mean of each window.  kernel: (KH, KW); stride: (SY, SX)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]

    def forward(self, x: Array) -> Array:
        """Return the means: (N, H, W, C) to (N, OH, OW, C)."""
        out = output_size(self, x.shape, self.kernel, self.stride)
        total = np.zeros((len(x), *out, x.shape[3]), np.float32)
        for _, _, tap in taps(x, self.kernel, self.stride, out):
            total += tap
        return total / np.float32(self.kernel[0] * self.kernel[1])

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> layers.QAvgPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QAvgPool2D(in_grid, self.kernel, self.stride)


@dataclass(frozen=True)
class GlobalAvgPool2D:
    """Take the mean of each channel over the whole image."""

    def forward(self, x: Array) -> Array:
        """Return the means: (N, H, W, C) to (N, C)."""
        return AvgPool2D((x.shape[1], x.shape[2]), (1, 1)).forward(x)[:, 0, 0, :]

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> layers.QGlobalAvgPool2D:
        """Return the int8 layer on in_grid."""
        return layers.QGlobalAvgPool2D(in_grid)


@dataclass(frozen=True)
class Add:
    """Add two tensors of one shape."""

    def forward(self, a: Array, b: Array) -> Array:
        """Return a + b."""
        return a + b

    def quantize(self, a_grid: Grid, b_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QAdd:
        """Return the int8 layer from a_grid and b_grid to out_grid."""
        return layers.QAdd.from_float(a_grid, b_grid, out_grid, rounding=scheme.rounding)


@dataclass(frozen=True, eq=False)
class Dense:
    """Multiply rows by a weight matrix.  weights: float32 (out, in); bias: float32 (out,)."""

    weights: Array
    bias: Array

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, in) to (N, out)."""
        check_channels("Dense", x, self.weights.shape[1])
        total = np.broadcast_to(self.bias, (len(x), len(self.bias))).copy()
        for i in range(x.shape[1]):
            total += x[:, i, None] * self.weights[:, i]
        return total

    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QDense:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QDense.from_float(
            self.weights, self.bias, in_grid, out_grid, scheme.rounding, scheme.weight_bits
        )


Weighted = Conv2D | Dense
