"""The same layers in float32: what the integers are held against, and what calibration watches.

Every sum adds one product at a time in the order of the loop nest, in float32, without fused
multiply-add.  So a range, a grid and a golden byte do not depend on the BLAS, its threads or the
processor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked, wholes
from tinyq.floatref_elementwise import (
    Constant,
    HardSwish,
    LeakyReLU,
    Logistic,
    Mul,
    Rescale,
    Softmax,
    Sub,
    Tanh,
)
from tinyq.layers.checks import (
    IMAGE,
    ROW,
    check_pool_pads,
    check_real_pair,
    check_reals,
    check_window,
    output_size,
    pad_image,
    taps,
)
from tinyq.layers.contract import Layer
from tinyq.layers.linear import check_weight_shapes
from tinyq.layers.pool import NO_PADS
from tinyq.layers.scheme import Scheme

__all__ = [
    "Add",
    "Array",
    "AvgPool2D",
    "Constant",
    "Conv2D",
    "Dense",
    "FloatLayer",
    "GlobalAvgPool2D",
    "HardSwish",
    "LeakyReLU",
    "Logistic",
    "MaxPool2D",
    "Mul",
    "Pad2D",
    "ReLU",
    "ReLU6",
    "Rescale",
    "Softmax",
    "Sub",
    "Tanh",
    "Weighted",
]

Array = NDArray[np.float32]
Weights = NDArray[np.floating]


@runtime_checkable
class FloatLayer(Protocol):
    """What every layer of a float network has.

    forward: float32 arrays, one for each tensor that the layer reads, to the one that it makes;
    quantize: the grids of these tensors in the same order, then the layer's own output grid, or
    None where it passes its input's grid on, then a Scheme, to the int8 layer;
    requantizes, for a layer that has it: whether quantize needs a grid of the layer's own.  Then a
    Network refuses a node of it that does not say what to observe.
    """

    @property
    def forward(self) -> Callable[..., Array]: ...

    @property
    @checked
    def quantize(self) -> Callable[..., Layer]: ...


@dataclass(frozen=True)
class Pad2D(Proved):
    """Surround an image with zeros.  pads: (top, bottom, left, right), each >= 0."""

    pads: tuple[int, int, int, int]

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


@dataclass(frozen=True, eq=False)
class Conv2D(Proved):
    """Convolve images, without padding.

    weights: float32 (O, KH, KW, I); bias: float32 (O,); stride: (SY, SX), each >= 1.
    Raises TypeError or ValueError for what is not so, and for NaN or infinity.
    """

    weights: Weights
    bias: Weights
    stride: tuple[int, int] = (1, 1)

    requantizes: ClassVar[bool] = True

    def _prove(self) -> None:
        check_weight_shapes("Conv2D", "(O, KH, KW, I)", self.weights, self.bias, "weights")
        wholes("Conv2D: stride (SY, SX)", self.stride, count=2, least=1)

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, H, W, I) to (N, OH, OW, O)."""
        check_reals(self, x, IMAGE, self.weights.shape[3])
        kernel = self.weights.shape[1:3]
        out = output_size(self, x.shape, kernel, self.stride)
        # channels first, so that NumPy's inner loop is as long as the images and not as the filters
        total = np.repeat(self.bias[:, None], len(x) * out[0] * out[1], axis=1)
        for ky, kx, tap in taps(x, kernel, self.stride, out):
            planes = np.ascontiguousarray(tap.reshape(-1, tap.shape[3]).T)
            for plane, weights in zip(planes, self.weights[:, ky, kx].T, strict=True):
                total += plane * weights[:, None]
        return np.ascontiguousarray(total.T).reshape(len(x), *out, len(self.bias))

    @checked
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
class MaxPool2D(Proved):
    """Take the largest number of each window.  kernel: (KH, KW); stride: (SY, SX); each >= 1.

    pads: (top, bottom, left, right), each below the kernel's size; they count as -infinity.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int] = NO_PADS

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


@dataclass(frozen=True, eq=False)
class Dense(Proved):
    """Multiply rows by a weight matrix.  weights: float32 (out, in); bias: float32 (out,).

    Raises TypeError or ValueError for what is not so, and for NaN or infinity.
    """

    weights: Weights
    bias: Weights

    requantizes: ClassVar[bool] = True

    def _prove(self) -> None:
        check_weight_shapes("Dense", "(out, in)", self.weights, self.bias, "weights")

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, in) to (N, out)."""
        check_reals(self, x, ROW, self.weights.shape[1])
        total = np.broadcast_to(self.bias, (len(x), len(self.bias))).copy()
        for i in range(x.shape[1]):
            total += x[:, i, None] * self.weights[:, i]
        return total

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QDense:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QDense.from_float(
            self.weights, self.bias, in_grid, out_grid, scheme.rounding, scheme.weight_bits
        )


Weighted = Conv2D | Dense
