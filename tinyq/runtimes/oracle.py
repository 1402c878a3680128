"""Run a tinyq layer, or a whole network, through the loop nests of `tinyq.loops`.

Weights, biases and scales are the layer's own; multipliers and all that follows are the oracle's.
"""

from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from tinyq import loops
from tinyq.layers import QAdd, QAvgPool2D, QDense, QGlobalAvgPool2D, QMaxPool2D, QPad2D
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT
from tinyq.layers.passthrough import QClamp
from tinyq.network import QNetwork


def forward(layer: object, *codes: Sequence) -> list:
    """Return the codes of one image, or of one row, by the layer's loop nest.

    layer: any of tinyq.layers, taken to round by DOUBLE; codes: its inputs without the batch axis,
    (H, W, C) or (C,) integers.  Returns nested lists of ints.
    Raises TypeError for another layer, and what the loop nest raises.

    >>> from tinyq import Grid, layers
    >>> forward(layers.QMaxPool2D(Grid(1.0, 0), (1, 2), (1, 1)), [[[5], [7]]])
    [[[7]]]
    """
    if isinstance(layer, QAdd | QClamp) and isinstance(codes[0][0], Integral):
        # the loop nests take images: a row is an image of one pixel
        return forward(layer, *([[row]] for row in codes))[0][0]
    match layer:
        case Linear():
            return _linear(layer, *codes)
        case QAdd():
            grids = (*layer.in_grids, layer.out_grid)
            pairs = loops.add_multipliers(*(grid.scale for grid in grids), layer.left_shift)
            zero_points = tuple(grid.zero_point for grid in grids)
            ends = layer.out_grid.qmin, layer.out_grid.qmax
            return loops.add(*codes, zero_points, pairs, layer.left_shift, *ends)
        case QPad2D():
            return loops.pad2d(*codes, layer.pads, layer.in_grid.zero_point)
        case QClamp():
            return loops.clamp(*codes, layer.low, layer.high)
        case QMaxPool2D():
            return loops.max_pool2d(*codes, layer.kernel, layer.stride, layer.pads)
        case QAvgPool2D():
            return loops.avg_pool2d(*codes, layer.kernel, layer.stride)
        case QGlobalAvgPool2D():
            return loops.global_avg_pool2d(*codes)
    raise TypeError(f"layer must be one of tinyq.layers, got {type(layer).__name__}")


def trace(qnet: QNetwork, image: NDArray[np.int8]) -> dict[str, list]:
    """Return every tensor of one image by name, as `QNetwork.trace` does for a batch.

    image: int8 codes (H, W, C).  Returns nested lists of ints, "input" first.

    >>> from tinyq import resnet
    >>> seed = resnet.seed()
    >>> qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    >>> trace(qnet, qnet.grids["input"].quantize(seed.images[0]))["dense_8x4"]
    [-8, 102, 89, -41]
    """
    tensors = {INPUT: image.tolist()}
    for node in qnet.nodes:
        tensors[node.name] = forward(node.layer, *(tensors[name] for name in node.inputs))
    return tensors


def _linear(layer: Linear, codes: Sequence) -> list:
    in_grid, grid = layer.in_grid, layer.out_grid
    ratios = [in_grid.scale * scale / grid.scale for scale in layer.weight_scale.tolist()]
    pairs = [loops.quantize_multiplier(ratio) for ratio in ratios]
    pairs *= len(layer.bias) // len(pairs)  # one for the tensor serves every channel
    out = grid.zero_point, grid.qmin, grid.qmax
    weights = layer.weight, layer.bias
    if isinstance(layer, QDense):
        rows = zip(*weights, pairs, strict=True)
        zero_point = in_grid.zero_point
        return [loops.dense(codes, [w], [b], zero_point, *pair, *out)[0] for w, b, pair in rows]
    multipliers, shifts = zip(*pairs, strict=True)
    rest = layer.stride, in_grid.zero_point, multipliers, shifts
    return loops.conv2d(codes, *weights, *rest, *out)
