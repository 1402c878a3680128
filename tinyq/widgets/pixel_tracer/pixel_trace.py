"""Trace one logit back to the pixels: at each layer, to the code that moved it most."""

from typing import NamedTuple

import numpy as np

from tinyq.layers import QAdd
from tinyq.layers.contract import Codes
from tinyq.layers.nodes import naming_layer
from tinyq.network import QNetwork
from tinyq.widgets.pixel_tracer.boxes import Box, around, box_before, pixel
from tinyq.widgets.pixel_tracer.places import Codes64, Place, place_before


class Trace(NamedTuple):
    """The road from a logit to a pixel.

    places: by tensor name the code on the road, None where the road has left the image through a
    border; boxes: by tensor name all that the road's code in block_relu_b depends on, None for a
    vector; via: "skip" or "block", what moved the add's sum more.
    """

    places: dict[str, Place | None]
    boxes: dict[str, Box | None]
    via: str


def trace_back(qnet: QNetwork, tensors: dict[str, Codes], logit: int) -> Trace:
    """Return the road of a logit through the first image of a run.

    qnet: of resnet.stem_block's form; tensors: of qnet.trace; logit: 0..classes - 1.
    Behind a sum stands the term with the largest |product|, behind an average the code furthest
    from the zero_point, behind a maximum the maximum; of equals the first.
    Raises TypeError, with the layer's name, for a layer that has no place in PLACES.
    """
    codes = {name: tensor[0].astype(np.int64) for name, tensor in tensors.items()}
    places: dict[str, Place | None] = {qnet.nodes[-1].name: (logit,)}
    boxes: dict[str, Box | None] = {qnet.nodes[-1].name: None}
    via = "block"
    for node in reversed(qnet.nodes):
        source, place, box = node.inputs[0], places[node.name], boxes[node.name]
        with naming_layer(node.name):
            before = place_before(node.layer)
            box = box and box_before(node.layer, box, codes[source].shape)
        found = None if place is None else before(node.layer, codes[source], place)
        if box is None and found is not None and len(found) == 3:
            box = pixel(found)  # the road enters an image here
        if type(node.layer) is QAdd:
            skip = node.inputs[1]
            places[skip], boxes[skip] = place, box
            via = _moves_more(node.layer, codes[source], codes[skip], place)
        if source not in places or (via == "block" and found is not None):
            places[source] = found
        boxes[source] = box and around(box, boxes.get(source))
    return Trace(places, boxes, via)


def _moves_more(layer: QAdd, block: Codes64, skip: Codes64, place: Place | None) -> str:
    """Return whose share of an add's sum is the larger one: "block", or "skip"."""
    if place is None:
        return "block"
    a, b = (
        abs(rescale.rescale((codes[place] - grid.zero_point) << layer.left_shift).item())
        for rescale, codes, grid in zip(
            (layer.rescale_a, layer.rescale_b), (block, skip), layer.in_grids, strict=True
        )
    )
    return "skip" if b > a else "block"
