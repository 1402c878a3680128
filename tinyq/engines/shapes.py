"""The shape of each tensor, without running a layer."""

from collections.abc import Sequence

import numpy as np

from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
)
from tinyq.layers.checks import output_size
from tinyq.nodes import INPUT, Node, naming_layer

Shape = tuple[int, ...]


def shapes(nodes: Sequence[Node], image_shape: Shape) -> dict[str, Shape]:
    """Return the shape of each tensor for one image: (H, W, C) or (C,), by name, "input" first.

    Raises ValueError, with the layer's name, where a kernel does not fit its image.

    >>> from tinyq.affine import Grid
    >>> pad = Node("pad", QPad2D(Grid(1.0, 0), (1, 1, 2, 2)), ("input",))
    >>> shapes([pad], (4, 4, 3))
    {'input': (4, 4, 3), 'pad': (6, 8, 3)}
    """
    found = {INPUT: tuple(image_shape)}
    for node in nodes:
        with naming_layer(node.name):
            found[node.name] = _shape(node.layer, found[node.inputs[0]])
    return found


def _shape(layer: object, shape: Shape) -> Shape:
    match layer:
        case QAdd() | QClamp():
            return shape
        case QPad2D():
            return _padded(shape, layer.pads)
        case QConv2D():
            channels, *kernel, _ = layer.weight.shape
            return (*output_size(layer, (1, *shape), tuple(kernel), layer.stride), channels)
        case QMaxPool2D() | QAvgPool2D():
            around = _padded(shape, getattr(layer, "pads", (0, 0, 0, 0)))
            return (*output_size(layer, (1, *around), layer.kernel, layer.stride), shape[2])
        case QGlobalAvgPool2D():
            return shape[2:]
        case QDense():
            return (len(layer.weight),)
    # a layer of somebody else's: it must say itself
    return layer.forward(np.full((1, *shape), layer.in_grid.zero_point, np.int8)).shape[1:]


def _padded(shape: Shape, pads: Sequence[int]) -> Shape:
    height, width, channels = shape
    return height + pads[0] + pads[1], width + pads[2] + pads[3], channels
