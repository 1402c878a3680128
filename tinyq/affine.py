"""The affine grid: real numbers to int8 codes and back.

    quantize    q = clamp(round(x / scale) + zero_point, qmin, qmax)     (1.1)
    dequantize  x = scale * (q - zero_point)                             (1.2)

A grid has identity.  A layer that passes its codes through also passes on the very Grid object that
it was given, so ``out_grid is in_grid`` says "no requantizer here" anywhere in the package.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyq.checks import finite_float32, finite_float64, integers, real, whole

FLOAT32_MAX = float(np.finfo(np.float32).max)
# below it float32 loses digits, and many processors take such a number for 0
FLOAT32_TINY = float(np.finfo(np.float32).tiny)


def round_half_away(x: ArrayLike) -> NDArray[np.float64]:
    """Round to the nearest integer, ties away from zero: C's ``lround``.

    ``trunc(x) + sign(x)`` where the dropped fraction is at least one half, else ``trunc(x)``.
    The fraction is exact in float64, so 0.49999999999999994 rounds to 0 (adding 0.5 would not).

    x: finite real numbers, any shape.  Returns float64 of the same shape.
    Raises TypeError for what is no number, ValueError for NaN or infinity.
    Source: C99 ``lround``.

    >>> round_half_away([0.5, 1.5, -0.5, -2.5, 0.49999999999999994]).tolist()
    [1.0, 2.0, -1.0, -3.0, 0.0]
    """
    x = finite_float64("x", x)
    cut = np.trunc(x)
    return cut + np.where(np.abs(x - cut) >= 0.5, np.sign(x), 0.0)


def check_ends(qmin: int, qmax: int) -> tuple[int, int]:
    """Return the smallest and the largest code of a grid as Python ints.

    Raises TypeError where one is no integer, ValueError unless -128 <= qmin < qmax <= 127.

    >>> check_ends(np.int8(-8), 7)
    (-8, 7)
    """
    qmin, qmax = whole("qmin", qmin), whole("qmax", qmax)
    if not -128 <= qmin < qmax <= 127:
        raise ValueError(f"need -128 <= qmin < qmax <= 127, got {qmin}, {qmax}")
    return qmin, qmax


def check_scale(name: str, scale: float) -> float:
    """Return a scale as a Python float, to the precision that it has.

    Raises TypeError for what is no number, ValueError unless float32 holds it in full: 2**-126 or
    more, and finite.

    >>> check_scale("in_scale", np.float32(0.5))
    0.5
    """
    value = real(name, scale)
    with np.errstate(over="ignore", under="ignore"):
        held = FLOAT32_TINY <= np.float32(value) <= FLOAT32_MAX
    if not held:
        least = "above 0" if value <= 0 else "of 2**-126 or more"
        raise ValueError(f"{name} must be a finite float32 {least}, got {scale!r}")
    return value


@dataclass(frozen=True)
class Grid:
    """An affine int8 grid: the real numbers ``scale * (q - zero_point)`` for q in qmin..qmax.

    scale: step between neighbours, a normal float32 above 0 (2**-126 or more), kept to float32's
    precision: a denormal one would have lost digits.
    zero_point: the code of real zero, an integer in qmin..qmax.
    qmin, qmax: smallest and largest code, within -128..127; float32 must hold their real numbers.
    Raises TypeError or ValueError where one of these does not hold.
    Source: Jacob et al. 2018, equation 1.

    >>> grid = Grid(scale=0.5, zero_point=-3)
    >>> grid.quantize([0.0, 0.7, 100.0]).tolist(), grid.dequantize(np.int8([-3, -2])).tolist()
    ([-3, -2, 127], [0.0, 0.5])
    """

    scale: float
    zero_point: int
    qmin: int = -128
    qmax: int = 127

    def __post_init__(self) -> None:
        qmin, qmax = check_ends(self.qmin, self.qmax)
        zero_point = whole("zero_point", self.zero_point, qmin, qmax)
        scale = float(np.float32(check_scale("scale", self.scale)))
        if np.float64(scale) * max(zero_point - qmin, qmax - zero_point) > FLOAT32_MAX:
            raise ValueError(f"float32 cannot hold the ends of a grid of scale {scale}")
        own = {"scale": scale, "zero_point": zero_point, "qmin": qmin, "qmax": qmax}
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_range(cls, lo: float, hi: float, qmin: int = -128, qmax: int = 127) -> Self:
        """Return the asymmetric grid whose codes cover lo..hi and hold real zero exactly.

        scale = (hi - lo) / (qmax - qmin) in float32, after lo..hi is widened to contain 0   (1.3)
        zero_point = clamp(round(qmin - lo / scale)), the quotient in float64                (1.4)

        lo, hi: finite, lo <= hi.  A range of width 0 (only zeros seen) gives scale 1, zero_point
        qmin.  Raises TypeError for what is no number, ValueError for NaN, infinity, lo > hi, or a
        width so large or small that no normal float32 is its scale.
        Source: TFLite's asymmetric int8 calibration; the seed's calibration.

        >>> Grid.from_range(-1.0, 2.0)
        Grid(scale=0.0117647061124444, zero_point=-43, qmin=-128, qmax=127)
        """
        lo, hi = real("lo", lo), real("hi", hi)
        qmin, qmax = check_ends(qmin, qmax)
        if not -FLOAT32_MAX <= lo <= hi <= FLOAT32_MAX:
            raise ValueError(f"a range needs finite float32 lo <= hi, got lo={lo}, hi={hi}")
        lo, hi = min(lo, 0.0), max(hi, 0.0)
        if lo == hi:
            return cls(1.0, qmin, qmin, qmax)
        with np.errstate(over="ignore", under="ignore"):
            lo32, hi32 = np.float32(lo), np.float32(hi)
            scale = (hi32 - lo32) / np.float32(qmax - qmin)
        if not FLOAT32_TINY <= scale <= FLOAT32_MAX:
            raise ValueError(
                f"no float32 scale spans lo={lo}, hi={hi} in {qmax - qmin} steps: "
                "it must be finite, and 2**-126 or more"
            )
        zero_point = round_half_away(qmin - np.float64(lo32) / np.float64(scale))
        return cls(float(scale), int(np.clip(zero_point, qmin, qmax)), qmin, qmax)

    def quantize(self, x: ArrayLike) -> NDArray[np.int8]:
        """Return the codes of real numbers, equation (1.1), the quotient in float64.

        x: finite float32 numbers, any shape.  Returns int8 of the same shape.
        Raises TypeError for an integer array (codes already?), ValueError for NaN or infinity.
        """
        values = finite_float32("x", x)
        codes = round_half_away(values.astype(np.float64) / self.scale) + self.zero_point
        return np.clip(codes, self.qmin, self.qmax).astype(np.int8)

    def dequantize(self, codes: ArrayLike) -> NDArray[np.float32]:
        """Return the real numbers that codes stand for, equation (1.2), in float32.

        codes: integers in qmin..qmax, any shape.  Returns float32 of the same shape.
        Raises TypeError for codes that are not integers, ValueError for one off the grid.
        """
        steps = integers("codes", codes, self.qmin, self.qmax).astype(np.int32) - self.zero_point
        return np.float32(self.scale) * steps.astype(np.float32)

    @property
    def lo(self) -> float:
        """The real number of code qmin."""
        return float(self.dequantize(self.qmin))

    @property
    def hi(self) -> float:
        """The real number of code qmax."""
        return float(self.dequantize(self.qmax))
