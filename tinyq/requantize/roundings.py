"""The five roundings, and how each rescales accumulators by a ratio."""

from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import round_half_away
from tinyq.checks import unchecked, within
from tinyq.fixedpoint import INT32, MAX_LEFT_SHIFT, MULTIPLIER, SHIFT, shift_left_int32

Integers = NDArray[np.integer] | np.integer
Reals = NDArray[np.floating] | np.floating
RATIO = 0.0, 2.0**MAX_LEFT_SHIFT


class Rounding(Enum):
    """How ``acc * ratio`` becomes an integer; m is the multiplier, n the right shift.

    Each member's value is its rule in one line.
    """

    #: gemmlowp; TFLite Micro, LiteRT reference, CMSIS-NN.  Ties away from zero in the shift.
    DOUBLE = "high = (acc*m + nudge) / 2**31; result = (high + half) / 2**n, ties away from zero"
    #: ruy, LiteRT optimized, Arm MVE.
    UP = "high = (acc*m + 2**30) >> 31; result = (high + 2**(n-1)) >> n, both ties up"
    #: a TFLite build option.
    SINGLE = "result = (acc*m + 2**(30+n)) >> (31+n), one tie, up"
    #: XNNPACK, ONNX Runtime, PyTorch.
    FLOAT32 = "result = rint(float32(acc) * float32(ratio)), ties to even"
    #: LiteRT's reference fully connected since 1.4.
    FLOAT64 = "result = round(float64(acc) * ratio), ties away from zero"


@within(acc=INT32, multiplier=MULTIPLIER, shift=SHIFT)
def rescale_up(acc: Integers, multiplier: Integers, shift: Integers) -> NDArray[np.int64]:
    """Return ``acc * multiplier * 2**(-31 - shift)`` with two roundings, both ties up     (5.5).

    acc: int32 values; multiplier: 0..2**31 - 1; shift: -30..31; shapes that broadcast.
    Returns int64.  Raises TypeError or ValueError for what is not in these domains.
    Source: ruy ``MultiplyByQuantizedMultiplier``.

    >>> rescale_up(np.int64([-3, 3]), np.int64(2**30), np.int64(1)).tolist()
    [0, 1]
    """
    high = (unchecked(shift_left_int32)(acc, shift) * np.int64(multiplier) + 2**30) >> 31
    right = np.maximum(np.int64(shift), 0)
    # half of 2**right, without a negative shift where right is 0
    return (high + ((np.int64(1) << right) >> 1)) >> right


@within(acc=INT32, multiplier=MULTIPLIER, shift=SHIFT)
def rescale_single(acc: Integers, multiplier: Integers, shift: Integers) -> NDArray[np.int64]:
    """Return ``acc * multiplier * 2**(-31 - shift)`` with one rounding, the tie up        (5.6).

    acc: int32 values; multiplier: 0..2**31 - 1; shift: -30..31; shapes that broadcast.
    Returns int64.  Raises TypeError or ValueError for what is not in these domains.
    Source: TFLite with ``TFLITE_SINGLE_ROUNDING``.

    >>> int(rescale_single(np.int64(7984), np.int64(1583594044), np.int64(9)))
    11
    """
    total = 31 + np.int64(shift)
    # At most 2**31 * 2**31.  Half of 2**total on top fits int64 for every shift up to 31.
    product = np.multiply(acc, multiplier, dtype=np.int64)
    return (product + (np.int64(1) << (total - 1))) >> total


@within(acc=INT32, ratio=RATIO)
def rescale_float32(acc: Integers, ratio: Reals) -> NDArray[np.int64]:
    """Return ``rint(float32(acc) * float32(ratio))``, clamped to int32                    (5.7).

    acc: int32 values; ratio: 0..2**30; shapes that broadcast.  Returns int64.
    Raises TypeError or ValueError for what is not in these domains.
    Source: XNNPACK ``qs8`` requantization, fp32.

    >>> rescale_float32(np.int64([1, 3]), np.float64(0.5)).tolist()
    [0, 2]
    """
    product = np.asarray(acc, np.float32) * np.float32(ratio)
    # clamped in float64: float32 has no 2**31 - 1, it would become 2**31 and wrap
    return np.clip(np.rint(product).astype(np.float64), -(2.0**31), 2.0**31 - 1).astype(np.int64)


@within(acc=INT32, ratio=RATIO)
def rescale_float64(acc: Integers, ratio: Reals) -> NDArray[np.int64]:
    """Return ``round(float64(acc) * ratio)``, ties away; -2**31 where int32 overflows     (5.8).

    acc: int32 values; ratio: 0..2**30; shapes that broadcast.  Returns int64.
    The overflow value is what an x86 cast gives.
    Raises TypeError or ValueError for what is not in these domains.
    Source: LiteRT 1.4 reference ``FullyConnected``.

    >>> rescale_float64(np.int64([1, 3]), np.float64(0.5)).tolist()
    [1, 2]
    """
    rounded = round_half_away(np.asarray(acc, np.float64) * np.float64(ratio))
    fits = (rounded >= -(2.0**31)) & (rounded < 2.0**31)
    return np.where(fits, rounded, -(2.0**31)).astype(np.int64)
