"""The dense layer in int8."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked
from tinyq.layers.checks import ANY, ROW, check_codes, check_form
from tinyq.layers.contract import Shape
from tinyq.layers.linear import Linear
from tinyq.requantize import Rounding


class QDense(Linear):
    """Multiply int8 rows by a weight matrix, one weight scale for the tensor.

    acc[n, o] = bias[o] + sum over i of w[o, i] * (x[n, i] - zero_point)

    What has more axes is rows on rows: the last axis is multiplied, the others stay.
    Source: TFLite ``reference_integer_ops::FullyConnected``.

    >>> one = Grid(1.0, 0)
    >>> dense = QDense.from_float(np.float32([[2.0, -1.0]]), np.float32([0.0]), one, one)
    >>> dense.forward(np.int8([[3, 4]])).tolist()                             # 2 * 3 - 1 * 4
    [[2]]
    """

    weight_form: ClassVar[str] = "(out, in)"

    @classmethod
    @checked
    def from_float(
        cls,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        in_grid: Grid,
        out_grid: Grid,
        rounding: Rounding = Rounding.DOUBLE,
        weight_bits: int = 8,
    ) -> "QDense":
        """Build the layer on the host from float32 weights (out, in) and bias (out,).

        weight_bits: 2..8, the weights take codes -(2**(b - 1) - 1)..2**(b - 1) - 1, by (3.2).
        Raises as the class does, and ValueError for a NaN, an infinity, a bias beyond int32, or
        weight_bits outside 2..8.
        """
        parts = cls._parts_from_float(
            weights, bias, in_grid, out_grid, False, rounding, weight_bits
        )
        return cls(**parts)

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return (..., out) for (..., in).  Raises ValueError for another shape."""
        check_form(shape, ANY if len(shape) > 1 else ROW, channels=self.weight.shape[1])
        return *shape[:-1], len(self.bias)

    def accumulate(self, codes: NDArray[np.int8]) -> NDArray[np.int32]:
        """Return the accumulators: int8 (N, ..., in) to int32 (N, ..., out)."""
        form = ANY if getattr(codes, "ndim", 0) > 2 else ROW
        check_codes(self, codes, self.in_grid, form, channels=self.weight.shape[1])
        steps = codes.astype(np.int32) - np.int32(self.in_grid.zero_point)
        return self.bias + steps @ self.weight.astype(np.int32).T
