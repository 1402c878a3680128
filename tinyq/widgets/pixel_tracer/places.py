"""From a code of a layer's output to the code of its input that moved it most."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import (
    QAdd,
    QClamp,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
)
from tinyq.layers.contract import Layer, lookup
from tinyq.layers.linear import Linear
from tinyq.widgets.pixel_tracer.boxes import conv_box, pixel, pool_box

Place = tuple[int, ...]  # (row, column, channel), or (channel,) of a vector
Codes64 = NDArray[np.int64]  # one image's codes, wide enough for any product
Before = Callable[..., Place | None]


def place_before(layer: Layer) -> Before:
    """Return the function of (layer, codes, place) that steps back through such a layer.

    codes: of its first input, int64 (H, W, C) or (C,); place: in its output.  The function returns
    a place in the input, of equals the first, or None where that lies in a border.
    Raises TypeError for a layer that is not in PLACES.
    """
    return lookup(PLACES, layer, "the pixel tracer")


def _conv(layer: QConv2D, codes: Codes64, place: Place) -> Place:
    top, left, bottom, right = conv_box(layer, pixel(place), codes.shape)
    terms = _terms(layer, codes[top:bottom, left:right], place[2])
    row, column, channel = _first_largest(terms)
    return top + row, left + column, channel


def _dense(layer: QDense, codes: Codes64, place: Place) -> Place:
    return _first_largest(_terms(layer, codes, place[0]))


def _max_pool(layer: QMaxPool2D, codes: Codes64, place: Place) -> Place:
    top, left, bottom, right = pool_box(layer, pixel(place), codes.shape)
    row, column = _first_largest(codes[top:bottom, left:right, place[2]])
    return top + row, left + column, place[2]


def _global_pool(layer: QGlobalAvgPool2D, codes: Codes64, place: Place) -> Place:
    steps = np.abs(codes[..., place[0]] - layer.in_grid.zero_point)
    return *_first_largest(steps), place[0]


def _pad(layer: QPad2D, codes: Codes64, place: Place) -> Place | None:
    row, column = place[0] - layer.pads[0], place[1] - layer.pads[2]
    inside = 0 <= row < codes.shape[0] and 0 <= column < codes.shape[1]
    return (row, column, place[2]) if inside else None


def _same_place(layer: QAdd | QClamp, codes: Codes64, place: Place) -> Place:
    return place


# What stands behind a code of each layer: functions of (layer, codes, place), for layers of the
# type.  A layer that is not here is refused: its road would be a guess.
PLACES: dict[type, Before] = {
    QAdd: _same_place,
    QClamp: _same_place,
    QConv2D: _conv,
    QConv2DPerChannel: _conv,
    QDense: _dense,
    QGlobalAvgPool2D: _global_pool,
    QMaxPool2D: _max_pool,
    QPad2D: _pad,
}


def _terms(layer: Linear, seen: Codes64, channel: int) -> Codes64:
    """Return the size of each product of an accumulator, in the shape of the channel's weights."""
    weight = layer.weight[channel].astype(np.int64)
    return np.abs(weight * (seen - layer.in_grid.zero_point))


def _first_largest(values: Codes64) -> Place:
    return tuple(map(int, np.unravel_index(values.argmax(), values.shape)))
