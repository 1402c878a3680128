"""Softmax in integers alone: fixed-point exponentials over their sum."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, frozen
from tinyq.fixedpoint import quantize_multiplier
from tinyq.layers.checks import ANY, check_codes
from tinyq.layers.contract import Shape
from tinyq.layers.exponential import divide_by_pot, exp_on_negative, high_mul, reciprocal
from tinyq.layers.one_input import OneInput
from tinyq.requantize import Requantizer

INTEGER_BITS = 5  # of a difference times beta: above -32
SUM_BITS = 12  # integer bits of the sum
LONGEST = 2**SUM_BITS - 1  # each exponential is at most 1, so as many fit the int32 of the sum
LARGEST = 2.0**31 - 1  # of a ratio; beyond it every difference but 0 is too far down to count


@dataclass(frozen=True, eq=False)
class QSoftmax(OneInput):
    """Take the softmax over the last axis.

    y = clamp(round(256 * exp(beta * s_in * (x - max)) / sum of such) - 128)

    The exponentials are those of fixed point, with 12 integer bits in their sum and none in all
    else.  A difference that beta * s_in takes to -31 or below counts as 0.
    in_grid: of the codes; out_grid: scale 1/256, to a thousandth of it, zero_point -128, which
    TFLite lays down; beta: above 0.
    Raises TypeError or ValueError where one of these does not hold.
    Source: TFLite ``reference_ops::Softmax``; TFLite Micro.

    >>> softmax = QSoftmax(Grid(0.1, 0), Grid(1 / 256, -128))
    >>> softmax.forward(np.int8([[0, 10, 20]])).tolist()       # 0.0900, 0.2447 and 0.6652 of 256
    [[-105, -65, 42]]
    """

    out_grid: Grid
    beta: float = 1.0

    def _prove(self) -> None:
        check_softmax_grid(self.out_grid)
        # derived whenever the layer is proved, for forward is integers alone
        vars(self)["exps"] = frozen(exponentials(self.in_grid.scale, self.beta))

    @cached_property
    def exps(self) -> NDArray[np.int32]:
        """The exponential of each difference max - x, 0..255: int32 (256,)."""
        return frozen(exponentials(self.in_grid.scale, self.beta))

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: every row is divided by its own sum."""
        return {}

    @checked
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape itself.  Raises ValueError for rows that are empty or too long."""
        check_row(shape[-1])
        return shape

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the shares: int8 (N, ..., C), with C in 1..4095, same shape out."""
        check_codes(self, codes, self.in_grid, ANY)
        check_row(codes.shape[-1])
        return np.minimum(shares(self.exps, codes, 8) - 128, 127).astype(np.int8)


def shares(table: NDArray[np.int32], codes: NDArray[np.int8], bits: int) -> NDArray[np.int64]:
    """Return each code's share of its row with so many bits of fraction, 31 at most.

    table: the exponential of each difference max - x, as exponentials gives it.
    """
    wide = codes.astype(np.int16)
    exps = table[wide.max(axis=-1, keepdims=True) - wide].astype(np.int64)
    total = divide_by_pot(exps, SUM_BITS).sum(axis=-1, keepdims=True)
    scale, power = normalized_reciprocal(total)
    # a shift of up to 34, for which int64 has room
    return divide_by_pot(high_mul(scale, exps), power + 31 - bits)


def exponentials(scale: float, beta: float) -> NDArray[np.int32]:
    """Return ``exp(-beta * scale * d)`` for d = 0..255, as int32 without integer bits.

    multiplier, shift of beta * scale * 2**26, in float64 and at most 2**31 - 1;
    0 where d > floor(31 * 2**26 / 2**-shift)

    Raises ValueError where beta * scale is not above 2**-26: TFLite aborts there.

    >>> (exponentials(0.1, 1.0)[[0, 10, 255]] / 2.0**31).round(4).tolist()    # of 0, -1 and -25.5
    [1.0, 0.3679, 0.0]
    """
    ratio = min(beta * scale * 2.0 ** (31 - INTEGER_BITS), LARGEST)
    if ratio <= 1:
        raise ValueError(
            f"QSoftmax: beta * in_grid.scale must exceed 2**-26, got {beta * scale:.6g}"
        )
    # the largest ratio needs a left shift of 31, which no Requantizer has: its half, and once more
    multiplier, shift = quantize_multiplier(ratio / 2)
    left = 1 - shift
    differences = np.arange(256, dtype=np.int64)
    counts = differences <= (31 << 26) >> left
    scaled = high_mul(-np.where(counts, differences, 0) << left, multiplier)
    return np.where(counts, exp_on_negative(scaled, INTEGER_BITS), 0).astype(np.int32)


def normalized_reciprocal(
    total: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return 1 / m, without integer bits, and e, where a sum is m * 2**e with m in 1..2.

    total: int64, above 0, with SUM_BITS integer bits, below 2**31.
    """
    length = np.count_nonzero(total[..., None] >> np.arange(31), axis=-1)  # in bits
    mantissa = (total << (32 - length)) - 2**31
    return reciprocal(mantissa), length - (32 - SUM_BITS)


def check_softmax_grid(grid: Grid) -> None:
    """Raise ValueError unless grid is the one of a softmax's output, as the runtimes ask it."""
    near = abs(grid.scale - 1 / 256) <= 0.001 / 256
    if not near or (grid.zero_point, grid.qmin, grid.qmax) != (-128, -128, 127):
        raise ValueError(f"QSoftmax: out_grid must be {Grid(1 / 256, -128)}, got {grid}")


def check_row(size: int) -> None:
    """Raise ValueError unless a row's sum fits int32: 1 to LONGEST codes."""
    if not 1 <= size <= LONGEST:
        raise ValueError(f"QSoftmax: the last axis must have 1..{LONGEST} codes, got {size}")
