"""Functions of one number, each as a table of 256 codes that is filled in integers.

Each takes the grids of input and output, and alpha where the function has one, and returns int8
(256,), from the code -128 up.  Raises ValueError for grids that its formula does not hold for.
The multipliers come from the scales on the host; what follows is integers.
"""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, round_half_away
from tinyq.fixedpoint import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
)
from tinyq.layers.exponential import logistic, tanh
from tinyq.layers.rescale import check_accumulator
from tinyq.requantize import Requantizer

Table = NDArray[np.int8]
Real = type[np.floating]
CODES = np.arange(-128, 128)
INTEGER_BITS = 4  # of what logistic and tanh take: |x| < 16


class Function(Enum):
    """What a QTable computes; each member's value is the function of a real number x."""

    LOGISTIC = "1 / (1 + exp(-x))"
    TANH = "tanh(x)"
    HARD_SWISH = "x * min(max(x + 3, 0), 6) / 6"
    LEAKY_RELU = "x where x >= 0, else alpha * x"
    RELU = "max(x, 0)"
    RELU6 = "min(max(x, 0), 6)"


def steps(grid: Grid) -> NDArray[np.int64]:
    """Return every code less the zero_point: int64 (256,)."""
    return CODES - np.int64(grid.zero_point)


def in_fixed_point(grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Return every code's real number with INTEGER_BITS, and on which side it is beyond them.

    multiplier, shift of s_in * 2**27; beyond where |x - zp_in| >= floor(15 * 2**27 / 2**-shift)

    Returns int64 (256,), which means nothing beyond, and int8 (256,): -1 and 1 beyond, else 0.
    Source: TFLite ``CalculateInputRadius``.
    """
    if not 2.0**-28 <= grid.scale < 8:  # from 8 on even TFLite's real 0 lies beyond
        raise ValueError(f"in_grid.scale must be in 2**-28..8, got {grid.scale:.6g}")
    multiplier, shift = quantize_multiplier(grid.scale * 2**27)
    radius = 15 * 2**27 >> -shift
    x = steps(grid)
    side = np.where(x <= -radius, -1, np.where(x >= radius, 1, 0)).astype(np.int8)
    return multiply_by_quantized_multiplier(np.where(side, 0, x), multiplier, shift), side


def logistic_table(in_grid: Grid, out_grid: Grid, alpha: None = None) -> Table:
    """Return LOGISTIC: the fixed-point function, rounded to 8 bits.  Out grid: (1/256, -128).

    Source: TFLite ``reference_integer_ops::Logistic``; TFLite Micro.
    """
    check_out_grid("LOGISTIC", out_grid, Grid(1 / 256, -128))
    real, side = in_fixed_point(in_grid)
    inside = rounding_divide_by_pot(logistic(real, INTEGER_BITS), 23) - 128
    return beyond(inside, side)


def tanh_table(in_grid: Grid, out_grid: Grid, alpha: None = None) -> Table:
    """Return TANH: the fixed-point function, rounded to 7 bits and a sign.  Out grid: (1/128, 0).

    Source: TFLite ``reference_integer_ops::Tanh``; TFLite Micro.
    """
    check_out_grid("TANH", out_grid, Grid(1 / 128, 0))
    real, side = in_fixed_point(in_grid)
    return beyond(rounding_divide_by_pot(tanh(real, INTEGER_BITS), 24), side)


def beyond(inside: NDArray[np.int64], side: NDArray[np.int8]) -> Table:
    """Return the codes of a function that is flat far out: its ends on the sides."""
    return np.select([side < 0, side > 0], [-128, 127], np.clip(inside, -128, 127)).astype(np.int8)


def leaky_relu_table(in_grid: Grid, out_grid: Grid, alpha: float, real: Real = np.float64) -> Table:
    """Return LEAKY_RELU: two ratios, s_in / s_out and alpha times that, and DOUBLE.

    real: dtype of the ratios.  A negative alpha is taken.
    Source: TFLite ``QuantizeLeakyRelu``; TFLite Micro, which has its ratios in float64.
    """
    s_in, s_out = real(in_grid.scale), real(out_grid.scale)
    slope, x = s_in * real(np.float32(alpha)) / s_out, steps(in_grid)
    # the size is rescaled, then the sign goes on: ties are away from zero on both sides
    down = rescaled("LEAKY_RELU", x, abs(slope)) * np.int64(np.sign(slope))
    return to_table(np.where(x >= 0, rescaled("LEAKY_RELU", x, s_in / s_out), down), out_grid)


def relu_table(in_grid: Grid, out_grid: Grid, alpha: None = None, real: Real = np.float64) -> Table:
    """Return RELU from one grid to another: DOUBLE, then the clamp.  real: dtype of the ratio.

    Source: TFLite ``ReluX``; TFLite Micro, which has its ratio in float64.
    """
    ratio = real(in_grid.scale) / real(out_grid.scale)
    codes = to_table(rescaled("RELU", steps(in_grid), ratio), out_grid)
    return np.maximum(codes, np.int8(out_grid.zero_point))


def relu6_table(
    in_grid: Grid, out_grid: Grid, alpha: None = None, real: Real = np.float64
) -> Table:
    """Return RELU6 from one grid to another: RELU, and no code above that of 6.

    Source: LiteRT ``ReluX``.  TFLite Micro clamps the input's codes and never looks at out_grid.
    """
    codes = relu_table(in_grid, out_grid, alpha, real)
    return np.minimum(codes, code_of_six(out_grid))


def code_of_six(grid: Grid) -> np.int8:
    """Return the code of 6.0, the quotient in float32 as all four runtimes have it."""
    six = round_half_away(np.float32(6) / np.float32(grid.scale)) + grid.zero_point
    return np.int8(min(float(six), grid.qmax))


def rescaled(name: str, x: NDArray[np.int64], ratio: np.floating) -> NDArray[np.int64]:
    """Return x times ratio under DOUBLE.  Raises ValueError where a left shift leaves int32."""
    requantizer = Requantizer(float(ratio))
    check_accumulator(name, int(np.abs(x).max()), requantizer)
    return requantizer.rescale(x)


def to_table(values: NDArray[np.int64], out_grid: Grid) -> Table:
    """Return steps of the output, int64, as codes clamped to out_grid."""
    return np.clip(values + out_grid.zero_point, out_grid.qmin, out_grid.qmax).astype(np.int8)


def check_out_grid(name: str, got: Grid, need: Grid) -> None:
    """Raise ValueError unless an output lies on the one grid that TFLite's rules lay down."""
    if got != need:
        raise ValueError(f"{name}: out_grid must be {need}, as TFLite lays down, got {got}")
