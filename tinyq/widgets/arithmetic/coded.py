"""Float weights on the grids of a whole tensor or of each channel."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.weights import quantize_weights, weight_max, weight_scales


class Coded(NamedTuple):
    """Quantized weights: a Grid a channel; int8 codes and float32 numbers of the weights' shape."""

    grids: list[Grid]
    codes: NDArray[np.int8]
    back: NDArray[np.float32]


def coded(weights: NDArray[np.float32], per_channel: bool, symmetric: bool, bits: int) -> Coded:
    """Return weights on symmetric grids, equation (3.2), or on those of their ranges, (1.3).

    weights: float32, output channel first; one grid a channel if per_channel, else one for all.

    >>> coded(np.float32([[1, -2], [0.5, 0]]), True, False, 4).codes.tolist()
    [[7, -8], [7, -8]]
    """
    if symmetric:
        scales = weight_scales(weights, per_channel, bits)
        most = weight_max(bits)
        grids = [Grid(float(scale), 0, -most, most) for scale in scales]
        codes = quantize_weights(weights, scales, bits)
    else:
        half = 2 ** (bits - 1)
        sets = weights if per_channel else weights[None]
        grids = [Grid.from_range(float(w.min()), float(w.max()), -half, half - 1) for w in sets]
        parts = [grid.quantize(w) for grid, w in zip(grids, sets, strict=True)]
        codes = np.stack(parts).reshape(weights.shape)
    grids = grids if per_channel else grids * len(weights)
    back = [grid.dequantize(q) for grid, q in zip(grids, codes, strict=True)]
    return Coded(grids, codes, np.stack(back))
