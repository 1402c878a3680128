"""Bias correction of a whole int8 network: equation (9.6), layer by layer."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.floatref import Weighted
from tinyq.layers.linear import Linear
from tinyq.methods.fold import correct_bias
from tinyq.methods.in_order import change_in_order, input_steps
from tinyq.network import Network, QNetwork
from tinyq.weights import by_channel, quantize_bias


@checked
def correct_biases(net: Network, qnet: QNetwork, images: NDArray[np.float32]) -> QNetwork:
    """Return qnet with biases that take back the mean error of its rounded weights.

    Equation (9.6) for each layer with weights, in running order.  The mean input is that of the
    codes that reach the layer from the corrected layers before it.  Weights and grids stay, so an
    image takes as long as before.

    net: the float network that qnet was quantized from; images: float32 (N, H, W, C), N >= 1.
    The network that comes back shares nothing with qnet that could change.
    Raises as change_in_order does, and ValueError for a bias that int32 cannot hold.
    Source: Nagel et al. 2019, section 4.2 and appendix D (empirical bias correction).

    >>> from tinyq import digits
    >>> d = digits.load()
    >>> images = d.images[d.calibration[:20]]
    >>> qnet = d.net.quantize(images)
    >>> better = correct_biases(d.net, qnet, images)
    >>> (better.nodes[1].layer.bias - qnet.nodes[1].layer.bias).tolist()
    [236, -283, 178, -221, -171, -189, -51, 62]
    """
    return change_in_order(net, qnet, images, corrected)


def corrected(layer: Linear, original: Weighted, codes: NDArray[np.int8]) -> Linear:
    """Return one int8 layer with the bias of equation (9.6).

    original: the float layer that it was made from; codes: int8, what it reads.
    """
    steps = input_steps(layer, codes)
    # An integer sum: the mean does not depend on the order of the images.
    mean = layer.in_grid.scale * (steps.sum(axis=0, dtype=np.int64) / len(steps))
    bias = correct_bias(
        original.bias, original.weights, real_weights(layer), mean.reshape(layer.weight.shape[1:])
    )
    codes_of_bias = quantize_bias(bias.astype(np.float32), layer.in_grid.scale, layer.weight_scale)
    return replace(layer, bias=codes_of_bias)


def real_weights(layer: Linear) -> NDArray[np.float64]:
    """Return the numbers that a layer's weight codes stand for: scale times code, float64."""
    return layer.weight * by_channel(layer.weight_scale.astype(np.float64), layer.weight)
