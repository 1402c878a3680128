"""Depthwise convolution in int8: each output channel reads one input channel alone."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, whole
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
class QDepthwiseConv2D(Linear):
    """Convolve each channel of int8 images by itself, a weight scale for each output channel.

    acc[n, i, j, o] = bias[o] + sum w[o, ky, kx]
                                    * (x[n, i*SY + ky*DY, j*SX + kx*DX, o // M] - zero_point)

    weight: int8 (O, KH, KW), O = C * M; depth_multiplier: M, how many output channels read one
    input channel; stride: (SY, SX), dilation: (DY, DX); each >= 1.  Windows are VALID: pad with
    QPad2D first.
    Source: TFLite ``reference_integer_ops::DepthwiseConvPerChannel``.

    >>> one, weights = Grid(1.0, 0), np.float32([[[127.0]], [[-127.0]], [[127.0]], [[-127.0]]])
    >>> layer = QDepthwiseConv2D.from_float(weights, np.zeros(4, np.float32), one, one, 2)
    >>> layer.forward(np.int8([[[[1, 0]]]])).tolist()
    [[[[127, -127, 0, 0]]]]
    """

    depth_multiplier: int = 1
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = UNDILATED

    weight_form: ClassVar[str] = "(O, KH, KW)"

    def _prove(self) -> None:
        name = type(self).__name__
        check_moves(name, self.stride, self.dilation)
        check_multiplier(name, self.depth_multiplier, len(self.bias))

    @classmethod
    @checked
    def from_float(
        cls,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        in_grid: Grid,
        out_grid: Grid,
        depth_multiplier: int = 1,
        stride: tuple[int, int] = (1, 1),
        rounding: Rounding = Rounding.DOUBLE,
        weight_bits: int = 8,
        dilation: tuple[int, int] = UNDILATED,
    ) -> "QDepthwiseConv2D":
        """Build the layer on the host from float32 weights (O, KH, KW) and bias (O,).

        weight_bits: 2..8, the weights take codes -(2**(b - 1) - 1)..2**(b - 1) - 1, by (3.2).
        Raises as the class does, and ValueError for a NaN, an infinity, a bias beyond int32, or
        weight_bits outside 2..8.
        """
        parts = cls._parts_from_float(weights, bias, in_grid, out_grid, True, rounding, weight_bits)
        return cls(**parts, depth_multiplier=depth_multiplier, stride=stride, dilation=dilation)

    @property
    def channels(self) -> int:
        """How many channels it reads."""
        return len(self.bias) // self.depth_multiplier

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (OH, OW, O) for (H, W, C) by (6.1).  Raises ValueError for what does not fit."""
        check_form(shape, IMAGE, channels=self.channels)
        kernel = self.weight.shape[1:]
        size = output_size(self, (1, *shape), kernel, self.stride, self.dilation)
        return *size, len(self.bias)

    def accumulate(self, codes: NDArray[np.int8]) -> NDArray[np.int32]:
        """Return the accumulators: int8 (N, H, W, C) to int32 (N, OH, OW, O), sizes by (6.1)."""
        check_codes(self, codes, self.in_grid, IMAGE, channels=self.channels)
        kernel = self.weight.shape[1:]
        out = output_size(self, codes.shape, kernel, self.stride, self.dilation)
        steps = codes.astype(np.int32) - np.int32(self.in_grid.zero_point)
        weight = self.weight.astype(np.int32)
        acc = np.tile(self.bias, (len(codes), *out, 1))
        for ky, kx, tap in taps(steps, kernel, self.stride, out, self.dilation):
            acc += np.repeat(tap, self.depth_multiplier, axis=3) * weight[:, ky, kx]
        return acc


def check_multiplier(name: str, depth_multiplier: int, channels: int) -> None:
    """Raise ValueError unless depth_multiplier is at least 1 and divides the output channels.

    >>> check_multiplier("QDepthwiseConv2D", 2, 5)
    Traceback (most recent call last):
    ValueError: QDepthwiseConv2D: depth_multiplier must divide the 5 channels, got 2
    """
    whole(f"{name}: depth_multiplier", depth_multiplier, 1)
    if channels % depth_multiplier:
        raise ValueError(
            f"{name}: depth_multiplier must divide the {channels} channels, got {depth_multiplier}"
        )
