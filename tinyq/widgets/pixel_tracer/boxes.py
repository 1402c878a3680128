"""From a box of a layer's output to the box of its input that it depends on."""

from collections.abc import Callable

from tinyq.layers import QAdd, QClamp, QConv2D, QConv2DPerChannel, QMaxPool2D, QPad2D
from tinyq.layers.contract import Layer, Shape, lookup

Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are not in it
Pair = tuple[int, ...]  # of rows and columns


def box_before(layer: Layer, box: Box, shape: Shape) -> Box:
    """Return the box in a layer's input that a box of its output depends on.

    shape: (H, W, C) of the input.  Raises TypeError for a layer that is not in BOXES.
    """
    return lookup(BOXES, layer, "the pixel tracer")(layer, box, shape)


def conv_box(layer: QConv2D, box: Box, shape: Shape) -> Box:
    """Return all that the windows of a convolution see; ValueError for one that is dilated."""
    if layer.dilation != (1, 1):
        raise ValueError(f"the pixel tracer has no dilated convolution, got {layer.dilation}")
    return _windows(box, layer.weight.shape[1:3], layer.stride)


def pool_box(layer: QMaxPool2D, box: Box, shape: Shape) -> Box:
    """Return all that the windows of a pool see."""
    return _windows(box, layer.kernel, layer.stride)


def _windows(box: Box, kernel: Pair, stride: Pair) -> Box:
    top, left, bottom, right = box
    last = (bottom - 1) * stride[0] + kernel[0], (right - 1) * stride[1] + kernel[1]
    return top * stride[0], left * stride[1], *last


def _pad_box(layer: QPad2D, box: Box, shape: Shape) -> Box:
    up, _, side, _ = layer.pads
    top, left, bottom, right = box
    ends = min(bottom - up, shape[0]), min(right - side, shape[1])
    return max(top - up, 0), max(left - side, 0), *ends


def _same_box(layer: QAdd | QClamp, box: Box, shape: Shape) -> Box:
    return box


# What each layer on images looks at: functions of (layer, box, shape), for layers of the type.
BOXES: dict[type, Callable[..., Box]] = {
    QAdd: _same_box,
    QClamp: _same_box,
    QConv2D: conv_box,
    QConv2DPerChannel: conv_box,
    QMaxPool2D: pool_box,
    QPad2D: _pad_box,
}


def around(box: Box, other: Box | None) -> Box:
    """Return the smallest box that holds both; box itself where there is no other.

    >>> around((0, 2, 3, 4), (1, 1, 2, 5))
    (0, 1, 3, 5)
    """
    if other is None:
        return box
    least = min(box[0], other[0]), min(box[1], other[1])
    return *least, max(box[2], other[2]), max(box[3], other[3])


def pixel(place: tuple[int, ...]) -> Box:
    """Return the box of the one pixel at place, (row, column, channel)."""
    return place[0], place[1], place[0] + 1, place[1] + 1
