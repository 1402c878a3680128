"""Symmetric weight scales and int32 biases: the host's half of a layer with weights.

Weights take the codes -127..127 around zero_point 0, with 4 bits -7..7.  Code -128 stays unused,
so that ``-w`` is on the grid whenever ``w`` is, and a product with an int8 code needs one bit less.
"""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import FLOAT32_TINY, check_scale, round_half_away
from tinyq.checks import checked, whole

WEIGHT_MAX = 127
BITS = 2, 8
Real = TypeVar("Real", bound=np.floating)


@checked
def weight_max(bits: int) -> int:
    """Return the largest weight code of a number of bits, 2..8: ``2**(bits - 1) - 1``.

    Raises TypeError for bits that are no integer, ValueError outside 2..8.

    >>> weight_max(8), weight_max(4), weight_max(2)
    (127, 7, 1)
    """
    return 2 ** (whole("bits", bits, *BITS) - 1) - 1


@checked
def weight_scales(
    weights: NDArray[np.float32], per_channel: bool, bits: int = 8
) -> NDArray[np.float32]:
    """Return the symmetric scale of each output channel, or of the whole tensor.

    scale_c = max |w_c| / (2**(bits - 1) - 1) in float32; 1 where every weight is zero      (3.1)

    weights: finite float32, output channel first (OHWI, or (out, in)); bits: 2..8.
    Returns float32 of shape (O,) if per_channel, else (1,).  Raises TypeError for what is not
    float, ValueError for no weights, NaN, infinity, bits outside 2..8, or a largest weight so small
    that its scale would be no normal float32.
    Source: TFLite 8-bit specification, per-axis symmetric weights.

    >>> weight_scales(np.float32([[1.27, -0.5], [0.0, 0.0]]), per_channel=True).tolist()
    [0.009999999776482582, 1.0]
    """
    _check_channels(weights)
    rows = weights.reshape(len(weights) if per_channel else 1, -1)
    largest = np.abs(rows).max(axis=1)
    with np.errstate(under="ignore"):
        scales = largest / np.float32(weight_max(bits))
    lost = (scales < FLOAT32_TINY) & (largest > 0)
    if lost.any():
        least = largest[lost].min()
        raise ValueError(f"weights of at most {least} have no float32 scale: too small")
    return np.where(largest > 0, scales, np.float32(1))


def _check_channels(weights: NDArray[Any]) -> None:
    if not (weights.ndim and weights.size):
        raise ValueError(f"weights must have shape (O, ...) and no empty axis, got {weights.shape}")


@checked
def by_channel(factors: NDArray[Real], weights: NDArray[Any]) -> NDArray[Real]:
    """Return factors, one for each output channel or one for all, in a shape that meets weights.

    factors: floats (O,) or (1,); weights: (O, ...).  Returns (O, 1, ...) or (1, 1, ...), of the
    same dtype, to multiply or divide weights by.  Raises ValueError for other shapes.

    >>> by_channel(np.float64([2, 3]), np.ones((2, 3, 3, 1))).shape
    (2, 1, 1, 1)
    """
    _check_channels(weights)
    if factors.shape not in ((1,), weights.shape[:1]):
        raise ValueError(
            f"factors must have shape (1,) or ({len(weights)},), one a channel of weights, "
            f"got {factors.shape}"
        )
    return factors.reshape(-1, *[1] * (weights.ndim - 1))


@checked
def quantize_weights(
    weights: NDArray[np.float32], scales: NDArray[np.float32], bits: int = 8
) -> NDArray[np.int8]:
    """Return the int8 codes of weights on their symmetric grids.

    q = clamp(round(w / scale_c), -qmax, qmax), the quotient in float64,
    qmax = 2**(bits - 1) - 1                                                               (3.2)

    weights: float32, output channel first; scales: float32 above 0, (O,) or (1,); bits: 2..8.
    Returns int8 of the shape of weights.  Raises TypeError for what is not float, ValueError for
    NaN, infinity, other shapes, a scale that is not above 0, or bits outside 2..8.

    >>> quantize_weights(np.float32([[1.27, -0.5]]), np.float32([0.01])).tolist()
    [[127, -50]]
    """
    _check_channels(weights)
    _check_scales(scales, len(weights))
    wide = by_channel(scales.astype(np.float64), weights)
    codes = round_half_away(weights.astype(np.float64) / wide)
    return np.clip(codes, -weight_max(bits), weight_max(bits)).astype(np.int8)


@checked
def quantize_bias(
    bias: NDArray[np.float32], in_scale: float, scales: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Return biases as int32 on the accumulator's own grid.

    b = round(bias / (in_scale * scale_c)), in float64                                     (4.3)

    bias: float32 (O,); in_scale: scale of the layer's input; scales: weight scales above 0, (O,)
    or (1,).  Returns int32 (O,).
    Raises TypeError for what is not float, ValueError for NaN, infinity, other shapes, a scale that
    no grid or weight has, or a bias that int32 cannot hold.
    Source: TFLite 8-bit specification, bias_scale = input_scale * weight_scale.

    >>> quantize_bias(np.float32([0.5, -1.0]), 0.1, np.float32([0.01])).tolist()
    [500, -1000]
    """
    if bias.ndim != 1:
        raise ValueError(f"bias must have shape (O,), got {bias.shape}")
    check_scale("in_scale", in_scale)
    _check_scales(scales, len(bias))
    codes = round_half_away(bias.astype(np.float64) / (in_scale * scales.astype(np.float64)))
    if codes.size and np.abs(codes).max() > np.iinfo(np.int32).max:
        worst = int(np.abs(codes).argmax())
        raise ValueError(
            f"bias[{worst}] = {bias[worst]} needs code {codes[worst]:.0f} at scale "
            f"in_scale * weight scale: it must fit int32"
        )
    return codes.astype(np.int32)


def _check_scales(scales: NDArray[np.float32], channels: int) -> None:
    if scales.shape not in ((1,), (channels,)):
        raise ValueError(
            f"scales must have shape (1,) or ({channels},), one a channel, got {scales.shape}"
        )
    if not (scales > 0).all():
        raise ValueError(f"scales must be above 0, got {scales.min()}")
