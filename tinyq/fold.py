"""Change a float network's weights and keep its function: folding, equalization, bias correction.

All run on the host in float64, before a network is quantized.  Weights have the output channel
first: OHWI for a convolution, (out, in) for a dense layer.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def batch_norm(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, mean: ArrayLike, var: ArrayLike, eps: float
) -> Array:
    """Return the batch norm of inference: each channel shifted and scaled by constants.

    y_c = gamma_c (x_c - mean_c) / sqrt(var_c + eps) + beta_c                     equation (9.1)

    x: real numbers (..., C); gamma, beta, mean, var: (C,), var >= 0; eps: > 0.
    Returns float64 of the shape of x.  Raises ValueError for another shape, NaN or infinity, a
    negative var, an eps that is not > 0.  Source: Ioffe and Szegedy 2015, algorithm 2.

    >>> batch_norm([[3.0]], gamma=[2.0], beta=[0.5], mean=[1.0], var=[3.0], eps=1.0).tolist()
    [[2.5]]
    """
    x = _finite("x", x)
    gamma, beta, mean, sigma = _norm_constants(gamma, beta, mean, var, eps)
    if x.shape[-1:] != gamma.shape:
        raise ValueError(f"x must have shape (..., {len(gamma)}), got {x.shape}")
    return gamma * (x - mean) / sigma + beta


def fold_batch_norm(
    weights: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    mean: ArrayLike,
    var: ArrayLike,
    eps: float,
) -> tuple[Array, Array]:
    """Return the weights and bias of the one layer that does a convolution and its batch norm.

    w'_c = w_c gamma_c / sqrt(var_c + eps)                                        equation (9.2)
    b'_c = beta_c - mean_c gamma_c / sqrt(var_c + eps)                            equation (9.3)

    Put a convolution without bias, x_c = sum of w_c v, into equation (9.1).  The factor
    gamma_c / sqrt(var_c + eps) is the same for each term of the sum, so it can move to the weights;
    what is left beside the sum is b'_c.

    weights: (O, ...), of the layer without a bias; gamma, beta, mean, var: (O,), var >= 0; eps > 0.
    Returns float64 weights of the same shape and float64 bias (O,).
    Raises ValueError for another shape, NaN or infinity, a negative var, an eps that is not > 0.
    Source: Jacob et al. 2018, section 3.2.

    >>> w, b = fold_batch_norm([[4.0]], gamma=[2.0], beta=[0.5], mean=[1.0], var=[3.0], eps=1.0)
    >>> w.tolist(), b.tolist()
    ([[4.0]], [-0.5])
    """
    weights = _finite("weights", weights)
    gamma, beta, mean, sigma = _norm_constants(gamma, beta, mean, var, eps)
    if weights.shape[:1] != gamma.shape:
        raise ValueError(f"gamma must have shape ({len(weights)},), got {gamma.shape}")
    factor = gamma / sigma
    return weights * _rows(factor, weights), beta - mean * factor


def rescale(
    first: ArrayLike, bias: ArrayLike, second: ArrayLike, factors: ArrayLike
) -> tuple[Array, Array, Array]:
    """Multiply each channel between two layers by a factor, and divide it out in the second one.

    w1'_c = f_c w1_c,   b1'_c = f_c b1_c,   w2'_c = w2_c / f_c                    equation (9.4)

    w1_c makes channel c and w2_c reads it.  What stands between must let a positive factor
    through, as a ReLU does: relu(f x) = f relu(x).  So do a pad with zeros and both pools.

    first: (C, ...); bias: (C,); second: (O, ..., C); factors: (C,), finite and > 0.
    Returns float64 first, bias and second.  Where the factors are powers of two, a float32 network
    gives the same bits as before, underflow and overflow aside.
    Raises ValueError for shapes that do not fit, NaN, infinity, a factor that is not > 0.
    Source: Nagel et al. 2019, section 4.1, with f = 1 / s.

    >>> [part.tolist() for part in rescale([[8.0]], [2.0], [[3.0]], factors=[0.5])]
    [[[4.0]], [1.0], [[6.0]]]
    """
    first, bias, second = _pair(first, bias, second)
    factors = _finite("factors", factors)
    if factors.shape != bias.shape or (factors <= 0).any():
        raise ValueError(f"factors must be {len(bias)} numbers > 0, got {factors.tolist()}")
    return first * _rows(factors, first), bias * factors, second / factors


def equalize(first: ArrayLike, bias: ArrayLike, second: ArrayLike) -> tuple[Array, Array, Array]:
    """Rescale the channels between two layers so that each has the same range in both.

    f_c = sqrt(r2_c / r1_c)   with r1_c = max |w1_c|, r2_c = max |w2_c|           equation (9.5)

    Then f_c r1_c = r2_c / f_c = sqrt(r1_c r2_c): what a channel has too much of in one tensor and
    too little in the other is shared.  Factors of an earlier rescale cancel.  A channel whose
    weights are all zero in one of the two keeps its scale.

    first: (C, ...); bias: (C,); second: (O, ..., C).  Returns and raises as rescale does.
    Source: Nagel et al. 2019, section 4.1: cross-layer equalization.

    >>> [part.tolist() for part in equalize([[8.0]], [2.0], [[0.5]])]
    [[[2.0]], [0.5], [[2.0]]]
    """
    first, bias, second = _pair(first, bias, second)
    made = np.abs(first).reshape(len(first), -1).max(axis=1)
    read = np.abs(second).reshape(-1, len(first)).max(axis=0)
    used = (made > 0) & (read > 0)
    factors = np.sqrt(np.divide(read, made, out=np.ones_like(made), where=used))
    return rescale(first, bias, second, factors)


def correct_bias(
    bias: ArrayLike, weights: ArrayLike, dequantized: ArrayLike, mean_input: ArrayLike
) -> Array:
    """Return the bias that takes back what the rounding of the weights adds on the average.

    b'_c = b_c - sum over k of (w^_ck - w_ck) mean(x_k)                           equation (9.6)

    The rounded weights w^ change an output by sum of (w^ - w) x; its mean over the images is the
    sum above, a constant, so the bias can hold it.  Then the mean output is that of the float
    weights; how far single outputs scatter about it is left as it was.

    bias: (O,); weights: float (O, ...); dequantized: scale times code, of the shape of weights;
    mean_input: mean of what each weight is multiplied by, weights.shape[1:], or (I,) for all taps.
    Returns float64 (O,).  Raises ValueError for shapes that do not fit, NaN or infinity.
    Source: Nagel et al. 2019, section 4.2.

    >>> correct_bias([1.0], weights=[[0.3]], dequantized=[[0.5]], mean_input=[2.0]).tolist()
    [0.6]
    """
    bias, weights = _finite("bias", bias), _finite("weights", weights)
    dequantized, mean_input = _finite("dequantized", dequantized), _finite("mean_input", mean_input)
    if bias.shape != weights.shape[:1] or dequantized.shape != weights.shape:
        raise ValueError(
            f"weights {weights.shape}, dequantized {dequantized.shape} and bias {bias.shape} "
            "must be (O, ...), (O, ...) and (O,)"
        )
    if mean_input.shape not in (weights.shape[1:], weights.shape[-1:]):
        raise ValueError(
            f"mean_input must have shape {weights.shape[1:]} or {weights.shape[-1:]}, "
            f"got {mean_input.shape}"
        )
    shift = (dequantized - weights) * mean_input
    return bias - shift.reshape(len(bias), -1).sum(axis=1)


def _norm_constants(gamma, beta, mean, var, eps: float) -> tuple[Array, Array, Array, Array]:
    """Return gamma, beta, mean and sqrt(var + eps) in float64, or raise ValueError."""
    names = ("gamma", "beta", "mean", "var")
    gamma, beta, mean, var = map(_finite, names, (gamma, beta, mean, var))
    for name, array in zip(names, (gamma, beta, mean, var), strict=True):
        if array.ndim != 1 or array.shape != gamma.shape:
            raise ValueError(f"{name} must have shape (C,), one for each gamma, got {array.shape}")
    if (var < 0).any():
        raise ValueError(f"var must be >= 0, got {var.min()}")
    if not 0 < eps < np.inf:
        raise ValueError(f"eps must be finite and > 0, got {eps}")
    return gamma, beta, mean, np.sqrt(var + eps)


def _pair(first, bias, second) -> tuple[Array, Array, Array]:
    """Return two layers' weights and the first one's bias in float64, or raise ValueError."""
    first, bias, second = _finite("first", first), _finite("bias", bias), _finite("second", second)
    if first.ndim < 2 or bias.shape != first.shape[:1]:
        raise ValueError(
            f"first must be (C, ...) and bias (C,), got shapes {first.shape} and {bias.shape}"
        )
    if second.ndim < 2 or second.shape[-1] != len(first):
        raise ValueError(f"second must be (O, ..., {len(first)}), got shape {second.shape}")
    return first, bias, second


def _finite(name: str, values: ArrayLike) -> Array:
    array = np.asarray(values, np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    return array


def _rows(factors: Array, weights: Array) -> Array:
    """Return factors (O,) in a shape that multiplies weights (O, ...) by output channel."""
    return factors.reshape(-1, *[1] * (weights.ndim - 1))
