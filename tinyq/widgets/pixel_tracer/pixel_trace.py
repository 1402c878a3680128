"""Trace one logit back to the pixels: at each layer, to the code that moved it most."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QAdd, QGlobalAvgPool2D, QMaxPool2D, QPad2D
from tinyq.layers.linear import Linear
from tinyq.network import QNetwork

Place = tuple[int, ...]  # (row, column, channel), or (channel,) of a vector
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are not in it


class Trace(NamedTuple):
    """The road from a logit to a pixel.

    places: by tensor name the code on the road, None where the road has left the image through a
    border; boxes: by tensor name all that the road's code in block_relu_b depends on, None for a
    vector; via: "skip" or "block", what moved the add's sum more.
    """

    places: dict[str, Place | None]
    boxes: dict[str, Box | None]
    via: str


def trace_back(qnet: QNetwork, tensors: dict[str, NDArray[np.int8]], logit: int) -> Trace:
    """Return the road of a logit through the first image of a run.

    qnet: of resnet.stem_block's form; tensors: of qnet.trace; logit: 0..classes - 1.
    Behind a sum stands the term with the largest |product|, behind an average the code furthest
    from the zero_point, behind a maximum the maximum; of equals the first.
    """
    codes = {name: tensor[0].astype(np.int64) for name, tensor in tensors.items()}
    places: dict[str, Place | None] = {qnet.nodes[-1].name: (logit,)}
    boxes: dict[str, Box | None] = {qnet.nodes[-1].name: None}
    via = "block"
    for node in reversed(qnet.nodes):
        source, place, box = node.inputs[0], places[node.name], boxes[node.name]
        if isinstance(node.layer, QAdd):
            skip = node.inputs[1]
            places[skip], boxes[skip] = place, box
            via = "skip" if _skip_moves_more(node.layer, codes, node.inputs, place) else "block"
        found = None if place is None else _before(node.layer, codes[source], place)
        if isinstance(node.layer, QGlobalAvgPool2D):
            box = (found[0], found[1], found[0] + 1, found[1] + 1)
        elif box is not None:
            box = _box_before(node.layer, box, codes[source].shape)
        if source not in places or (via == "block" and found is not None):
            places[source] = found
        boxes[source] = _around(box, boxes.get(source))
    return Trace(places, boxes, via)


def _before(layer: object, codes: NDArray[np.int64], place: Place) -> Place | None:
    """Return the place in a layer's input of what moved the output at place most."""
    match layer:
        case Linear():
            corner = [i * s for i, s in zip(place[:-1], getattr(layer, "stride", ()), strict=False)]
            weight = layer.weight[place[-1]].astype(np.int64)
            window = codes[tuple(map(slice, corner, np.add(corner, weight.shape[:2])))]
            moved = weight * ((window if corner else codes) - layer.in_grid.zero_point)
            return _plus(_first_largest(np.abs(moved)), corner)
        case QMaxPool2D():
            corner = [i * s for i, s in zip(place[:2], layer.stride, strict=True)]
            window = codes[tuple(map(slice, corner, np.add(corner, layer.kernel)))]
            return _plus((*_first_largest(window[..., place[2]]), place[2]), corner)
        case QGlobalAvgPool2D():
            steps = np.abs(codes[..., place[0]] - layer.in_grid.zero_point)
            return (*_first_largest(steps), place[0])
        case QPad2D():
            row, column = place[0] - layer.pads[0], place[1] - layer.pads[2]
            inside = 0 <= row < codes.shape[0] and 0 <= column < codes.shape[1]
            return (row, column, place[2]) if inside else None
        case _:
            return place


def _skip_moves_more(
    layer: QAdd, codes: dict[str, NDArray], inputs: Sequence[str], place: Place
) -> bool:
    """Whether the second input's share of an add's sum is the larger one."""
    steps = [
        np.int32((codes[name][place] - grid.zero_point) << 20)
        for name, grid in zip(inputs, layer.in_grids, strict=True)
    ]
    shares = layer.rescale_a.rescale(steps[0]), layer.rescale_b.rescale(steps[1])
    return bool(abs(shares[1].item()) > abs(shares[0].item()))


def _box_before(layer: object, box: Box, shape: tuple[int, ...]) -> Box:
    """Return the box in a layer's input that a box of its output depends on."""
    top, left, bottom, right = box
    if isinstance(layer, QPad2D):
        up, side = layer.pads[0], layer.pads[2]
        ends = min(bottom - up, shape[0]), min(right - side, shape[1])
        return (max(top - up, 0), max(left - side, 0), *ends)
    stride, kernel = getattr(layer, "stride", (1, 1)), (1, 1)
    if isinstance(layer, Linear):
        kernel = layer.weight.shape[1:3]
    elif isinstance(layer, QMaxPool2D):
        kernel = layer.kernel
    last = [(end - 1) * s + k for end, s, k in zip((bottom, right), stride, kernel, strict=True)]
    return (top * stride[0], left * stride[1], *last)


def _around(box: Box | None, other: Box | None) -> Box | None:
    """Return the smallest box that holds both."""
    if box is None or other is None:
        return box
    return tuple(map(int, (*np.minimum(box[:2], other[:2]), *np.maximum(box[2:], other[2:]))))


def _first_largest(values: NDArray) -> Place:
    return tuple(map(int, np.unravel_index(values.argmax(), values.shape)))


def _plus(place: Place, corner: Sequence[int]) -> Place:
    return tuple(i + (corner[axis] if axis < len(corner) else 0) for axis, i in enumerate(place))
