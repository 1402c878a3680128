"""Put the mean error of rounded weights into the bias."""

from numpy.typing import ArrayLike

from tinyq.methods.fold.checks import Array, channels, finite, in_float64


def correct_bias(
    bias: ArrayLike, weights: ArrayLike, dequantized: ArrayLike, mean_input: ArrayLike
) -> Array:
    """Return the bias that takes back what the rounding of the weights adds on average.

    b'_c = b_c - sum over k of (w^_ck - w_ck) mean(x_k)                           equation (9.6)

    The rounded weights w^ change an output by sum of (w^ - w) x; its mean over the images is the
    sum above, a constant, so the bias can hold it.  Then the mean output is that of the float
    weights, while single outputs scatter about it as far as before.

    bias: (O,); weights: float (O, ...); dequantized: scale times code, of the shape of weights;
    mean_input: mean of what each weight is multiplied by, weights.shape[1:], or (I,) for all taps.
    Returns float64 (O,).  Raises ValueError for shapes that do not fit, NaN or infinity.
    Source: Nagel et al. 2019, section 4.2.

    >>> correct_bias([1.0], weights=[[0.3]], dequantized=[[0.5]], mean_input=[2.0]).tolist()
    [0.6]
    """
    bias, weights = finite("bias", bias), finite("weights", weights)
    dequantized, mean_input = finite("dequantized", dequantized), finite("mean_input", mean_input)
    if bias.shape != (channels("weights", weights),) or dequantized.shape != weights.shape:
        raise ValueError(
            f"weights {weights.shape}, dequantized {dequantized.shape} and bias {bias.shape} "
            "must be (O, ...), (O, ...) and (O,)"
        )
    if mean_input.shape not in (weights.shape[1:], weights.shape[-1:]):
        raise ValueError(
            f"mean_input must have shape {weights.shape[1:]} or {weights.shape[-1:]}, "
            f"got {mean_input.shape}"
        )
    with in_float64():
        shift = (dequantized - weights) * mean_input
        return bias - shift.reshape(len(bias), -1).sum(axis=1)
