"""Kernels that take one place at a time of tensors of any rank: nested lists of one sample.

Source: TensorFlow Lite `kernels/internal/reference/sub.h`, `integer_ops/mul.h`, `requantize.h`.
"""

from collections.abc import Callable, Sequence

from tinyq.loops.conv import Pair
from tinyq.loops.integers import as_ints, int32
from tinyq.loops.pointwise import check_left_shift
from tinyq.loops.rescale import Rescale, multiply_by_quantized_multiplier, requantize


def each(function: Callable[..., int], *tensors: Sequence) -> list:
    """Return what a function makes of each place of tensors that all have one shape.

    >>> each(lambda a, b: a + b, [[1, 2], [3, 4]], [[10, 20], [30, 40]])
    [[11, 22], [33, 44]]
    """
    first = tensors[0]
    if first and not isinstance(first[0], Sequence):
        return [function(*codes) for codes in zip(*tensors, strict=True)]
    return [each(function, *rows) for rows in zip(*tensors, strict=True)]


def broadcast(a: Sequence, b: Sequence) -> tuple[list, list]:
    """Return a and b with one shape: aligned at their last axes, an axis of size 1 repeated.

    Raises ValueError if an axis has two sizes, neither of them 1.

    >>> broadcast([[1], [2]], [7, 8])
    ([[1, 1], [2, 2]], [[7, 8], [7, 8]])
    """
    a, b = as_ints(a), as_ints(b)
    return _aligned(a, b, _rank(a) - _rank(b))


def _aligned(a: list, b: list, further: int) -> tuple:
    """Return a and b with one shape, where a has that many axes more than b."""
    if further > 0:
        pairs = [_aligned(x, b, further - 1) for x in a]
    elif further < 0:
        pairs = [_aligned(a, y, further + 1) for y in b]
    elif isinstance(a, int):
        return a, b
    else:
        count = max(len(a), len(b))
        sides = [side * count if len(side) == 1 else side for side in (a, b)]
        pairs = [_aligned(x, y, 0) for x, y in zip(*sides, strict=True)]
    return [x for x, _ in pairs], [y for _, y in pairs]


def _rank(nested: list) -> int:
    return 1 + _rank(nested[0]) if isinstance(nested, list) else 0


def sub(
    a: Sequence,
    b: Sequence,
    zero_points: tuple[int, int, int],
    multipliers: tuple[Pair, Pair, Pair],
    left_shift: int = 20,
    qmin: int = -128,
    qmax: int = 127,
    rescale: Rescale = multiply_by_quantized_multiplier,
) -> list:
    """Subtract b from a, whose grids differ: bring both to a finer grid, subtract, requantize.

    a, b: codes of any rank whose shapes broadcast.  The rest: as `add` takes it.
    Returns codes in qmin..qmax.
    Raises OverflowError if a step leaves int32, ValueError if the shapes do not broadcast.

    0.5 * (10 - 2) - 0.25 * (20 - 0) = -1, and -1 on a grid of scale 1 and zero_point -1 is -2.

    >>> from tinyq.loops.pointwise import add_multipliers
    >>> sub([10], [20], (2, 0, -1), add_multipliers(0.5, 0.25, 1.0))
    [-2]
    """
    zero_a, zero_b, zero_out = zero_points
    scaling_a, scaling_b, scaling_out = multipliers
    left_shift = check_left_shift(left_shift)

    def difference(one: int, other: int) -> int:
        fine = rescale(int32((one - zero_a) << left_shift), *scaling_a)
        fine_other = rescale(int32((other - zero_b) << left_shift), *scaling_b)
        total = int32(fine - fine_other)
        return requantize(total, *scaling_out, zero_out, qmin, qmax, rescale)

    return each(difference, *broadcast(a, b))


def mul(
    a: Sequence,
    b: Sequence,
    zero_points: tuple[int, int, int],
    multiplier: int,
    shift: int,
    qmin: int = -128,
    qmax: int = 127,
    rescale: Rescale = multiply_by_quantized_multiplier,
) -> list:
    """Multiply a by b, whose grids differ: the product of the steps, requantized.

    a, b: codes of any rank whose shapes broadcast.  zero_points: of a, b and the product.
    multiplier, shift: of the ratio scale_a * scale_b / scale_out.  Returns codes in qmin..qmax.
    Raises ValueError if the shapes do not broadcast.

    0.5 * (10 - 2) * 0.25 * (20 - 0) = 20, and 20 on a grid of scale 1 and zero_point -1 is 19.

    >>> from tinyq.loops.rescale import quantize_multiplier
    >>> mul([10], [20], (2, 0, -1), *quantize_multiplier(0.5 * 0.25 / 1.0))
    [19]
    """
    zero_a, zero_b, zero_out = zero_points

    def product(one: int, other: int) -> int:
        acc = int32((one - zero_a) * (other - zero_b))
        return requantize(acc, multiplier, shift, zero_out, qmin, qmax, rescale)

    return each(product, *broadcast(a, b))
