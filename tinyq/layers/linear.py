"""What the layers with weights share: weights, bias, the accumulator bound, one requantizer.

acc[o] = bias[o] + sum over the window of w[o] * (x - in_zero_point)                        (4.1)
y[o] = requantize(acc[o])                                                                   (5.9)
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, whole
from tinyq.layers.contract import Shape
from tinyq.layers.one_input import OneInput
from tinyq.layers.widening import widened_scales, without_the_smallest
from tinyq.requantize import Requantizer, Rounding
from tinyq.weights import BITS, quantize_bias, quantize_weights, weight_scales


@dataclass(frozen=True, eq=False)
class Linear(OneInput, ABC):
    """Weights, bias and requantizer of a layer that sums products.

    in_grid, out_grid: grids of the codes; weight: int8, output channel first;
    bias: int32 (O,), on the scale ``in_scale * weight_scale``; weight_scale: float32 (O,) or (1,),
    kept for the ledger; requantizer: a ratio for each weight scale.  The layer keeps read-only
    copies of the three arrays.
    Raises TypeError for a wrong dtype, ValueError for shapes that do not fit together, a weight
    scale that is not finite and above 0, or an accumulator that could leave int32.
    """

    out_grid: Grid
    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    weight_scale: NDArray[np.float32]
    requantizer: Requantizer

    weight_form: ClassVar[str]

    def _prove(self) -> None:
        name = type(self).__name__
        check_weight_shapes(name, self.weight_form, self.weight, self.bias)
        for argument, array in (
            ("weight_scale", self.weight_scale),
            ("requantizer.ratio", self.requantizer.ratio),
        ):
            if array.shape not in ((1,), (len(self.bias),)):
                raise ValueError(
                    f"{name}: {argument} must have shape (1,) or ({len(self.bias)},), "
                    f"got {array.shape}"
                )
        if self.weight_scale.min() <= 0:
            raise ValueError(
                f"{name}: weight_scale must be finite and above 0, got {self.weight_scale.tolist()}"
            )
        self._check_accumulator()

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """The one requantizer of the accumulators."""
        return {"requantizer": self.requantizer}

    @abstractmethod
    def out_shape(self, shape: Shape) -> Shape:
        """Return the shape of one image's output, without N."""

    @abstractmethod
    def accumulate(self, codes: NDArray[np.int8]) -> NDArray[np.int32]:
        """Return the accumulators of int8 codes: int32 (N, ..., O)."""

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the codes on out_grid: int8 (N, ...) to (N, *out_shape)."""
        return self.requantizer.requantize(self.accumulate(codes), self.out_grid)

    def accumulator_range(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the least and the largest accumulator each channel can reach.

        bias + sum of the smaller (larger) of w * (qmin - zero_point), w * (qmax - zero_point) (4.2)

        Returns two int64 arrays (O,).  The bias goes in first, so partial sums stay between them.
        """
        weight = self.weight.reshape(len(self.bias), -1).astype(np.int64)
        at_qmin = weight * (self.in_grid.qmin - self.in_grid.zero_point)
        at_qmax = weight * (self.in_grid.qmax - self.in_grid.zero_point)
        least = self.bias + np.minimum(at_qmin, at_qmax).sum(axis=1)
        return least, self.bias + np.maximum(at_qmin, at_qmax).sum(axis=1)

    def _check_accumulator(self) -> None:
        least, largest = self.accumulator_range()
        limits = np.iinfo(np.int32)
        if least.min() < limits.min or largest.max() > limits.max:
            raise ValueError(
                f"{type(self).__name__}: the accumulator must fit int32, but weight and bias can "
                f"drive it to {least.min()}..{largest.max()}"
            )

    @classmethod
    @checked
    def from_codes(
        cls,
        weight: NDArray[np.int8],
        bias: NDArray[np.int32] | None,
        weight_scale: NDArray[np.float32],
        in_grid: Grid,
        out_grid: Grid,
        rounding: Rounding = Rounding.DOUBLE,
        **window: Any,
    ) -> Self:
        """Build the layer from the numbers of a file, as a viewer of models shows them.

        weight: int8, output channel first; bias: int32 (O,), None for none; weight_scale: float32
        (O,) or (1,); in_grid, out_grid: from the scale and the zero_point of a tensor; window: what
        else the layer has, say stride.  The requantizer is derived from the scales by (5.10).
        Raises as the class does.

        >>> from tinyq.layers import QDense
        >>> fine, one = Grid(0.5, 0), Grid(1.0, 0)
        >>> dense = QDense.from_codes(np.int8([[2, -1]]), None, np.float32([0.5]), fine, one)
        >>> dense.forward(np.int8([[9, 2]])).tolist()                         # 0.25 * 16
        [[4]]
        """
        scales = in_grid.scale, weight_scale, out_grid.scale
        return cls(
            in_grid=in_grid,
            out_grid=out_grid,
            weight=weight,
            bias=np.zeros(weight.shape[:1], np.int32) if bias is None else bias,
            weight_scale=weight_scale,
            requantizer=Requantizer.from_scales(*scales, rounding),
            **window,
        )

    @classmethod
    def _parts_from_float(
        cls,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        in_grid: Grid,
        out_grid: Grid,
        per_channel: bool,
        rounding: Rounding,
        weight_bits: int,
    ) -> dict[str, Any]:
        """Return the constructor's arguments for float weights and bias."""
        whole(f"{cls.__name__}: weight_bits", weight_bits, *BITS)
        check_weight_shapes(cls.__name__, cls.weight_form, weights, bias, "weights")
        scales = weight_scales(
            without_the_smallest(weights, per_channel, weight_bits), per_channel, weight_bits
        )
        scales = widened_scales(scales, weights, bias, in_grid, out_grid, weight_bits)
        return {
            "in_grid": in_grid,
            "out_grid": out_grid,
            "weight": quantize_weights(weights, scales, weight_bits),
            "bias": quantize_bias(bias, in_grid.scale, scales),
            "weight_scale": scales,
            "requantizer": Requantizer.from_scales(in_grid.scale, scales, out_grid.scale, rounding),
        }


def check_weight_shapes(
    name: str,
    form: str,
    weight: NDArray[Any],
    bias: NDArray[Any],
    argument: str = "weight",
) -> None:
    """Raise ValueError unless weight has the form, no empty axis, and a bias a channel.

    form: "(O, KH, KW, I)" or "(out, in)"; weight, bias: arrays of any dtype; argument: the name of
    the weight in the message.
    """
    if np.ndim(weight) != form.count(",") + 1 or np.size(weight) == 0:
        raise ValueError(f"{name}: {argument} must have shape {form}, got {np.shape(weight)}")
    if np.shape(bias) != (len(weight),):
        raise ValueError(f"{name}: bias must have shape ({len(weight)},), got {np.shape(bias)}")
