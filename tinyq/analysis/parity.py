"""Parity: float logits against dequantized int8 logits, with a pass mark."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked, finite_float64, own_fields
from tinyq.network import Network, QNetwork

TOLERANCE = 0.40


@dataclass(frozen=True, eq=False)
class Parity:
    """How far int8 logits are from float ones.

    reference: float32 logits (N, classes); codes: int8 logits; dequantized: float32, the real
    numbers of codes; logit_range: width of the logits' calibrated float range; tolerance: the pass
    mark as a share of that width.
    """

    reference: NDArray[np.float32]
    codes: NDArray[np.int8]
    dequantized: NDArray[np.float32]
    logit_range: float
    tolerance: float

    def __post_init__(self) -> None:
        own_fields(self)
        shapes = {array.shape for array in (self.reference, self.codes, self.dequantized)}
        if len(shapes) > 1 or not self.reference.size:
            raise ValueError(f"reference, codes and dequantized must have one shape, got {shapes}")

    @property
    def error(self) -> NDArray[np.float32]:
        """|dequantized - reference|, (N, classes)."""
        return np.abs(self.dequantized - self.reference)

    @property
    def worst(self) -> float:
        """The largest error."""
        return float(self.error.max())

    @property
    def passed(self) -> bool:
        """Whether the worst error is at most tolerance * logit_range."""
        return self.worst <= self.tolerance * self.logit_range


@checked
def compare(
    net: Network, qnet: QNetwork, images: NDArray[np.float32], tolerance: float = TOLERANCE
) -> Parity:
    """Run both networks on images and return their parity.

    images: float32 (N, H, W, C), N >= 1; tolerance: share of the logit range, >= 0.
    Raises TypeError for what is no network, images or number, ValueError for no images or a
    negative or NaN tolerance.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance must be >= 0, got {tolerance}")
    if not len(images):
        raise ValueError(f"images must hold at least one, got shape {images.shape}")
    codes = qnet(images)
    seen = qnet.ranges[qnet.nodes[-1].name]
    return Parity(net(images), codes, qnet.dequantize(codes), seen.hi - seen.lo, tolerance)


def sqnr_db(reference: NDArray[Any], approximation: NDArray[Any]) -> float:
    """Return the signal to quantization noise ratio in dB.

    10 log10(sum reference**2 / sum (reference - approximation)**2)                         (10.1)

    reference, approximation: real numbers of one shape.  Returns infinity where both are equal,
    minus infinity where only the reference is all zeros.
    Raises TypeError for what is no array of numbers, ValueError for two shapes, NaN, infinity, or
    numbers whose squares float64 cannot hold.

    >>> round(sqnr_db(np.float32([3, 4]), np.float32([3, 4.05])), 2)
    40.0
    """
    reference = finite_float64("reference", reference)
    approximation = finite_float64("approximation", approximation)
    if reference.shape != approximation.shape:
        raise ValueError(
            "reference and approximation must have one shape, "
            f"got {reference.shape} and {approximation.shape}"
        )
    with np.errstate(divide="ignore", over="ignore"):  # log10(0) is minus infinity
        noise, signal = np.square(reference - approximation).sum(), np.square(reference).sum()
        if not np.isfinite([noise, signal]).all():
            raise ValueError("reference and approximation must have squares that float64 holds")
        return float(10 * np.log10(signal / noise)) if noise else float("inf")
