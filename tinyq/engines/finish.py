"""What follows the sums in a step of the engine "numpy": the max pool, then the rescaling."""

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.linear import Spec
from tinyq.engines.rescale import Rescale
from tinyq.engines.tensors import Tensor

FLOAT32_EXACT = 2**24  # float32 holds each smaller integer
# A sum times its multiplier is below 2**62, and a zero_point times 2**54 at most 2**61.
FOLDED = 54


class Finishing:
    """A step whose sums are whole numbers in float32 or float64, and end as codes."""

    def _finish_by(self, spec: Spec, target: Tensor) -> None:
        """Take what comes after the sums."""
        self.spec, self.target, self.rows = spec, target, target.height
        self.wide = np.float32 if spec.rescale is None else np.int64
        self.signed = spec.rescale is not None and bool(spec.rescale.away.any())
        self.ends = spec.low + spec.zero_point, spec.high + spec.zero_point
        if spec.rescale is not None:
            self._fold_zero_point(spec.rescale, np.int64(spec.zero_point))

    def _fold_zero_point(self, by: Rescale, zero_point: np.int64) -> None:
        """Let a shift add the zero_point: (x >> n) + z = (x + (z << n)) >> n.

        That is the first one, unless there is a second, or int64 has no room for z << n.
        """
        self.twice = self.signed or int(by.first.max()) > FOLDED
        self.nudge, self.half = by.nudge, by.half
        if self.twice:
            self.half = by.half + (zero_point << by.second)
        else:
            self.nudge = by.nudge + (zero_point << by.first)

    def _finish(self, sums: NDArray, acc: NDArray, signs: NDArray, out: NDArray) -> None:
        if self.spec.rescale is None:
            self._rescale_float32(sums, acc, out)
        else:
            self._rescale(self.spec.rescale, sums, acc, signs, out)

    def _rescale(
        self, by: Rescale, sums: NDArray, acc: NDArray, signs: NDArray, out: NDArray
    ) -> None:
        np.copyto(acc, sums, casting="unsafe")
        np.multiply(acc, by.multiplier, out=acc)
        np.add(acc, self.nudge, out=acc)
        np.right_shift(acc, by.first, out=acc)
        if signs.size:
            np.right_shift(acc, 63, out=signs)
            np.bitwise_and(signs, by.away, out=signs)
            np.add(acc, signs, out=acc)
        if self.twice:
            np.add(acc, self.half, out=acc)
            np.right_shift(acc, by.second, out=acc)
        acc.clip(*self.ends, out=acc)
        np.copyto(out, acc, casting="unsafe")

    def _rescale_float32(self, sums: NDArray, acc: NDArray, out: NDArray) -> None:
        spec = self.spec
        # the sum is whole in float64, and rounded to float32 once, as (5.7) has it
        np.add(sums, spec.constant, out=acc, dtype=np.float64, casting="same_kind")
        np.multiply(acc, spec.ratio, out=acc)
        np.rint(acc, out=acc)
        np.clip(acc, spec.low, spec.high, out=acc)
        np.add(acc, spec.zero_point, out=out, casting="unsafe")


def max_pool(sums: NDArray, width: int, out: NDArray) -> NDArray:
    """Write the largest of each ``width`` neighbours in a row of (N, H, W, O) to out."""
    columns = out.shape[2] * width
    np.copyto(out, sums[:, :, :columns:width])
    for x in range(1, width):
        np.maximum(out, sums[:, :, x:columns:width], out=out)
    return out
