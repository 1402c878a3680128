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

FLOAT32_MAX = float(np.finfo(np.float32).max)


def round_half_away(x: ArrayLike) -> NDArray[np.float64]:
    """Round to the nearest integer, ties away from zero: C's ``lround``.

    ``trunc(x) + sign(x)`` where the dropped fraction is at least one half, else ``trunc(x)``.
    The fraction is exact in float64, so 0.49999999999999994 rounds to 0 (adding 0.5 would not).

    x: real numbers, any shape.  Returns float64 of the same shape.  Source: C99 ``lround``.

    >>> round_half_away([0.5, 1.5, -0.5, -2.5, 0.49999999999999994]).tolist()
    [1.0, 2.0, -1.0, -3.0, 0.0]
    """
    x = np.asarray(x, dtype=np.float64)
    whole = np.trunc(x)
    return whole + np.where(np.abs(x - whole) >= 0.5, np.sign(x), 0.0)


@dataclass(frozen=True)
class Grid:
    """An affine int8 grid: the real numbers ``scale * (q - zero_point)`` for q in qmin..qmax.

    scale: step between neighbours, finite and > 0; kept to float32 precision.
    zero_point: the code of real zero, an integer in qmin..qmax.
    qmin, qmax: smallest and largest code, within -128..127; float32 must hold their real numbers.
    Raises ValueError where one of these does not hold.  Source: Jacob et al. 2018, equation 1.

    >>> grid = Grid(scale=0.5, zero_point=-3)
    >>> grid.quantize([0.0, 0.7, 100.0]).tolist(), grid.dequantize(np.int8([-3, -2])).tolist()
    ([-3, -2, 127], [0.0, 0.5])
    """

    scale: float
    zero_point: int
    qmin: int = -128
    qmax: int = 127

    def __post_init__(self) -> None:
        for name in ("qmin", "qmax"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        with np.errstate(over="ignore"):
            scale = float(np.float32(self.scale))
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"scale must be a finite float32 above 0, got {self.scale!r}")
        if not -128 <= self.qmin < self.qmax <= 127:
            raise ValueError(f"need -128 <= qmin < qmax <= 127, got {self.qmin}, {self.qmax}")
        if not self.qmin <= self.zero_point <= self.qmax or self.zero_point != int(self.zero_point):
            raise ValueError(
                f"zero_point must be an integer in {self.qmin}..{self.qmax}, "
                f"got {self.zero_point!r}"
            )
        zero_point = int(self.zero_point)  # an np.int8 would wrap in the next line
        steps = max(zero_point - self.qmin, self.qmax - zero_point)
        with np.errstate(over="ignore"):
            if not np.isfinite(np.float32(scale * steps)):
                raise ValueError(f"float32 cannot hold the ends of a grid of scale {scale}")
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "zero_point", zero_point)

    @classmethod
    def from_range(cls, lo: float, hi: float, qmin: int = -128, qmax: int = 127) -> Self:
        """Return the asymmetric grid whose codes cover lo..hi and hold real zero exactly.

        scale = (hi - lo) / (qmax - qmin) in float32, after lo..hi is widened to contain 0   (1.3)
        zero_point = clamp(round(qmin - lo / scale)), the quotient in float64                (1.4)

        lo, hi: finite, lo <= hi.  A range of width 0 (only zeros seen) gives scale 1, zero_point
        qmin.  Raises ValueError for NaN, infinity, lo > hi, or a width whose scale float32 cannot
        hold.  Source: TFLite's asymmetric int8 calibration; the seed's calibration.

        >>> Grid.from_range(-1.0, 2.0)
        Grid(scale=0.0117647061124444, zero_point=-43, qmin=-128, qmax=127)
        """
        if not -FLOAT32_MAX <= lo <= hi <= FLOAT32_MAX:
            raise ValueError(f"a range needs finite float32 lo <= hi, got lo={lo}, hi={hi}")
        qmin, qmax = whole("qmin", qmin), whole("qmax", qmax)
        lo32, hi32 = np.float32(min(lo, 0.0)), np.float32(max(hi, 0.0))
        if lo32 == hi32:
            return cls(1.0, qmin, qmin, qmax)
        with np.errstate(over="ignore", under="ignore"):
            scale = (hi32 - lo32) / np.float32(qmax - qmin)
        if not (np.isfinite(scale) and scale > 0):
            raise ValueError(f"no float32 scale spans lo={lo32}, hi={hi32} in {qmax - qmin} steps")
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
        codes = np.asarray(codes)
        if codes.dtype.kind != "i":
            raise TypeError(f"codes must be signed integers, got {codes.dtype}")
        self.check("codes", codes)
        steps = codes.astype(np.int32) - self.zero_point
        return np.float32(self.scale) * steps.astype(np.float32)

    def check(self, name: str, codes: NDArray[np.integer]) -> None:
        """Raise ValueError unless all codes, called name in the message, lie in qmin..qmax.

        >>> Grid(1.0, 0, -8, 7).check("images", np.int8([0, 9]))
        Traceback (most recent call last):
        ValueError: images must lie in -8..7, got 0..9
        """
        every_int8 = codes.dtype == np.int8 and self.qmax - self.qmin == 255
        if codes.size and not every_int8:
            least, largest = codes.min(), codes.max()
            if least < self.qmin or largest > self.qmax:
                raise ValueError(
                    f"{name} must lie in {self.qmin}..{self.qmax}, got {least}..{largest}"
                )

    @property
    def lo(self) -> float:
        """The real number of code qmin."""
        return float(self.dequantize(self.qmin))

    @property
    def hi(self) -> float:
        """The real number of code qmax."""
        return float(self.dequantize(self.qmax))


def whole(name: str, value: int) -> int:
    """Return an integer of any type as Python's own; raise TypeError for anything else.

    NumPy's would wrap: ``np.int8(127) - np.int8(-128)`` is -1.

    >>> whole("qmin", np.int8(-128)) - 1
    -129
    """
    if not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    return int(value)


def finite_float32(name: str, x: ArrayLike) -> NDArray[np.float32]:
    """Return x as float32; raise TypeError for integers, ValueError for NaN or infinity.

    >>> finite_float32("bias", [0.5, 1])
    array([0.5, 1. ], dtype=float32)
    """
    if isinstance(x, np.ndarray) and x.dtype.kind != "f":
        raise TypeError(f"{name} must be real numbers (float32), got an array of {x.dtype}")
    with np.errstate(over="ignore"):
        values = np.asarray(x, dtype=np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite float32 numbers, got NaN or infinity")
    return values
