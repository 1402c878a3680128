"""Run a tinyq layer, or a whole network, through the loop nests of `tinyq.loops`.

Weights, biases, scales and roundings are the layer's own; multipliers and all that follows are the
oracle's.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tinyq import layers, loops
from tinyq.checks import checked, integers
from tinyq.layers.contract import Layer, lookup
from tinyq.layers.images import naming
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.loops.rescale import Rescale
from tinyq.network import QNetwork
from tinyq.requantize import Rounding
from tinyq.runtimes import oracle_elementwise as elementwise
from tinyq.runtimes.oracle_elementwise import ROUNDINGS


def forward(layer: Layer, *codes: Sequence) -> list:
    """Return the codes of one image, or of one row, by the layer's loop nest.

    layer: any of tinyq.layers, whose own rounding is followed; codes: its inputs without the batch
    axis, (H, W, C) or (C,) integers.  Returns nested lists of ints.
    Raises TypeError for another layer, a subclass of one of these too, TypeError or ValueError for
    codes that are no integers on the layer's grids or do not fit it, and what the loop nest raises.

    >>> from tinyq import Grid, layers
    >>> forward(layers.QMaxPool2D(Grid(1.0, 0), (1, 2), (1, 1)), [[[5], [7]]])
    [[[7]]]
    """
    nest = lookup(NESTS, layer, "the oracle")
    grids = layer.in_grids
    if len(codes) != len(grids):
        raise TypeError(f"codes must be {len(grids)} images or rows, got {len(codes)}")
    tensors = [integers("codes", x, g.qmin, g.qmax) for x, g in zip(codes, grids, strict=True)]
    with naming("codes"):
        layer.out_shape(*(tensor.shape for tensor in tensors))
    return nest(layer, *(tensor.tolist() for tensor in tensors))


@checked
def trace(qnet: QNetwork, image: NDArray[np.int8]) -> dict[str, list]:
    """Return every tensor of one image by name, as `QNetwork.trace` does for a batch.

    image: int8 codes (H, W, C).  Returns nested lists of ints, "input" first.
    Raises TypeError or ValueError for another image, and what forward raises, with the layer's name
    in front.

    >>> from tinyq import resnet
    >>> seed = resnet.seed()
    >>> qnet = resnet.stem_block(seed.weights, seed.biases).quantize(seed.images)
    >>> trace(qnet, qnet.grids["input"].quantize(seed.images[0]))["dense_8x4"]
    [-8, 102, 89, -41]
    """
    if image.shape != tuple(qnet.image_shape):
        raise ValueError(f"image must have shape {qnet.image_shape}, got {image.shape}")
    grid = qnet.grids[INPUT]
    tensors = {INPUT: integers("image", image, grid.qmin, grid.qmax).tolist()}
    for node in qnet.nodes:
        with naming_layer(node.name):
            tensors[node.name] = forward(node.layer, *(tensors[name] for name in node.inputs))
    return tensors


def pairs_of(layer: Linear) -> list[tuple[int, int]]:
    """Return the (multiplier, shift) of each output channel, from the layer's scales.

    Raises ValueError unless there is one weight scale, or one for each channel.
    """
    rounding, count = layer.requantizer.rounding, len(layer.bias)
    scales = layer.weight_scale.tolist()
    if len(scales) not in (1, count):
        raise ValueError(f"{count} channels need 1 or {count} weight scales, got {len(scales)}")
    write, _ = ROUNDINGS[rounding]
    products = [layer.in_grid.scale * scale for scale in scales]
    if rounding is Rounding.FLOAT32:
        products = [loops.float32(product) for product in products]
    pairs = [write(product / layer.out_grid.scale) for product in products]
    return pairs * count if len(pairs) == 1 else pairs


def _conv(layer: layers.QConv2D, image: Sequence) -> list:
    multipliers, shifts = zip(*pairs_of(layer), strict=True)
    weights, biases = layer.weight.tolist(), layer.bias.tolist()
    zero_point, end = layer.in_grid.zero_point, _end(layer)
    parts = weights, biases, layer.stride, zero_point, multipliers, shifts, *end
    return loops.conv2d(image, *parts, layer.dilation)


def _depthwise(layer: layers.QDepthwiseConv2D, image: Sequence) -> list:
    multipliers, shifts = zip(*pairs_of(layer), strict=True)
    weights, biases = layer.weight.tolist(), layer.bias.tolist()
    zero_point, end = layer.in_grid.zero_point, _end(layer)
    parts = weights, biases, layer.stride, zero_point, multipliers, shifts, *end
    return loops.depthwise_conv2d(image, *parts, layer.dilation, layer.depth_multiplier)


def _dense(layer: layers.QDense, row: Sequence) -> list:
    if np.ndim(row) > 1:
        return [_dense(layer, one) for one in row]
    rows = zip(layer.weight, layer.bias, pairs_of(layer), strict=True)
    zero_point, end = layer.in_grid.zero_point, _end(layer)
    return [loops.dense(row, [w], [b], zero_point, m, n, *end)[0] for w, b, (m, n) in rows]


def _end(layer: Linear) -> tuple[int, int, int, Rescale]:
    """Return what comes after the multiplier: the output grid and the rounding."""
    grid, (_, rescale) = layer.out_grid, ROUNDINGS[layer.requantizer.rounding]
    return grid.zero_point, grid.qmin, grid.qmax, rescale


def _mean(layer: layers.QMean, tensor: Sequence) -> list:
    grid, out = layer.in_grid, layer.out_grid
    pair = loops.quantize_multiplier(grid.scale / out.scale)
    ends = out.zero_point, out.qmin, out.qmax
    return loops.mean(tensor, layer.axes, grid.zero_point, *pair, *ends, layer.keep_dims)


def _mean_pool(layer: layers.QMeanPool2D, image: Sequence) -> list:
    grid, out = layer.in_grid, layer.out_grid
    write, rescale = ROUNDINGS[layer.requantizer.rounding]
    multiplier, shift = write(grid.scale / (layer.kernel[0] * layer.kernel[1]) / out.scale)
    end = out.zero_point, out.qmin, out.qmax

    def requantize(total: int) -> int:
        return loops.requantize(total, multiplier, shift, *end, rescale)

    return loops.mean_pool2d(image, layer.kernel, layer.stride, grid.zero_point, requantize)


def _clamp(layer: layers.QClamp, codes: Sequence) -> list:
    return _as_images(lambda image: loops.clamp(image, layer.low, layer.high), codes)


def _as_images(nest: Callable, *codes: Sequence) -> list:
    """Run a loop nest, which takes images, on any rank: its codes are an image of one pixel."""
    shape = np.shape(codes[0])
    if len(shape) == 3:
        return nest(*codes)
    made = nest(*([[np.ravel(one).tolist()]] for one in codes))[0][0]
    return np.reshape(made, shape).tolist()


NESTS: dict[type, Callable[..., list]] = {
    layers.QConv2D: _conv,
    layers.QConv2DPerChannel: _conv,
    layers.QDense: _dense,
    layers.QDepthwiseConv2D: _depthwise,
    layers.QAdd: elementwise.add,
    layers.QClamp: _clamp,
    layers.QConstant: lambda layer: layer.codes.tolist(),
    layers.QMul: elementwise.mul,
    layers.QRescale: elementwise.rescale,
    layers.QSoftmax: elementwise.softmax,
    layers.QSoftmaxToGrid: elementwise.softmax_to_grid,
    layers.QSub: elementwise.sub,
    layers.QTable: elementwise.table,
    layers.QPad2D: lambda layer, image: loops.pad2d(image, layer.pads, layer.in_grid.zero_point),
    layers.QMaxPool2D: lambda layer, image: loops.max_pool2d(
        image, layer.kernel, layer.stride, layer.pads
    ),
    layers.QAvgPool2D: lambda layer, image: loops.avg_pool2d(
        image, layer.kernel, layer.stride, pads=layer.pads
    ),
    layers.QConcat: lambda layer, *samples: loops.concat(samples, layer.axis),
    layers.QGlobalAvgPool2D: lambda layer, image: loops.global_avg_pool2d(image),
    layers.QMean: _mean,
    layers.QMeanPool2D: _mean_pool,
    layers.QPad: lambda layer, codes: loops.pad(codes, layer.pads, layer.in_grid.zero_point),
    layers.QReshape: lambda layer, codes: loops.reshape(codes, layer.out_shape(np.shape(codes))),
    layers.QTranspose: lambda layer, codes: loops.transpose(codes, layer.axes),
}
