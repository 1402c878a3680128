"""MEAN: the sum of the codes over some axes, rescaled to a grid of its own.

Source: TensorFlow Lite `kernels/internal/reference/reduce.h`, `QuantizedMeanOrSum`.
"""

from collections.abc import Sequence

from tinyq.loops.integers import as_ints, int32, whole
from tinyq.loops.rescale import requantize


def mean(
    tensor: Sequence,
    axes: Sequence[int],
    zero_point_in: int,
    multiplier: int,
    shift: int,
    zero_point_out: int,
    qmin: int = -128,
    qmax: int = 127,
    keep_dims: bool = False,
) -> list:
    """Take the mean over axes; the division is folded into the multiplier.

    tensor: codes of any rank, nested sequences of one length an axis.  axes: those to sum over,
    0 the outermost.  keep_dims: whether they stay, of size 1.
    multiplier, shift: from s_in / s_out.  Both are divided by the count n: the multiplier is
    shifted left by k = min(floor(log2(n)), 31 - shift) first, so that it keeps its bits.
    Returns nested lists of codes in qmin..qmax.

    >>> mean([[3, 9], [4, 4]], (1,), 1, 2**30, 0, zero_point_out=-3)   # (2 + 8) / 2 / 2
    [0, -1]
    """
    tensor, axes, zero_point_in = as_ints(tensor), as_ints(axes), whole(zero_point_in)
    shape, (multiplier, shift) = shape_of(tensor), as_ints((multiplier, shift))
    if not isinstance(keep_dims, bool):
        raise TypeError(f"keep_dims must be True or False, got {keep_dims!r}")
    if not axes or any(axis not in range(len(shape)) for axis in axes):
        raise ValueError(f"axes must be some of the {len(shape)} axes, got {axes}")
    summed = [size if axis in axes else 1 for axis, size in enumerate(shape)]
    count = 1
    for size in summed:
        count *= size
    k = 0
    while 2 ** (k + 1) <= count and k < 31 - shift:
        k += 1
    pair = multiplier * 2**k // count, shift + k
    codes = []
    for place in places([1 if a in axes else size for a, size in enumerate(shape)]):
        total = 0
        for step in places(summed):
            code = at(tensor, [p + s for p, s in zip(place, step, strict=True)])
            total = int32(total + code)
        steps = int32(total - count * zero_point_in)
        codes.append(requantize(steps, *pair, zero_point_out, qmin, qmax))
    left = [1 if a in axes else size for a, size in enumerate(shape) if keep_dims or a not in axes]
    return nested(codes, left)


def shape_of(tensor: Sequence) -> list[int]:
    """Return the length of each axis; raise ValueError for lengths that differ, or none."""
    if not isinstance(tensor, list):
        return []
    shapes = [shape_of(part) for part in tensor]
    if not shapes or shapes != [shapes[0]] * len(shapes):
        raise ValueError(f"each axis must have one length, 1 or more, got {str(tensor)[:80]}")
    return [len(tensor), *shapes[0]]


def places(shape: Sequence[int]) -> list[list[int]]:
    """List the places of a tensor of a shape, the last axis first to move on.

    >>> places([2, 2])
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    found: list[list[int]] = [[]]
    for size in shape:
        found = [[*place, i] for place in found for i in range(size)]
    return found


def at(tensor: Sequence, place: Sequence[int]) -> int:
    """Return the code at a place.

    >>> at([[3, 9], [4, 5]], (1, 0))
    4
    """
    *rows, last = place
    for index in rows:
        tensor = tensor[index]
    return whole(tensor[last])


def nested(codes: Sequence[int], shape: Sequence[int]) -> list:
    """Return codes as nested lists of a shape, in row-major order.

    >>> nested([1, 2, 3, 4], (2, 2))
    [[1, 2], [3, 4]]
    """
    if len(shape) == 1:
        return list(codes)
    size = len(codes) // shape[0]
    return [nested(codes[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])]
