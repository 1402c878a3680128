"""From one int8 grid to another."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked
from tinyq.fixedpoint import INT32
from tinyq.layers.broadcast import largest_step, steps
from tinyq.layers.checks import ANY, check_codes
from tinyq.layers.contract import Shape
from tinyq.layers.one_input import OneInput
from tinyq.requantize import Requantizer, Rounding


@dataclass(frozen=True, eq=False)
class QRescale(OneInput):
    """Write the same real numbers on another grid.

    y = clamp(rescale(x - zp_in, s_in / s_out) + zp_out)

    in_grid, out_grid: of the codes; requantizer: of one ratio, built by from_float, so small that
    no left shift leaves int32.
    Raises TypeError or ValueError where one of these does not hold.
    Source: TFLite ``Requantize``, which is QUANTIZE from int8 to int8; TFLite Micro.

    >>> QRescale.from_float(Grid(0.5, 0), Grid(0.25, -8)).forward(np.int8([[4, 5]])).tolist()
    [[0, 2]]
    """

    out_grid: Grid
    requantizer: Requantizer

    def _prove(self) -> None:
        check_accumulator("QRescale", largest_step(self.in_grid), self.requantizer)

    @classmethod
    @checked
    def from_float(
        cls, in_grid: Grid, out_grid: Grid, rounding: Rounding = Rounding.DOUBLE
    ) -> "QRescale":
        """Build the layer on the host from its two grids, the ratio by equation (5.10).

        Raises ValueError for an out_grid so fine that a step of the input would leave int32.
        """
        requantizer = Requantizer.from_scales(in_grid.scale, [1.0], out_grid.scale, rounding)
        return cls(in_grid, out_grid, requantizer)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The one requantizer."""
        return {"requantizer": self.requantizer}

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself."""
        return shape

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the codes on out_grid: int8 (N, ...), same shape out."""
        check_codes(self, codes, self.in_grid, ANY)
        return self.requantizer.requantize(steps(codes, self.in_grid), self.out_grid)


def check_accumulator(name: str, largest: int, requantizer: Requantizer) -> None:
    """Raise ValueError unless accumulators of at most that size, shifted left, fit int32.

    largest * 2**max(-shift, 0) < 2**31, and one ratio for all

    >>> check_accumulator("QMul", 255 * 255, Requantizer(2.0**15))
    Traceback (most recent call last):
    ValueError: QMul: the ratio must be below 2**15 for sums of up to 65025, got 32768
    """
    if requantizer.ratio.shape != (1,):
        raise ValueError(f"{name}: ratio must have shape (1,), got {requantizer.ratio.shape}")
    if largest << max(-int(requantizer.shift[0]), 0) > INT32[1]:
        raise ValueError(
            f"{name}: the ratio must be below 2**{31 - largest.bit_length()} for sums of up to "
            f"{largest}, got {requantizer.ratio[0]:.6g}"
        )
