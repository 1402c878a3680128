"""The float originals of the layers that work place by place, and of softmax."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tinyq import layers
from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.floatref.contract import Array
from tinyq.layers.checks import check_real_pair, check_reals
from tinyq.layers.functions import Function
from tinyq.layers.scheme import Scheme

ONE, SIX = np.float32(1), np.float32(6)


@dataclass(frozen=True)
class Logistic(Proved):
    """Take the logistic function, 1 / (1 + exp(-x))."""

    requantizes: ClassVar[bool] = True

    def forward(self, x: Array) -> Array:
        """Return the function's values: any shape."""
        check_reals(self, x)
        with np.errstate(over="ignore"):  # exp(-x) may be infinite: its share is 0
            return ONE / (ONE + np.exp(-x))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QTable:
        """Return the int8 layer; out_grid must be the one that TFLite lays down, (1/256, -128)."""
        return layers.QTable.of(Function.LOGISTIC, in_grid, out_grid)


@dataclass(frozen=True)
class Tanh(Proved):
    """Take the hyperbolic tangent."""

    requantizes: ClassVar[bool] = True

    def forward(self, x: Array) -> Array:
        """Return the function's values: any shape."""
        check_reals(self, x)
        return np.tanh(x)

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QTable:
        """Return the int8 layer; out_grid must be the one that TFLite lays down, (1/128, 0)."""
        return layers.QTable.of(Function.TANH, in_grid, out_grid)


@dataclass(frozen=True)
class HardSwish(Proved):
    """Take x * min(max(x + 3, 0), 6) / 6."""

    requantizes: ClassVar[bool] = True

    def forward(self, x: Array) -> Array:
        """Return the function's values: any shape."""
        check_reals(self, x)
        return x * np.clip(x + np.float32(3), np.float32(0), SIX) / SIX

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QTable:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QTable.of(Function.HARD_SWISH, in_grid, out_grid)


@dataclass(frozen=True)
class LeakyReLU(Proved):
    """Multiply negative numbers by alpha."""

    alpha: float

    requantizes: ClassVar[bool] = True

    def forward(self, x: Array) -> Array:
        """Return x, or alpha * x below zero: any shape."""
        check_reals(self, x)
        return np.where(x >= 0, x, x * np.float32(self.alpha))

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QTable:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QTable.of(Function.LEAKY_RELU, in_grid, out_grid, self.alpha)


@dataclass(frozen=True)
class Softmax(Proved):
    """Take the softmax over the last axis, exp(beta * x) over the sum of such."""

    beta: float = 1.0

    requantizes: ClassVar[bool] = True

    def forward(self, x: Array) -> Array:
        """Return the shares: (..., C), each row of them adding up to 1."""
        check_reals(self, x)
        exps = np.exp((x - x.max(axis=-1, keepdims=True)) * np.float32(self.beta))
        return exps / exps.sum(axis=-1, keepdims=True)

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QSoftmax:
        """Return the int8 layer; out_grid must be the one that TFLite lays down, (1/256, -128)."""
        return layers.QSoftmax(in_grid, out_grid, self.beta)


@dataclass(frozen=True)
class Rescale(Proved):
    """Leave every number as it is, for an int8 layer that writes it on another grid."""

    requantizes: ClassVar[bool] = True

    def forward(self, x: Array) -> Array:
        """Return x itself."""
        check_reals(self, x)
        return x

    @checked
    def quantize(self, in_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QRescale:
        """Return the int8 layer from in_grid to out_grid."""
        return layers.QRescale.from_float(in_grid, out_grid, scheme.rounding)


@dataclass(frozen=True)
class Mul(Proved):
    """Multiply two tensors of one shape."""

    requantizes: ClassVar[bool] = True

    def forward(self, a: Array, b: Array) -> Array:
        """Return a * b.  Raises ValueError for two shapes: nothing is broadcast."""
        check_real_pair(self, a, b)
        return a * b

    @checked
    def quantize(self, a_grid: Grid, b_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QMul:
        """Return the int8 layer from a_grid and b_grid to out_grid."""
        return layers.QMul.from_float(a_grid, b_grid, out_grid, scheme.rounding)


@dataclass(frozen=True)
class Sub(Proved):
    """Subtract two tensors of one shape."""

    requantizes: ClassVar[bool] = True

    def forward(self, a: Array, b: Array) -> Array:
        """Return a - b.  Raises ValueError for two shapes: nothing is broadcast."""
        check_real_pair(self, a, b)
        return a - b

    @checked
    def quantize(self, a_grid: Grid, b_grid: Grid, out_grid: Grid, scheme: Scheme) -> layers.QSub:
        """Return the int8 layer from a_grid and b_grid to out_grid."""
        return layers.QSub.from_float(a_grid, b_grid, out_grid, scheme.rounding)


@dataclass(frozen=True, eq=False)
class Constant(Proved):
    """Give stored numbers.  values: float32, of one sample's shape."""

    values: Array

    requantizes: ClassVar[bool] = True

    def forward(self) -> Array:
        """Return the numbers as a batch of one."""
        return self.values[None]

    @checked
    def quantize(self, out_grid: Grid, scheme: Scheme) -> layers.QConstant:
        """Return the int8 layer on out_grid."""
        return layers.QConstant(out_grid, out_grid.quantize(self.values))
