"""Move scale from one layer to the next, which a ReLU between them allows."""

import numpy as np
from numpy.typing import ArrayLike

from tinyq.methods.fold.checks import Array, channels, finite, in_float64
from tinyq.weights import by_channel


def rescale(
    first: ArrayLike, bias: ArrayLike, second: ArrayLike, factors: ArrayLike
) -> tuple[Array, Array, Array]:
    """Multiply each channel between two layers by a factor, and divide it out in the second one.

    w1'_c = f_c w1_c,   b1'_c = f_c b1_c,   w2'_c = w2_c / f_c                    equation (9.4)

    w1_c makes channel c and w2_c reads it.  The layers between the two must let a positive factor
    through, as a ReLU does: relu(f x) = f relu(x).  A pad with zeros and both pools do so too.

    first: (C, ...); bias: (C,); second: (O, ..., C); factors: (C,), finite and > 0.
    Returns float64 first, bias and second.  Where the factors are powers of two, a float32 network
    gives the same bits as before, unless a number underflows or overflows.
    Raises ValueError for shapes that do not fit, NaN, infinity, a factor that is not > 0.
    Source: Nagel et al. 2019, section 4.1, with f = 1 / s.

    >>> [part.tolist() for part in rescale([[8.0]], [2.0], [[3.0]], factors=[0.5])]
    [[[4.0]], [1.0], [[6.0]]]
    """
    first, bias, second = _pair(first, bias, second)
    factors = finite("factors", factors)
    if factors.shape != bias.shape or (factors <= 0).any():
        raise ValueError(f"factors must be {len(bias)} numbers > 0, got {factors.tolist()}")
    with in_float64():
        return first * by_channel(factors, first), bias * factors, second / factors


def equalize(first: ArrayLike, bias: ArrayLike, second: ArrayLike) -> tuple[Array, Array, Array]:
    """Rescale the channels between two layers so that each has the same range in both.

    f_c = sqrt(r2_c / r1_c)   with r1_c = max |w1_c|, r2_c = max |w2_c|           equation (9.5)

    Then f_c r1_c = r2_c / f_c = sqrt(r1_c r2_c): both tensors share what one of them had too much
    of and the other too little.  Factors of an earlier rescale cancel.  A channel whose weights are
    all zero in one of the two keeps its scale.

    first: (C, ...); bias: (C,); second: (O, ..., C).  Returns and raises as rescale does.
    Source: Nagel et al. 2019, section 4.1: cross-layer equalization.

    >>> [part.tolist() for part in equalize([[8.0]], [2.0], [[0.5]])]
    [[[2.0]], [0.5], [[2.0]]]
    """
    first, bias, second = _pair(first, bias, second)
    made = np.abs(first).reshape(len(first), -1).max(axis=1)
    read = np.abs(second).reshape(-1, len(first)).max(axis=0)
    used = (made > 0) & (read > 0)
    with in_float64():
        factors = np.sqrt(np.divide(read, made, out=np.ones_like(made), where=used))
    return rescale(first, bias, second, factors)


def _pair(first: ArrayLike, bias: ArrayLike, second: ArrayLike) -> tuple[Array, Array, Array]:
    """Return two layers' weights and the first one's bias in float64, or raise ValueError."""
    first, bias, second = finite("first", first), finite("bias", bias), finite("second", second)
    channels("first", first, least=2)
    channels("second", second, least=2)
    if bias.shape != first.shape[:1]:
        raise ValueError(
            f"first must be (C, ...) and bias (C,), got shapes {first.shape} and {bias.shape}"
        )
    if second.shape[-1] != len(first):
        raise ValueError(f"second must be (O, ..., {len(first)}), got shape {second.shape}")
    return first, bias, second
