"""Hard swish in 16-bit fixed point: a table of 256 codes, as functions.py has the others."""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.fixedpoint import quantize_multiplier, rounding_divide_by_pot
from tinyq.layers.functions import Real, Table, steps, to_table

INT16 = -(2**15), 2**15 - 1
FINEST = 2.0**-16  # of a ratio whose rounding shift still fits 16 bits
Int16 = NDArray[np.int64]  # values that an int16 holds


def hard_swish_table(
    in_grid: Grid, out_grid: Grid, alpha: None = None, real: Real = np.float64
) -> Table:
    """Return HARD_SWISH: x on the output's scale, times (x + 3) / 6 clamped to 0..1.

    Both factors are int16: x shifted left by 7 bits, and the clamp as the saturation of int16.

    ratio of x: s_in / 128 / s_out, in 2**-16..1;  of the clamp: s_in / 128 / (3 / 2**15), from
    2**-16 on.  real: dtype of these two.  Raises ValueError beyond these.
    Source: TFLite ``reference_ops::HardSwish``; TFLite Micro, which has its ratios in float64.
    """
    fine = real(in_grid.scale) * real(1 / 128)
    out_ratio = fine / real(out_grid.scale)
    ramp_ratio = fine / real(3 / 32768)
    if not FINEST <= out_ratio < 1 or ramp_ratio < FINEST:
        raise ValueError(
            "HARD_SWISH: in_grid.scale / out_grid.scale must be in 2**-9..128 and in_grid.scale at "
            f"least 2e-7, got {in_grid.scale:.6g} and {out_grid.scale:.6g}"
        )
    out_multiplier, out_shift = quantize_multiplier16(out_ratio)
    x = steps(in_grid) << 7
    product = doubling_high_mul(ramp(x, ramp_ratio), rounding_high_mul(x, out_multiplier))
    return to_table(rounding_divide_by_pot(product, out_shift), out_grid)


def ramp(x: Int16, ratio: np.floating) -> Int16:
    """Return ``min(max((x * ratio + 2**15) / 2**16, 0), 1)`` as an int16 without integer bits.

    A left shift saturates, and its last bit comes after the product, so that only there it counts.
    """
    multiplier, shift = quantize_multiplier16(ratio)
    left, right = max(-shift, 0), max(shift, 0)
    x = np.clip(x << max(left - 1, 0), *INT16)
    x = np.clip(rounding_high_mul(x, multiplier) << min(left, 1), *INT16)
    return (rounding_divide_by_pot(x, right) + 2**15) >> 1


def quantize_multiplier16(ratio: np.floating) -> tuple[int, int]:
    """Return equation (5.1) with a multiplier of 16 bits: that of 32 bits, its upper half rounded.

    >>> quantize_multiplier16(np.float32(0.75))
    (24576, 0)
    """
    multiplier, shift = quantize_multiplier(float(ratio))
    return min((multiplier + 2**15) >> 16, INT16[1]), shift


def rounding_high_mul(a: Int16, b: int) -> Int16:
    """Return ``a * b / 2**15`` rounded, ties up: equation (5.2) of 16 bits."""
    return (a * np.int64(b) + 2**14) >> 15


def doubling_high_mul(a: Int16, b: Int16) -> Int16:
    """Return ``a * b / 2**15`` truncated toward zero."""
    product = a * b
    return np.sign(product) * (np.abs(product) >> 15)
