"""Batch norm, and the convolution that swallows it."""

import numpy as np
from numpy.typing import ArrayLike

from tinyq.checks import real
from tinyq.methods.fold.checks import Array, channels, finite, in_float64
from tinyq.weights import by_channel


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
    x = finite("x", x)
    gamma, beta, mean, sigma = _norm_constants(gamma, beta, mean, var, eps)
    if x.shape[-1:] != gamma.shape:
        raise ValueError(f"x must have shape (..., {len(gamma)}), got {x.shape}")
    with in_float64():
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

    weights: (O, ...), of a layer without bias; gamma, beta, mean, var: (O,), var >= 0; eps > 0.
    Returns float64 weights of the same shape and float64 bias (O,).
    Raises ValueError for another shape, NaN or infinity, a negative var, an eps that is not > 0.
    Source: Jacob et al. 2018, section 3.2.

    >>> w, b = fold_batch_norm([[4.0]], gamma=[2.0], beta=[0.5], mean=[1.0], var=[3.0], eps=1.0)
    >>> w.tolist(), b.tolist()
    ([[4.0]], [-0.5])
    """
    weights = finite("weights", weights)
    gamma, beta, mean, sigma = _norm_constants(gamma, beta, mean, var, eps)
    if gamma.shape != (channels("weights", weights),):
        raise ValueError(f"gamma must have shape ({len(weights)},), got {gamma.shape}")
    with in_float64():
        factor = gamma / sigma
        return weights * by_channel(factor, weights), beta - mean * factor


def _norm_constants(
    gamma: ArrayLike, beta: ArrayLike, mean: ArrayLike, var: ArrayLike, eps: float
) -> tuple[Array, Array, Array, Array]:
    """Return gamma, beta, mean and sqrt(var + eps) in float64, or raise ValueError."""
    given = {"gamma": gamma, "beta": beta, "mean": mean, "var": var}
    arrays = {name: finite(name, values) for name, values in given.items()}
    for name, array in arrays.items():
        if array.ndim != 1 or array.shape != arrays["gamma"].shape:
            raise ValueError(f"{name} must have shape (C,), one for each gamma, got {array.shape}")
    variances = arrays.pop("var")
    if (variances < 0).any():
        raise ValueError(f"var must be >= 0, got {variances.min()}")
    if not real("eps", eps) > 0:
        raise ValueError(f"eps must be finite and > 0, got {eps}")
    with in_float64():
        return arrays["gamma"], arrays["beta"], arrays["mean"], np.sqrt(variances + eps)
