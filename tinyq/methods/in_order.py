"""Change the layers of an int8 network one after the other, each on the codes that reach it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked
from tinyq.layers import QConv2D, QConv2DPerChannel, QDense
from tinyq.layers.checks import output_size, taps
from tinyq.layers.contract import lookup
from tinyq.layers.images import check_images
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.network import Network, QNetwork

# (int8 layer, its float original, codes that it reads) -> int8 layer
Change = Callable[[Linear, Any, NDArray[np.int8]], Linear]


@checked
def change_in_order(
    net: Network, qnet: QNetwork, images: NDArray[np.float32], change: Change
) -> QNetwork:
    """Return qnet with each layer that has weights replaced by change(layer, original, codes).

    The codes are those of images after every layer before has been changed: a layer can make up
    for what is left of its predecessors' errors.

    net: the network that qnet was quantized from; images: float32 (N, H, W, C), N >= 1.
    Raises TypeError for a wrong type, ValueError for another network, no images, a wrong shape, NaN
    or infinity.
    """
    names, wanted = ([node.name for node in n.nodes] for n in (net, qnet))
    if names != wanted:
        raise ValueError(f"net must be what qnet was quantized from: got {names}, need {wanted}")
    images = check_images(images, qnet.image_shape)
    if not len(images):
        raise ValueError(f"images must hold at least one, got shape {images.shape}")
    tensors, nodes = {INPUT: qnet.grids[INPUT].quantize(images)}, []
    for node, original in zip(qnet.nodes, net.nodes, strict=True):
        inputs, layer = [tensors[name] for name in node.inputs], node.layer
        with naming_layer(node.name):
            if isinstance(layer, Linear):
                layer = change(layer, original.layer, inputs[0])
                if not isinstance(layer, Linear):
                    raise TypeError(f"change must return a layer with weights, got {layer!r}")
            tensors[node.name] = layer.forward(*inputs)
        nodes.append(replace(node, layer=layer))
    return replace(qnet, nodes=tuple(nodes))


def input_steps(layer: Linear, codes: NDArray[np.int8]) -> NDArray[np.int32]:
    """Return what each output's weights are multiplied by, in steps of the input grid.

    x - zero_point for a row of a dense layer, or for a window of a convolution.

    codes: int8 (N, ..., I) or (N, H, W, I), as layer.forward takes them.
    Returns int32 (M, K), K = weights an output channel; M = N, or N * OH * OW windows.
    Raises TypeError for a layer that is none of these.
    """
    steps = codes.astype(np.int32) - np.int32(layer.in_grid.zero_point)
    return lookup(COLUMNS, layer, "tinyq.methods")(layer, steps)


def _rows(layer: QDense, steps: NDArray[np.int32]) -> NDArray[np.int32]:
    return steps.reshape(-1, layer.weight.shape[1])


def _windows(layer: QConv2D, steps: NDArray[np.int32]) -> NDArray[np.int32]:
    kernel = layer.weight.shape[1:3]
    out = output_size(layer, steps.shape, kernel, layer.stride, layer.dilation)
    windows = [tap for _, _, tap in taps(steps, kernel, layer.stride, out, layer.dilation)]
    return np.stack(windows, axis=3).reshape(-1, layer.weight[0].size)


# What each layer with weights multiplies them by.
COLUMNS: dict[type, Callable[..., NDArray[np.int32]]] = {
    QConv2D: _windows,
    QConv2DPerChannel: _windows,
    QDense: _rows,
}
