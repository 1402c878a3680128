"""Convolution in int8, per tensor and per channel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked
from tinyq.layers.checks import (
    IMAGE,
    UNDILATED,
    check_codes,
    check_form,
    check_moves,
    output_size,
    taps,
)
from tinyq.layers.contract import Shape
from tinyq.layers.linear import Linear
from tinyq.requantize import Rounding


@dataclass(frozen=True, eq=False)
class QConv2D(Linear):
    """Convolve int8 images, one weight scale for the whole tensor.

    acc[n, i, j, o] = bias[o] + sum w[o, ky, kx, c]
                                    * (x[n, i*SY + ky*DY, j*SX + kx*DX, c] - zero_point)

    stride: (SY, SX), dilation: (DY, DX), each >= 1; windows are VALID: pad with QPad2D first.
    Source: TFLite ``reference_integer_ops::ConvPerChannel``.

    >>> one = Grid(1.0, 0)
    >>> conv = QConv2D.from_float(np.float32([[[[2.0]]]]), np.float32([1.0]), one, one)
    >>> conv.forward(np.int8([[[[3]]]])).tolist()                             # 2 * 3 + 1
    [[[[7]]]]
    """

    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = UNDILATED

    weight_form: ClassVar[str] = "(O, KH, KW, I)"
    per_channel: ClassVar[bool] = False

    def _prove(self) -> None:
        check_moves(type(self).__name__, self.stride, self.dilation)

    @classmethod
    @checked
    def from_float(
        cls,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        in_grid: Grid,
        out_grid: Grid,
        stride: tuple[int, int] = (1, 1),
        rounding: Rounding = Rounding.DOUBLE,
        weight_bits: int = 8,
        dilation: tuple[int, int] = UNDILATED,
    ) -> "QConv2D":
        """Build the layer on the host from float32 weights (OHWI) and bias (O,).

        weight_bits: 2..8, the weights take codes -(2**(b - 1) - 1)..2**(b - 1) - 1, by (3.2).
        Raises as the class does, and ValueError for a NaN, an infinity, a bias beyond int32, or
        weight_bits outside 2..8.
        """
        parts = cls._parts_from_float(
            weights, bias, in_grid, out_grid, cls.per_channel, rounding, weight_bits
        )
        return cls(**parts, stride=stride, dilation=dilation)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (OH, OW, O) for (H, W, I) by (6.1).  Raises ValueError for what does not fit."""
        check_form(shape, IMAGE, channels=self.weight.shape[3])
        kernel = self.weight.shape[1:3]
        size = output_size(self, (1, *shape), kernel, self.stride, self.dilation)
        return *size, len(self.bias)

    def accumulate(self, codes: NDArray[np.int8]) -> NDArray[np.int32]:
        """Return the accumulators: int8 (N, H, W, I) to int32 (N, OH, OW, O), sizes by (6.1)."""
        check_codes(self, codes, self.in_grid, IMAGE, channels=self.weight.shape[3])
        kernel = self.weight.shape[1:3]
        out = output_size(self, codes.shape, kernel, self.stride, self.dilation)
        steps = codes.astype(np.int32) - np.int32(self.in_grid.zero_point)
        weight = self.weight.astype(np.int32)
        acc: NDArray[np.int32] = self.bias
        for ky, kx, tap in taps(steps, kernel, self.stride, out, self.dilation):
            acc = acc + tap @ weight[:, ky, kx, :].T
        return acc


class QConv2DPerChannel(QConv2D):
    """Convolve int8 images, a weight scale for each output channel.

    The same sum as QConv2D; each channel has its own multiplier and shift.
    Source: TFLite ``reference_integer_ops::ConvPerChannel``.

    >>> one, weights = Grid(1.0, 0), np.float32([[[[1.27]]], [[[127.0]]]])
    >>> conv = QConv2DPerChannel.from_float(weights, np.zeros(2, np.float32), one, one)
    >>> conv.weight.ravel().tolist(), conv.forward(np.int8([[[[1]]]])).tolist()
    ([127, 127], [[[[1, 127]]]])
    """

    per_channel: ClassVar[bool] = True
