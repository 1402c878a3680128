"""The float layers with weights: convolution and dense."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked, wholes
from tinyq.floatref.contract import Array, Weights
from tinyq.layers.checks import (
    ANY,
    IMAGE,
    ROW,
    check_reals,
    output_size,
    taps,
)
from tinyq.layers.linear import check_weight_shapes
from tinyq.layers.scheme import Scheme


@dataclass(frozen=True, eq=False)
class Conv2D(Proved):
    """Convolve images, without padding.

    weights: float32 (O, KH, KW, I); bias: float32 (O,); stride: (SY, SX), each >= 1.
    Raises TypeError or ValueError for what is not so, and for NaN or infinity.
    """

    weights: Weights
    bias: Weights
    stride: tuple[int, int] = (1, 1)

    form: ClassVar[str] = IMAGE
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
