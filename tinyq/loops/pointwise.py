"""Kernels that look at one place at a time: clamp, ReLU, and the residual add.

Source: TensorFlow Lite `kernels/internal/reference/add.h`, `kernels/add.cc`.
"""

from collections.abc import Sequence

from tinyq.loops.conv import Image, Pair
from tinyq.loops.floats import check_ratio
from tinyq.loops.integers import as_image, int32, whole
from tinyq.loops.rescale import (
    Rescale,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    requantize,
)


def clamp(image: Sequence, lo: int, hi: int) -> Image:
    """Keep each code within lo..hi.  ReLU6 is lo = zero_point, hi = the code of 6.0.

    image: (H, W, C) codes.  lo, hi: codes.  Returns (H, W, C) codes.
    Raises ValueError if lo is above hi.

    >>> clamp([[[-9, 0, 9]]], -1, 5)
    [[[-1, 0, 5]]]
    """
    lo, hi = whole(lo), whole(hi)
    if lo > hi:
        raise ValueError(f"lo must not be above hi, got {lo} and {hi}")
    return [[[min(max(q, lo), hi) for q in pixel] for pixel in row] for row in as_image(image)]


def relu(image: Sequence, zero_point: int) -> Image:
    """Lift each code below zero_point, which stands for the real number 0, up to it.

    image: (H, W, C) codes.  Returns (H, W, C) codes on the same grid.

    >>> relu([[[-9, 0, 9]]], zero_point=-1)
    [[[-1, 0, 9]]]
    """
    zero_point = whole(zero_point)
    return [[[max(q, zero_point) for q in pixel] for pixel in row] for row in as_image(image)]


def check_left_shift(left_shift: int) -> int:
    """Return the left shift of an add; raise ValueError outside 0..31, TypeError for no integer."""
    if not 0 <= whole(left_shift) <= 31:
        raise ValueError(f"left_shift must lie in 0..31, got {left_shift}")
    return whole(left_shift)


def add_ratios(
    scale_a: float, scale_b: float, scale_out: float, left_shift: int = 20
) -> tuple[float, float, float]:
    """Turn the three scales of an add into the ratios of its three rescalings.  Host only.

    twice_max = 2 * max(s_a, s_b); the ratios are s_a / twice_max, s_b / twice_max and
    twice_max / (2^left_shift * s_out), all in float64.
    scale_a, scale_b, scale_out: above 0; left_shift: 0..31.  Returns the ratios of a, of b and of
    the sum.  Raises TypeError for what is no number, ValueError for another scale or shift.

    >>> add_ratios(0.5, 0.25, 1.0, left_shift=0)
    (0.5, 0.25, 1.0)
    """
    if not min(map(check_ratio, (scale_a, scale_b, scale_out))) > 0:
        raise ValueError(f"scales must be above 0, got {scale_a}, {scale_b}, {scale_out}")
    scale_a, scale_b, scale_out = float(scale_a), float(scale_b), float(scale_out)
    left_shift = check_left_shift(left_shift)
    twice_max = 2 * max(scale_a, scale_b)
    return scale_a / twice_max, scale_b / twice_max, twice_max / (2**left_shift * scale_out)


def add_multipliers(
    scale_a: float, scale_b: float, scale_out: float, left_shift: int = 20
) -> tuple[Pair, Pair, Pair]:
    """Turn the three scales of an add into three (multiplier, shift) pairs.  Host only.

    scale_a, scale_b, scale_out: above 0.  Returns the pairs of a, of b and of the sum.

    >>> add_multipliers(0.5, 0.25, 1.0)
    ((1073741824, 0), (1073741824, 1), (1073741824, 19))
    """
    of_a, of_b, of_sum = add_ratios(scale_a, scale_b, scale_out, left_shift)
    return quantize_multiplier(of_a), quantize_multiplier(of_b), quantize_multiplier(of_sum)


def add(
    image_a: Sequence,
    image_b: Sequence,
    zero_points: tuple[int, int, int],
    multipliers: tuple[Pair, Pair, Pair],
    left_shift: int = 20,
    qmin: int = -128,
    qmax: int = 127,
    rescale: Rescale = multiply_by_quantized_multiplier,
) -> Image:
    """Add two images whose grids differ: bring both to a common fine grid, add, requantize.

    image_a, image_b: (H, W, C) codes.  zero_points: of a, b and the sum.
    multipliers: the (multiplier, shift) pairs of a, b and the sum, from add_multipliers.
    left_shift: how many bits finer the common grid is; 255 * 2^left_shift must fit in int32.
    rescale: the rounding of all three, DOUBLE if none is named.
    Returns (H, W, C) codes in qmin..qmax.
    Raises OverflowError if a step leaves int32, ValueError if the shapes differ.

    0.5 * (10 - 2) + 0.25 * (20 - 0) = 9, and 9 on a grid of scale 1 and zero_point -1 is 8.

    >>> add([[[10]]], [[[20]]], (2, 0, -1), add_multipliers(0.5, 0.25, 1.0))
    [[[8]]]
    """
    left_shift = check_left_shift(left_shift)
    zero_a, zero_b, zero_out = zero_points
    scaling_a, scaling_b, scaling_out = multipliers
    out: Image = []
    for row_a, row_b in zip(as_image(image_a), as_image(image_b), strict=True):
        out.append([])
        for pixel_a, pixel_b in zip(row_a, row_b, strict=True):
            out[-1].append([])
            for a, b in zip(pixel_a, pixel_b, strict=True):
                fine_a = int32((a - zero_a) << left_shift)
                fine_b = int32((b - zero_b) << left_shift)
                total = int32(rescale(fine_a, *scaling_a) + rescale(fine_b, *scaling_b))
                code = requantize(total, *scaling_out, zero_out, qmin, qmax, rescale)
                out[-1][-1].append(code)
    return out
