"""What a plan knows of a convolution or a dense layer before it runs: matrix, bias, rescaling.

    acc = sum of w * (q + shift) + constant                                                (4.5)

The codes go into the product as they are (shift 0) or as uint8 (shift 128); the constant takes back
what that and the zero_point add.  Rescale has the rest of the arithmetic.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.fuse import Op
from tinyq.engines.rescale import Rescale
from tinyq.layers import QDense
from tinyq.layers.checks import UNDILATED
from tinyq.layers.linear import Linear
from tinyq.requantize import Rounding

INT32 = np.iinfo(np.int32)


@dataclass(frozen=True, eq=False)
class Spec:
    """A linear step with its numbers at hand.

    op: the step; kernel, stride: (rows, columns) of a window and of its move, which may give
    several neighbours in a row at once; matrix: int8 (K, neighbours * O), K = rows * columns * I in
    the order of a window's bytes, without rows once an engine has packed it; constant: int64 (O,);
    rescale: None under FLOAT32; ratio: float32 (O,), for FLOAT32; low, high: ends of the codes,
    less the zero_point.
    """

    op: Op
    kernel: tuple[int, int]
    stride: tuple[int, int]
    matrix: NDArray[np.int8]
    constant: NDArray[np.int64]
    rescale: Rescale | None
    ratio: NDArray[np.float32]
    low: int
    high: int

    @property
    def zero_point(self) -> int:
        """The zero_point of the output grid."""
        return self.op.layer.out_grid.zero_point

    @property
    def nbytes(self) -> int:
        """Bytes of the numbers a channel: the constant, six of the rescaling, the ratio."""
        return (7 * 8 + 4) * len(self.constant)

    def largest(self, shift: int) -> int:
        """Return a bound on every partial sum of ``w * (q + shift)``, in any order of summing.

        A partial sum has some of the terms, whichever comes first, so no more than all their sizes.
        """
        return int(self._sizes().sum(axis=0).max()) * self._most(shift)

    def cuts(self, shift: int, limit: int) -> list[slice]:
        """Return the matrix's rows in the fewest runs whose partial sums all stay below limit.

        limit: 2**24 for float32, whose 24 bits hold each smaller integer: products and sums of
        them are then exact in any order, with fused multiply-adds or without.  Each run is as long
        as can be, so no other cut has fewer.  A run has one row at least: w * (q + shift) is never
        near the limit by itself.
        """
        # reach: of all rows to here; the largest size in a run is what was added since it began
        reach, starts = np.cumsum(self._sizes(), axis=0), [0]
        passed = np.zeros_like(reach[0])
        while starts[-1] < len(reach):
            within = (reach - passed).max(axis=1) * self._most(shift) < limit
            starts.append(max(int(np.count_nonzero(within)), starts[-1] + 1))
            passed = reach[starts[-1] - 1]
        return [slice(start, end) for start, end in pairwise(starts)]

    def _sizes(self) -> NDArray[np.int64]:
        return np.abs(self.matrix.astype(np.int64))

    def _most(self, shift: int) -> int:
        grid = self.op.layer.in_grid
        return max(abs(grid.qmin + shift), abs(grid.qmax + shift))


def spec_of(op: Op, across: int, shift: int, widest: int, room: int) -> Spec | None:
    """Return what a linear step needs, or None where only the layer's own forward is exact.

    That is a rounding in float64, a left shift that could wrap at int32, or a dilation, which a
    window's bytes in a row do not have.
    across: pixels in a row of the layer's padded input; shift: see above; widest: columns, and
    room: entries, that a matrix may have for its windows to be grouped.
    """
    layer, dense = op.layer, type(op.layer) is QDense
    if not is_exact(layer) or (not dense and layer.dilation != UNDILATED):
        return None
    weight = layer.weight[:, None, None, :] if dense else layer.weight
    rows, columns = (1, 1) if dense else layer.stride
    group = _group(weight.shape, columns, across, widest, room)
    matrix, kernel = _grouped(weight, columns, group)
    return finished(op, kernel, (rows, group * columns), matrix, shift)


def is_exact(layer: Linear) -> bool:
    """Whether Rescale, or one float32 product, has the arithmetic of a layer's requantizer."""
    rounding = layer.requantizer.rounding
    shifts_left = rounding in (Rounding.DOUBLE, Rounding.UP)  # in int32
    return rounding is not Rounding.FLOAT64 and not (shifts_left and _can_wrap(layer))


def finished(
    op: Op, kernel: tuple[int, int], stride: tuple[int, int], matrix: NDArray[np.int8], shift: int
) -> Spec:
    """Return the Spec of a step whose matrix, kernel and stride are known: all after the product.

    shift: what the codes are moved by in the product.
    """
    layer = op.layer
    weights = layer.weight.reshape(len(layer.bias), -1).sum(axis=1, dtype=np.int64)
    constant = layer.bias - (layer.in_grid.zero_point + shift) * weights
    low, high = layer.out_grid.qmin, layer.out_grid.qmax
    if op.clamp is not None:
        low, high = (min(max(end, op.clamp.low), op.clamp.high) for end in (low, high))
    low, high = low - layer.out_grid.zero_point, high - layer.out_grid.zero_point
    rescale = None
    if layer.requantizer.rounding is not Rounding.FLOAT32:
        rescale = Rescale.of(layer.requantizer, constant, rectified=low >= 0)
    ratio = np.broadcast_to(layer.requantizer.ratio.astype(np.float32), constant.shape).copy()
    return Spec(op, kernel, stride, matrix, constant, rescale, ratio, low, high)


def _group(weight: tuple[int, ...], step: int, across: int, widest: int, room: int) -> int:
    """Return how many neighbours in a row one window gives: the most that fit, or 1.

    They divide the row evenly, so that no window is left over; give the product no more columns
    than it gains by; and leave the matrix, which fills up with zeros, no larger than room.
    """
    channels, height, width, depth = weight
    count = (across - width) // step + 1
    fits = [
        group
        for group in range(1, min(count, widest // channels) + 1)
        if count % group == 0
        and height * (width + (group - 1) * step) * depth * group * channels <= room
    ]
    return max(fits, default=1)


def _grouped(weight: NDArray[np.int8], step: int, group: int) -> tuple[NDArray, tuple[int, int]]:
    """Return the matrix (K, group * O) and the (rows, columns) of its windows.

    A window of ``group`` neighbours is wider by group - 1 steps; each of them has the weights in
    its own place, and zeros elsewhere.  The zeros are multiplied too, and still it is faster where
    channels are few: a row of the window is then a short copy, and the product has fewer columns
    than an instruction fills.  A group makes both longer, and gathers once what neighbours share.
    A zero adds nothing, so each sum is the same.

    >>> weight = np.int8([[[[1], [2]]]])                                     # 1x2, one channel
    >>> _grouped(weight, step=1, group=2)[0].tolist()
    [[1, 0], [2, 1], [0, 2]]
    """
    channels, height, width, depth = weight.shape
    wide = width + (group - 1) * step
    matrix = np.zeros((height, wide, depth, group, channels), np.int8)
    for g in range(group):
        matrix[:, g * step : g * step + width, :, g] = weight.transpose(1, 2, 3, 0)
    return matrix.reshape(height * wide * depth, group * channels), (height, wide)


def _can_wrap(layer: Linear) -> bool:
    """Whether a left shift before the high multiply could leave int32."""
    left = np.maximum(-layer.requantizer.shift.astype(np.int64), 0)
    least, largest = layer.accumulator_range()
    return bool(((least << left) < INT32.min).any() or ((largest << left) > INT32.max).any())
