"""One accumulator on its way to a code, by each rounding, with what stands between its steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tinyq import loops
from tinyq.affine import Grid
from tinyq.requantize import Requantizer, Rounding

Number = int | float | str
Clamp = tuple[int, int]
Rescale = Callable[[int, int, int], int]  # a loop nest's rounding: acc, multiplier, shift
PLACES = 6  # decimals of an exact real number


@dataclass(frozen=True)
class Step:
    """What one rule makes of a place.

    rule: its name; numbers: what stands between its steps, by name; rounded: the whole number
    before zero_point and clamp, with_zero_point: the one after zero_point, None where a rule has
    none; code: the code, clamped; runtimes: names of those that follow the rule.
    """

    rule: str
    numbers: Mapping[str, Number]
    rounded: int | None
    with_zero_point: int | None
    code: int
    runtimes: tuple[str, ...] = ()


def decimal(real: Fraction) -> str:
    """Return a real number to six decimals, cut and not rounded: "..." says that there are more.

    So a number next to a tie never looks like one.

    >>> decimal(Fraction(41, 2)), decimal(Fraction(41, 2) - Fraction(1, 10**9))
    ('20.500000', '20.499999...')
    """
    whole, rest = divmod(abs(real.numerator) * 10**PLACES, real.denominator)
    digits = f"{whole:0{PLACES + 1}d}"
    sign, dots = "-" if real < 0 else "", "..." if rest else ""
    return f"{sign}{digits[:-PLACES]}.{digits[-PLACES:]}{dots}"


def rounding_steps(
    acc: int,
    requantizers: Sequence[Requantizer],
    grid: Grid,
    channel: int = 0,
    clamps: Sequence[Clamp] = (),
) -> list[Step]:
    """Return what each requantizer makes of an accumulator, by equations (5.4) to (5.9).

    acc: an int32; requantizers: whose roundings are the rules; grid: of the code; channel: whose
    ratio is taken; clamps: (low, high) of the clamps that follow on the same grid.

    >>> disputed = [Requantizer.from_pair(1583594044, 9, rounding=r) for r in Rounding]
    >>> for step in rounding_steps(7984, disputed, Grid(1.0, -3))[:3]:     # tensorflow issue 25087
    ...     print(step.rule, dict(step.numbers), step.rounded, step.code)
    DOUBLE {'high': 5888, 'shifted': '11.500000'} 12 9
    UP {'high': 5888, 'shifted': '11.500000'} 12 9
    SINGLE {'product': '11.499118...'} 11 8
    """
    steps = []
    for requantizer in requantizers:
        numbers, rounded = one_rounding(acc, requantizer, channel)
        wraps = requantizer.rounding is not Rounding.FLOAT32
        steps.append(ended(requantizer.rounding.name, numbers, rounded, grid, wraps, clamps))
    return steps


def one_rounding(acc: int, requantizer: Requantizer, channel: int) -> tuple[dict[str, Number], int]:
    """Return what stands between the steps of a rounding, and its whole number."""
    multiplier, shift = pair_of(requantizer, channel)
    ratio = float(requantizer.ratio[channel if len(requantizer.ratio) > 1 else 0])
    shifted, right = loops.wrap_int32(acc << max(-shift, 0)), max(shift, 0)
    match requantizer.rounding:
        case Rounding.DOUBLE:
            high = loops.saturating_rounding_doubling_high_mul(shifted, multiplier)
            return _high(high, right), loops.rounding_divide_by_pot(high, right)
        case Rounding.UP:
            high = (shifted * multiplier + 2**30) >> 31
            return _high(high, right), (high + 2**right // 2) >> right
        case Rounding.SINGLE:
            product = decimal(Fraction(acc * multiplier, 2 ** (31 + shift)))
            return {"product": product}, loops.rescale_single(acc, multiplier, shift)
        case Rounding.FLOAT32:
            product32 = float(np.float32(acc) * np.float32(ratio))
            pair = loops.float32_multiplier(ratio)
            return {"product": product32}, loops.rescale_float32(acc, *pair)
        case Rounding.FLOAT64:
            pair = loops.float64_multiplier(ratio)
            return {"product": acc * ratio}, loops.rescale_float64(acc, *pair)


def _high(high: int, right: int) -> dict[str, Number]:
    """Return the upper half of the product, and what the shift makes of it before it is rounded."""
    return {"high": high, "shifted": decimal(Fraction(high, 2**right))}


def pair_of(requantizer: Requantizer, channel: int) -> tuple[int, int]:
    """Return a channel's (multiplier, shift)."""
    index = channel if len(requantizer.ratio) > 1 else 0
    return int(requantizer.multiplier[index]), int(requantizer.shift[index])


def ended(
    rule: str,
    numbers: Mapping[str, Number],
    rounded: int,
    grid: Grid,
    wraps: bool,
    clamps: Sequence[Clamp],
) -> Step:
    """Return a rule's step from its whole number: zero_point, grid's ends, and clamps."""
    total = rounded + grid.zero_point
    total = loops.wrap_int32(total) if wraps else total
    code = clamped(total, [(grid.qmin, grid.qmax), *clamps])
    return Step(rule, numbers, rounded, total, code)


def clamped(value: int, clamps: Sequence[Clamp]) -> int:
    """Return value after one clamp (low, high) after the other."""
    for low, high in clamps:
        value = min(max(value, low), high)
    return value
