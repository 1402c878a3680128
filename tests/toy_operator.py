"""A toy operator as CONTRIBUTING.md asks for one: layer, loop nest, float original, contract.

tinyq knows nothing of it.  What "Add an operator" calls optional is left out.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved
from tinyq.layers.checks import check_codes, elementwise_form
from tinyq.layers.contract import Shape
from tinyq.layers.passthrough import PassThrough
from tinyq.layers.scheme import Scheme


@dataclass(frozen=True)
class QAbs(PassThrough):
    """Take the absolute value on the input's grid.

    y = min(zero_point + |x - zero_point|, qmax)

    >>> QAbs(Grid(0.5, 3)).forward(np.int8([[1, 3, 7]])).tolist()
    [[5, 3, 7]]
    """

    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself."""
        return shape

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the absolute values: int8 (N, H, W, C) or (N, C), same shape out."""
        check_codes(self, codes, self.in_grid, elementwise_form(codes))
        steps = np.abs(codes.astype(np.int32) - self.in_grid.zero_point)
        return np.minimum(steps + self.in_grid.zero_point, self.in_grid.qmax).astype(np.int8)


@dataclass(frozen=True)
class Abs(Proved):
    """Take the absolute value of real numbers."""

    requantizes: ClassVar[bool] = False

    def forward(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return |x|: any shape."""
        return np.abs(x)

    def quantize(self, in_grid: Grid, out_grid: None, scheme: Scheme) -> QAbs:
        """Return the int8 layer on in_grid."""
        return QAbs(in_grid)


def absolute(image: list, zero_point: int, qmax: int) -> list:
    """Return the loop nest's absolute values of an image of codes, nested lists (H, W, C)."""
    return [
        [[min(zero_point + abs(code - zero_point), qmax) for code in pixel] for pixel in row]
        for row in image
    ]


SECTION = """
| contract | QAbs |
|---|---|
| takes | `(N, H, W, C)` or `(N, C)` |
| gives | the same shape |
| grid | passes |
| rounding | none |
| refuses | nothing |
| in TFLite | not exported |
| in ONNX | not exported |
| in C | not exported |
"""
