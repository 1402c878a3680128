"""How LiteRT's optimized kernels walk over two tensors of two shapes.

Their vector code takes some codes at once, and the codes left over are rounded otherwise.  So it
matters for the bytes which codes lie in one inner loop.
"""

from math import prod
from typing import NamedTuple

from tinyq.layers.contract import Shape


class Loops(NamedTuple):
    """inner: codes in one inner loop; scalar: whether one side has a single code for all of it."""

    inner: int
    scalar: bool


def litert_loops(a: Shape, b: Shape) -> Loops | None:
    """Return the inner loop over tensors of shapes a and b, None where five loops do not do.

    The five are, from the last axis: axes that are equal, axes of 1 in the one tensor, equal ones,
    axes of 1 in the other, equal ones.  The one is that which has the last axis of 1 to repeat.
    The inner loop is the first of them, or where that is a single code the second.

    a, b: shapes of one rank, N among them, that broadcast.
    Source: LiteRT ``ProcessBroadcastShapes`` and ``BinaryBroadcastFiveFold``.

    >>> litert_loops((2, 5, 7), (2, 5, 7)), litert_loops((2, 5, 7), (1, 1, 7))
    (Loops(inner=70, scalar=False), Loops(inner=7, scalar=False))
    >>> litert_loops((2, 5, 1), (1, 1, 7)), litert_loops((2, 1, 5, 1), (1, 3, 1, 7))
    (Loops(inner=7, scalar=True), None)
    """
    if a == b:
        return Loops(prod(a), scalar=False)
    last = max(axis for axis in range(len(a)) if a[axis] != b[axis])
    one, other = (a, b) if a[last] == 1 else (b, a)
    left, sizes = list(zip(one, other, strict=True)), []
    for repeated in (None, 0, None, 1, None):
        size = 1
        while left and (left[-1][repeated] == 1 if repeated in (0, 1) else len({*left[-1]}) == 1):
            size *= max(left.pop())
        sizes.append(size)
    if left:
        return None
    return Loops(sizes[1], scalar=True) if sizes[0] == 1 else Loops(sizes[0], scalar=False)
