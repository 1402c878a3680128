"""The residual add: two grids brought to one, in integers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked
from tinyq.layers.broadcast import broadcast_shape, check_pair
from tinyq.layers.contract import Shape
from tinyq.requantize import Requantizer, Rounding

LEFT_SHIFT = 20


@dataclass(frozen=True, eq=False)
class QAdd(Proved):
    """Add two int8 tensors that live on different grids.

    twice_max = 2 * max(s_a, s_b)
    t_a = rescale((a - zp_a) << left_shift, s_a / twice_max), and t_b likewise              (8.1)
    y = clamp(rescale(t_a + t_b, twice_max / (2**left_shift * s_out)) + zp_out)             (8.2)

    in_grids: grids of a and b; out_grid: grid of the sum.
    left_shift: extra fraction bits, from 0 to what (8.3) allows, 23 for steps of 255 codes.
    rescale_a, rescale_b, rescale_sum: requantizers of one ratio each, built by from_float; the
    first two at most 1/2 and the last below 1, so that no sum leaves int32.
    Raises TypeError or ValueError where one of these does not hold.
    Source: TFLite ``reference_integer_ops::Add``.

    >>> add = QAdd.from_float(Grid(0.5, 0), Grid(0.25, 0), Grid(1.0, -8))
    >>> add.forward(np.int8([[4]]), np.int8([[8]])).tolist()                  # 2.0 + 2.0
    [[-4]]
    """

    in_grids: tuple[Grid, Grid]
    out_grid: Grid
    left_shift: int
    rescale_a: Requantizer
    rescale_b: Requantizer
    rescale_sum: Requantizer

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The three requantizers: of a, of b, and of their sum."""
        return {"a": self.rescale_a, "b": self.rescale_b, "sum": self.rescale_sum}

    @checked
    def out_shape(self, a: Shape, b: Shape) -> Shape:
        """Return the shape that those of a and b broadcast to; raise ValueError for none."""
        return broadcast_shape("QAdd", a, b)

    def _prove(self) -> None:
        """Raise ValueError unless every sum fits int32, whatever the codes."""
        check_left_shift(self.left_shift, self.in_grids)
        check_sum_ratios("QAdd", self.requantizers)

    @classmethod
    @checked
    def from_float(
        cls,
        a_grid: Grid,
        b_grid: Grid,
        out_grid: Grid,
        left_shift: int = LEFT_SHIFT,
        rounding: Rounding = Rounding.DOUBLE,
    ) -> "QAdd":
        """Build the layer on the host from its three grids.

        Raises ValueError for a left_shift with no headroom, or an out_grid so fine that the last
        ratio reaches 1 (TFLite aborts there).
        """
        check_left_shift(left_shift, (a_grid, b_grid))
        twice_max = 2 * max(a_grid.scale, b_grid.scale)
        sum_ratio = twice_max / (2**left_shift * out_grid.scale)
        if sum_ratio >= 1:
            raise ValueError(
                f"QAdd: out_grid.scale must exceed {twice_max / 2**left_shift:.6g} "
                f"(2 * max scale / 2**left_shift), got {out_grid.scale:.6g}"
            )
        return cls(
            in_grids=(a_grid, b_grid),
            out_grid=out_grid,
            left_shift=left_shift,
            rescale_a=Requantizer(a_grid.scale / twice_max, rounding),
            rescale_b=Requantizer(b_grid.scale / twice_max, rounding),
            rescale_sum=Requantizer(sum_ratio, rounding),
        )

    def forward(self, a: NDArray[np.int8], b: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the codes of the sum: int8 arrays (N, ...) whose samples broadcast, to int8."""
        a, b = check_pair(self, self.in_grids, a, b)
        total = self._shifted(a, 0, self.rescale_a) + self._shifted(b, 1, self.rescale_b)
        return self.rescale_sum.requantize(total, self.out_grid)

    def _shifted(
        self, codes: NDArray[np.int8], side: int, rescale: Requantizer
    ) -> NDArray[np.int64]:
        """Return one side of the sum on the common fine scale, equation (8.1)."""
        steps = codes.astype(np.int32) - np.int32(self.in_grids[side].zero_point)
        return rescale.rescale(steps << np.int32(self.left_shift))


def check_left_shift(left_shift: int, grids: tuple[Grid, Grid]) -> None:
    """Raise ValueError unless every step of both grids, shifted left, fits int32.

    max |q - zero_point| * 2**left_shift < 2**31                                            (8.3)

    >>> check_left_shift(24, (Grid(1.0, -128), Grid(1.0, 0)))
    Traceback (most recent call last):
    ValueError: QAdd: left_shift must be in 0..23 for steps of up to 255 codes, got 24
    """
    steps = max(max(g.qmax - g.zero_point, g.zero_point - g.qmin) for g in grids)
    most = 31 - steps.bit_length()
    if not 0 <= left_shift <= most:
        raise ValueError(
            f"QAdd: left_shift must be in 0..{most} for steps of up to {steps} codes, "
            f"got {left_shift}"
        )


def check_sum_ratios(name: str, requantizers: Mapping[str, Requantizer]) -> None:
    """Raise ValueError unless a sum of two steps stays in int32 all the way, by (8.1) and (8.2).

    requantizers: of a, of b and of their sum or difference, in this order.

    >>> check_sum_ratios("QAdd", dict.fromkeys(["a", "b", "sum"], Requantizer(0.75)))
    Traceback (most recent call last):
    ValueError: QAdd: ratios must be at most 1/2, 1/2 and below 1, got 0.75, 0.75, 0.75
    """
    ratios = [requantizer.ratio for requantizer in requantizers.values()]
    if any(ratio.shape != (1,) for ratio in ratios):
        shapes = [ratio.shape for ratio in ratios]
        raise ValueError(f"{name}: each ratio must have shape (1,), got {shapes}")
    # so both halves of a sum are at most 2**30 in size, and the last shift goes right
    a, b, total = (float(ratio[0]) for ratio in ratios)
    if max(a, b) > 0.5 or total >= 1:
        raise ValueError(
            f"{name}: ratios must be at most 1/2, 1/2 and below 1, "
            f"got {a:.6g}, {b:.6g}, {total:.6g}"
        )
