"""A mean of each window, brought to a grid of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked
from tinyq.layers.broadcast import largest_step
from tinyq.layers.checks import IMAGE, check_codes, check_form, check_window, output_size, taps
from tinyq.layers.contract import Shape
from tinyq.layers.one_input import OneInput
from tinyq.layers.pool import NO_PADS
from tinyq.layers.rescale import check_accumulator
from tinyq.requantize import Requantizer, Rounding


@dataclass(frozen=True, eq=False)
class QMeanPool2D(OneInput):
    """Take the mean of each window from one grid to another.

    y = clamp(rescale(sum of (x - zp_in), s_in / (count * s_out)) + zp_out), count = KH * KW

    QAvgPool2D keeps its grid, as TFLite has it; ONNX Runtime's average pools have two.
    in_grid, out_grid: of the codes; kernel (KH, KW), stride (SY, SX): of the windows, each >= 1,
    which are VALID; requantizer: of one ratio, built by from_float.
    Raises TypeError or ValueError where one of these does not hold.
    Source: ONNX Runtime ``QLinearAveragePool`` and ``QLinearGlobalAveragePool``.

    >>> pool = QMeanPool2D.from_float(Grid(0.5, 0), Grid(0.25, -8), (1, 2), (1, 2))
    >>> pool.forward(np.int8([[[[3], [4]]]])).tolist()                   # 1.75
    [[[[-1]]]]
    """

    out_grid: Grid
    kernel: tuple[int, int]
    stride: tuple[int, int]
    requantizer: Requantizer

    def _prove(self) -> None:
        check_window(type(self).__name__, self.kernel, self.stride)
        largest = largest_step(self.in_grid) * self.kernel[0] * self.kernel[1]
        check_accumulator(type(self).__name__, largest, self.requantizer)

    @classmethod
    @checked
    def from_float(
        cls,
        in_grid: Grid,
        out_grid: Grid,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        rounding: Rounding = Rounding.DOUBLE,
    ) -> "QMeanPool2D":
        """Build the layer on the host from its two grids, the ratio in float64.

        Raises as the class does, and ValueError for an out_grid so fine that a sum would leave
        int32.
        """
        check_window(cls.__name__, kernel, stride)
        ratio = in_grid.scale / (kernel[0] * kernel[1]) / out_grid.scale
        return cls(in_grid, out_grid, kernel, stride, Requantizer(ratio, rounding))

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """None: each window lies in the image."""
        return NO_PADS

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The one requantizer."""
        return {"requantizer": self.requantizer}

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (OH, OW, C) for (H, W, C) by (6.1)."""
        check_form(shape, IMAGE)
        return *output_size(self, (1, *shape), self.kernel, self.stride), shape[2]

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the means: int8 (N, H, W, C) to (N, OH, OW, C), sizes by (6.1)."""
        check_codes(self, codes, self.in_grid, IMAGE)
        out = output_size(self, codes.shape, self.kernel, self.stride)
        total = np.zeros((len(codes), *out, codes.shape[3]), np.int32)
        for _, _, tap in taps(codes, self.kernel, self.stride, out):
            total += tap - np.int32(self.in_grid.zero_point)
        return self.requantizer.requantize(total, self.out_grid)
