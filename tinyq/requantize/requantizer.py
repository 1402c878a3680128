"""The requantizer of a layer: a ratio a channel, and the rounding that it follows."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyq.affine import Grid, check_scale
from tinyq.checks import finite_float64, frozen, instance, integers, unchecked
from tinyq.fixedpoint import (
    INT32,
    MAX_LEFT_SHIFT,
    MAX_RIGHT_SHIFT,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from tinyq.requantize.roundings import (
    Rounding,
    rescale_float32,
    rescale_float64,
    rescale_single,
    rescale_up,
)


@dataclass(frozen=True, eq=False, init=False)
class Requantizer:
    """Rescale accumulators, each channel by its ratio: built once from floats, then integers alone.

    result = clamp(rescale(acc) + zero_point, qmin, qmax)                                  (5.9)

    ratio: real, shape (C,) or (1,), each in 0..2**30; one number becomes (1,).
    rounding: a member of Rounding; FLOAT32 and FLOAT64 rescale in floats, as their runtimes do.
    multiplier, shift: int32 of the same shape, derived from ratio by (5.1).
    Raises ValueError for a ratio outside its range or of another shape, TypeError for what is no
    real number, or an unknown rounding.

    >>> disputed = 1583594044 * 2.0 ** (-31 - 9)                  # tensorflow issue 25087
    >>> [int(Requantizer(disputed, r).rescale(7984)[0]) for r in (Rounding.DOUBLE, Rounding.SINGLE)]
    [12, 11]
    """

    ratio: NDArray[np.float64]
    rounding: Rounding
    multiplier: NDArray[np.int32] = field(init=False)
    shift: NDArray[np.int32] = field(init=False)

    def __init__(self, ratio: ArrayLike, rounding: Rounding = Rounding.DOUBLE) -> None:
        instance("rounding", rounding, Rounding)
        ratio = _ratios("ratio", ratio)
        exact = unchecked(quantize_multiplier)
        pairs = np.array([exact(float(r)) for r in ratio], dtype=np.int32)
        multiplier, shift = pairs.reshape(-1, 2).T
        object.__setattr__(self, "rounding", rounding)
        for name, array in (("ratio", ratio), ("multiplier", multiplier), ("shift", shift)):
            object.__setattr__(self, name, frozen(array))

    def __reduce__(self) -> tuple[type[Self], tuple[NDArray[np.float64], Rounding]]:
        """Pickle and copy by the constructor: a pickled array would come back writeable."""
        return type(self), (self.ratio, self.rounding)

    @classmethod
    def from_scales(
        cls,
        in_scale: float,
        scales: ArrayLike,
        out_scale: float,
        rounding: Rounding = Rounding.DOUBLE,
    ) -> Self:
        """Return the requantizer from an accumulator of scale ``in_scale * scales`` to out_scale.

        ratio_c = in_scale * scale_c / out_scale, in float64 (FLOAT32: in float32)         (5.10)

        in_scale, out_scale: grid scales; scales: weight scales above 0, (C,) or (1,); one number
        becomes (1,).  Raises TypeError for what is no real number, ValueError for a scale that no
        grid or weight has, another shape, or a ratio of 2**30 or more.

        >>> scales = 0.05296124517917633, [0.024093778803944588], 0.11484327912330627
        >>> for rounding in Rounding:                             # tensorflow issue 102943
        ...     requantizer = Requantizer.from_scales(*scales, rounding)
        ...     print(rounding.name, requantizer.rescale(np.int32([585])) - 126)
        DOUBLE [-119]
        UP [-119]
        SINGLE [-119]
        FLOAT32 [-120]
        FLOAT64 [-119]
        """
        instance("rounding", rounding, Rounding)
        given = check_scale("in_scale", in_scale), _ratios("scales", scales)
        if not (given[1] > 0).all():
            raise ValueError(f"scales must be above 0, got {given[1].min()}")
        kind = np.dtype(np.float32 if rounding is Rounding.FLOAT32 else np.float64)
        with np.errstate(over="ignore", under="ignore"):
            one, many = (np.asarray(s, dtype=kind) for s in given)
            ratio = one * many / np.asarray(check_scale("out_scale", out_scale), dtype=kind)
        return cls(ratio, rounding)

    @classmethod
    def from_pair(
        cls,
        multiplier: ArrayLike,
        shift: ArrayLike,
        sign: str = "tinyq",
        rounding: Rounding = Rounding.DOUBLE,
    ) -> Self:
        """Return the requantizer of a multiplier and a shift that a runtime has, or a debugger.

        ratio = multiplier * 2**(-31 - shift), exactly, so that (5.1) gives the same pair back

        multiplier: 2**30..2**31 - 1 as TFLite's QuantizeMultiplier writes it, or 0; shift: -30..31
        in our sign, positive to the right; integers, or arrays (C,) of them.
        sign: of shift, "tinyq", or "tflite", which is minus ours.
        Raises TypeError for what is not integer, ValueError for a number outside its range, or
        another sign.

        >>> Requantizer.from_pair(2026365287, -6, sign="tflite").rescale([5523]).tolist()
        [81]
        """
        if sign not in ("tinyq", "tflite"):
            raise ValueError(f'sign must be "tinyq" or "tflite", got {sign!r}')
        mantissa = integers("multiplier", multiplier, 0, 2**31 - 1).astype(np.float64)
        least, most = -MAX_LEFT_SHIFT, MAX_RIGHT_SHIFT
        if sign == "tflite":
            exponent = integers("shift (TFLite's)", shift, -most, -least).astype(np.int64)
        else:
            exponent = -integers("shift", shift, least, most).astype(np.int64)
        if mantissa.shape != exponent.shape or mantissa.ndim > 1:
            shapes = f"{mantissa.shape} and {exponent.shape}"
            raise ValueError(
                f"multiplier and shift must have one shape, (C,) or none, got {shapes}"
            )
        if ((mantissa > 0) & (mantissa < 2**30)).any():
            small = mantissa[mantissa > 0].min()
            raise ValueError(
                f"multiplier must be 0 or in 2**30..2**31 - 1, got {small:.0f}: "
                "such a ratio goes to Requantizer as a number"
            )
        return cls(np.ldexp(mantissa, exponent - 31), rounding)

    def rescale(self, acc: ArrayLike) -> NDArray[np.int64]:
        """Return acc times ratio under the rounding, before zero_point and clamp.

        acc: integers that int32 holds, (..., C); of any shape where there is one ratio, and a
        single number then gives (1,).  Returns int64 of the same shape.
        Raises TypeError for what is not integer, ValueError for a number beyond int32 or a last
        axis that is not C.
        """
        acc = integers("acc", acc, *INT32)
        channels = len(self.multiplier)
        if channels > 1 and acc.shape[-1:] != (channels,):
            raise ValueError(
                f"acc must have shape (..., {channels}), a column for each ratio, got {acc.shape}"
            )
        match self.rounding:
            case Rounding.DOUBLE:
                return unchecked(multiply_by_quantized_multiplier)(acc, self.multiplier, self.shift)
            case Rounding.UP:
                return unchecked(rescale_up)(acc, self.multiplier, self.shift)
            case Rounding.SINGLE:
                return unchecked(rescale_single)(acc, self.multiplier, self.shift)
            case Rounding.FLOAT32:
                return unchecked(rescale_float32)(acc, self.ratio)
            case Rounding.FLOAT64:
                return unchecked(rescale_float64)(acc, self.ratio)

    def requantize(self, acc: ArrayLike, grid: Grid) -> NDArray[np.int8]:
        """Return the int8 codes of acc on grid, equation (5.9).

        acc: as rescale takes it.  Returns int8 of the same shape.  Raises as rescale does, and
        TypeError for what is no Grid.

        >>> Requantizer(0.5).requantize(np.int32([3, 1000]), Grid(1.0, -5)).tolist()
        [-3, 127]
        """
        instance("grid", grid, Grid)
        return np.clip(self.rescale(acc) + grid.zero_point, grid.qmin, grid.qmax).astype(np.int8)


def _ratios(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return real numbers as float64 (C,), C >= 1; one number becomes (1,)."""
    array = finite_float64(name, values)
    array = array.reshape(1) if array.ndim == 0 else array
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name} must have shape (C,) with C >= 1, got {array.shape}")
    return array
