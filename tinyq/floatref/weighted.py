"""The float layers with weights: convolution and dense."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.floatref.contract import Array, Weights
from tinyq.layers.checks import (
    ANY,
    IMAGE,
    ROW,
    UNDILATED,
    check_moves,
    check_reals,
    output_size,
    taps,
)
from tinyq.layers.depthwise import check_multiplier
from tinyq.layers.linear import check_weight_shapes
from tinyq.layers.scheme import Scheme


@dataclass(frozen=True, eq=False)
class Conv2D(Proved):
    """Convolve images, without padding.

    weights: float32 (O, KH, KW, I); bias: float32 (O,); stride: (SY, SX), dilation: (DY, DX), each
    >= 1.
    Raises TypeError or ValueError for what is not so, and for NaN or infinity.
    """

    weights: Weights
    bias: Weights
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = UNDILATED

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = True

    def _prove(self) -> None:
        check_weight_shapes("Conv2D", "(O, KH, KW, I)", self.weights, self.bias, "weights")
        check_moves("Conv2D", self.stride, self.dilation)

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, H, W, I) to (N, OH, OW, O)."""
        check_reals(self, x, IMAGE, self.weights.shape[3])
        kernel = self.weights.shape[1:3]
        out = output_size(self, x.shape, kernel, self.stride, self.dilation)
        # channels first, so that NumPy's inner loop is as long as the images and not as the filters
        total = np.repeat(self.bias[:, None], len(x) * out[0] * out[1], axis=1)
        for ky, kx, tap in taps(x, kernel, self.stride, out, self.dilation):
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
            self.dilation,
        )


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(Proved):
    """Convolve each channel of images by itself, without padding.

    weights: float32 (O, KH, KW), of which filter o reads channel o // depth_multiplier; bias:
    float32 (O,); stride: (SY, SX), dilation: (DY, DX), each >= 1.
    Raises TypeError or ValueError for what is not so, and for NaN or infinity.
    """

    weights: Weights
    bias: Weights
    depth_multiplier: int = 1
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = UNDILATED

    form: ClassVar[str] = IMAGE
    requantizes: ClassVar[bool] = True

    def _prove(self) -> None:
        check_weight_shapes("DepthwiseConv2D", "(O, KH, KW)", self.weights, self.bias, "weights")
        check_multiplier("DepthwiseConv2D", self.depth_multiplier, len(self.bias))
        check_moves("DepthwiseConv2D", self.stride, self.dilation)

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, H, W, C) to (N, OH, OW, O)."""
        check_reals(self, x, IMAGE, len(self.bias) // self.depth_multiplier)
        kernel = self.weights.shape[1:]
        out = output_size(self, x.shape, kernel, self.stride, self.dilation)
        total = np.tile(self.bias, (len(x), *out, 1))
        for ky, kx, tap in taps(x, kernel, self.stride, out, self.dilation):
            total += np.repeat(tap, self.depth_multiplier, axis=3) * self.weights[:, ky, kx]
        return total

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QDepthwiseConv2D:
        """Return the int8 layer from in_grid to out_grid: a weight scale for each channel."""
        return layers.QDepthwiseConv2D.from_float(
            self.weights,
            self.bias,
            in_grid,
            out_grid,
            self.depth_multiplier,
            self.stride,
            scheme.rounding,
            scheme.weight_bits,
            self.dilation,
        )


@dataclass(frozen=True, eq=False)
class Dense(Proved):
    """Multiply rows by a weight matrix.  weights: float32 (out, in); bias: float32 (out,).

    What has more axes is rows on rows: the last axis is multiplied, the others stay.

    Raises TypeError or ValueError for what is not so, and for NaN or infinity.
    """

    weights: Weights
    bias: Weights

    requantizes: ClassVar[bool] = True

    def _prove(self) -> None:
        check_weight_shapes("Dense", "(out, in)", self.weights, self.bias, "weights")

    def forward(self, x: Array) -> Array:
        """Return bias + the sum of products: (N, ..., in) to (N, ..., out)."""
        form = ANY if getattr(x, "ndim", 0) > 2 else ROW
        check_reals(self, x, form, self.weights.shape[1])
        total = np.broadcast_to(self.bias, (*x.shape[:-1], len(self.bias))).copy()
        for i in range(x.shape[-1]):
            total += x[..., i, None] * self.weights[:, i]
        return total

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QDense:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QDense.from_float(
            self.weights, self.bias, in_grid, out_grid, scheme.rounding, scheme.weight_bits
        )


Weighted = Conv2D | Dense
