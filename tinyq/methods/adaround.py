"""AdaRound: choose for each weight whether it rounds up or down, so that the outputs err least.

Rounding to nearest makes the error of each weight small.  What counts, however, is the error of
their sum of products, in which errors of neighbouring weights can cancel.

    error_o = mean over n of (sum over k of (w^_ok - w_ok) x_nk)**2 = d_o G d_o           (12.4)

with d_o = w^_o - w_o and G_jk = mean of x_nj x_nk.  G is all that the error needs to know of the
inputs, however many there are, and each output channel is a problem of its own.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyq.affine import round_half_away
from tinyq.checks import checked, in_float, whole
from tinyq.floatref import Weighted
from tinyq.layers.linear import Linear
from tinyq.methods.adam import Adam
from tinyq.methods.correction import corrected
from tinyq.methods.fold.checks import Array, finite
from tinyq.methods.in_order import change_in_order, input_steps
from tinyq.network import Network, QNetwork
from tinyq.weights import by_channel, weight_max

# A sigmoid only tends to 0 and 1.  Stretched to -0.1..1.1 and clipped, as in the paper, it reaches
# them.
GAMMA, ZETA = -0.1, 1.1
STEPS = 1000
RATE = 0.02
STRENGTH = 0.2  # of the push towards 0 and 1
WARM = 0.2  # share of the steps before the push, for the error alone to choose a side
# beta of the push: 20 pushes only what is near 0 or 1 already, 2 everything but the middle
POWERS = range(20, 0, -2)


@in_float("weights, scales and inputs")
def adaround(
    weights: ArrayLike, scales: ArrayLike, inputs: ArrayLike, weight_bits: int = 8
) -> NDArray[np.int8]:
    """Return weight codes, each rounded up or down, whose outputs err no more than the nearest do.

    h(v) = clip(1.2 / (1 + exp(-v)) - 0.1, 0, 1)                                          (12.5)
    minimise over v:  d G d + strength * sum(1 - |2 h(v) - 1|**beta),  d = floor(w) + h(v) - w

    in units of the scale, G divided by its mean diagonal.  h says how far a weight is rounded up.
    It starts at the fraction of w, so that d starts at zero; the second term drives it to 0 or 1
    while beta falls from 20 to 2.  A row whose error (12.4) ends no smaller than that of its
    nearest codes gets the nearest codes.

    weights: finite, output channel first, (O, ...); scales: (O,) or (1,), as weight_scales gives;
    inputs: what the weights are multiplied by, (N, K), K = weights[0].size, N >= 1, in any unit;
    integers, whose G is exact in float64, give the same codes on every machine.
    weight_bits: 2..8.  Returns int8 of the shape of weights, in -(2**(b-1)-1)..2**(b-1)-1.
    Raises TypeError for what are no real numbers; ValueError for shapes that do not fit, no
    weights, NaN, infinity, a scale that is not > 0, numbers whose errors float64 does not hold.
    Source: Nagel et al. 2020, "Up or Down?", equations 21 to 24.

    >>> inputs = [[1, 1], [2, 2]]                         # two equal inputs: only the sum counts
    >>> adaround([[0.45, 0.4]], [1.0], inputs).tolist()   # the nearest codes, 0 and 0, lose 0.85
    [[1, 0]]
    """
    most = weight_max(whole("weight_bits", weight_bits, 2, 8))
    weights, scales = finite("weights", weights), finite("scales", scales)
    inputs = finite("inputs", inputs)
    _check_shapes(weights, scales, inputs)
    exact = (weights / by_channel(scales, weights)).reshape(len(weights), -1)
    # equal where rounding up would pass the last code: such a weight has no choice, and no slope
    low, high = (np.clip(np.floor(exact) + up, -most, most) for up in (0, 1))
    gram = inputs.T @ inputs / len(inputs)
    relaxed = np.where(_relax(exact, low, high, gram) > 0.5, high, low)
    nearest = np.clip(round_half_away(exact), -most, most)
    better = errors(relaxed - exact, gram) < errors(nearest - exact, gram)
    codes = np.where(better[:, None], relaxed, nearest)
    return codes.reshape(weights.shape).astype(np.int8)


@checked
@in_float("deltas and gram")
def errors(deltas: Array, gram: Array) -> Array:
    """Return d G d of each row d, equation (12.4): deltas (O, K) and gram G (K, K) to (O,).

    Raises TypeError for arrays that are not float, ValueError for other shapes, NaN or infinity.
    """
    if deltas.ndim != 2 or gram.shape != deltas.shape[1:] * 2:
        raise ValueError(
            f"deltas must be (O, K) and gram (K, K), got {deltas.shape} and {gram.shape}"
        )
    return (_times(deltas, gram) * deltas).sum(axis=1)


def round_up_or_down(net: Network, qnet: QNetwork, images: NDArray[np.float32]) -> QNetwork:
    """Return qnet with AdaRound's weight codes and then corrected biases, layer by layer.

    Each layer works on the codes that the changed layers before it make; see change_in_order.

    net: the float network that qnet was quantized from; images: float32 (N, H, W, C), N >= 1.
    Raises as change_in_order and correct_biases do.
    """
    return change_in_order(net, qnet, images, _rounded)


def _rounded(layer: Linear, original: Weighted, codes: NDArray[np.int8]) -> Linear:
    steps = input_steps(layer, codes)
    weight = adaround(original.weights, layer.weight_scale, steps, bits_of(layer))
    return corrected(replace(layer, weight=weight), original, codes)


def bits_of(layer: Linear) -> int:
    """Return how many bits the weight codes of a layer take, 2..8.

    A layer does not keep this number, but its scale, equation (3.1), puts the largest weight on the
    last code, 2**(b-1)-1.
    """
    return max(2, int(np.abs(layer.weight).max()).bit_length() + 1)


def _relax(exact: Array, low: Array, high: Array, gram: Array) -> Array:
    """Return h (O, K), near 0 or 1, by Adam's gradient descent on equation (12.5)."""
    # With a mean diagonal of 1, one RATE and one STRENGTH serve every layer and unit of the inputs;
    # tiny keeps inputs that are all zero from dividing by zero.
    gram = gram / max(np.trace(gram) / len(gram), np.finfo(np.float64).tiny)
    # (12.5) solved for v, where h is the fraction.  At 0 and 1 the clip has slope 0, and such a
    # weight would never move: it starts a little inside.
    start = np.clip(exact - low, 0.01, 0.99)
    v = -np.log((ZETA - GAMMA) / (start - GAMMA) - 1)
    adam = Adam([v], RATE)
    for step in range(STEPS):
        sigmoid = _rounded_off(1 / (1 + np.exp(-v)))
        stretched = sigmoid * (ZETA - GAMMA) + GAMMA
        h = np.clip(stretched, 0, 1)
        # by h: d G d has the slope 2 d G, and d moves by high - low while h goes from 0 to 1
        slope = 2 * _times(low + h * (high - low) - exact, gram) * (high - low)
        if step >= WARM * STEPS:
            slope -= STRENGTH * _push(h, (step / STEPS - WARM) / (1 - WARM))
        # by v: through the clip, the stretch and the sigmoid, whose slope is s (1 - s)
        inside = (stretched > 0) & (stretched < 1)
        adam.step([slope * inside * (ZETA - GAMMA) * sigmoid * (1 - sigmoid)])
    return h


def _push(h: Array, progress: float) -> Array:
    """Return -d/dh of sum(1 - |2 h - 1|**beta) for an even beta: 2 beta (2 h - 1)**(beta - 1).

    With products alone, because pow differs by an ulp between machines.
    """
    beta = POWERS[int(progress * len(POWERS))]
    x = 2 * h - 1
    square, power = x * x, x
    for _ in range(beta // 2 - 1):  # from x**1 to x**(beta - 1)
        power = power * square
    return 2 * beta * power


def _times(deltas: Array, gram: Array) -> Array:
    """Return deltas @ gram, (O, K), summed in a fixed order; a BLAS would choose its own."""
    return np.stack([(row[:, None] * gram).sum(axis=0) for row in deltas])


def _rounded_off(x: Array) -> Array:
    """Return x to float32 precision: float64's exp differs by an ulp between machines."""
    return x.astype(np.float32).astype(np.float64)


def _check_shapes(weights: Array, scales: Array, inputs: Array) -> None:
    if weights.ndim < 2 or not weights.size or scales.shape not in ((1,), (len(weights),)):
        raise ValueError(
            f"weights must be (O, ...) and scales (O,) or (1,), got {weights.shape}, {scales.shape}"
        )
    if (scales <= 0).any():
        raise ValueError(f"scales must be > 0, got {scales.min()}")
    if inputs.ndim != 2 or not len(inputs) or inputs.shape[1] != weights[0].size:
        raise ValueError(f"inputs must be (N, {weights[0].size}), N >= 1, got {inputs.shape}")
