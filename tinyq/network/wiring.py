"""Whether the layers of an int8 network hold what they promise and fit together."""

from collections.abc import Mapping
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from tinyq.affine import Grid
from tinyq.checks import Proved, checked, instance, prove, wholes
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import Node, check_nodes, naming_layer, tensor_shapes
from tinyq.requantize import Requantizer

LAYER: Any = Layer  # a protocol, to a type checker


@checked
def check_wiring(
    nodes: tuple[Node[Layer], ...], grids: Mapping[str, Grid], image_shape: Shape
) -> dict[str, Shape]:
    """Return the shape of one image's tensors by name, "input" first, after checking the wiring.

    Each layer, grid and requantizer is proved once more: nobody changes them by accident, but
    ``object.__setattr__`` can, and a subclass may prove less than its bases ask for.

    nodes: in running order; grids: of each tensor, by name; image_shape: (H, W, C), or of another
    rank >= 1.
    Raises TypeError or ValueError, with the layer's name, for a name twice, an input that no
    earlier layer makes, what is no layer, one whose own proof fails, a grid that is not that of the
    tensor, shapes that do not fit.

    >>> from tinyq.models import resnet
    >>> weights, biases, images = resnet.seed()
    >>> qnet = resnet.stem_block(weights, biases).quantize(images)
    >>> list(check_wiring(qnet.nodes, qnet.grids, qnet.image_shape).values())[-3:]
    [(4, 4, 8), (8,), (4,)]
    """
    if not nodes:
        raise ValueError("the network must have at least one layer, got none")
    if not image_shape:
        raise ValueError("image_shape must have an axis, as (H, W, C) or (C,) have, got ()")
    form = " (H, W, C)" if len(image_shape) == 3 else ""
    wholes(f"image_shape{form}", image_shape, count=len(image_shape), least=1)
    check_nodes(nodes)
    for node in nodes:
        with naming_layer(node.name):
            _check_layer(instance("its layer", node.layer, LAYER))
            _check_grids(node, grids)
    return tensor_shapes(nodes, image_shape)


def _check_layer(layer: Layer) -> None:
    """Raise unless a layer, its grids and its requantizers are what their constructors make."""
    if isinstance(layer, Proved):
        prove(layer)
    for grid in (*layer.in_grids, layer.out_grid):
        replace(instance("each of its grids", grid, Grid))
    for name, requantizer in layer.requantizers.items():
        anew = copy(instance(f"requantizer {name!r}", requantizer, Requantizer))
        for part in ("multiplier", "shift"):
            if not np.array_equal(getattr(anew, part), getattr(requantizer, part)):
                raise ValueError(f"the {part} of requantizer {name!r} must be that of its ratio")


def _check_grids(node: Node[Layer], grids: Mapping[str, Grid]) -> None:
    read = node.layer.in_grids
    if len(node.inputs) != len(read):
        raise ValueError(f"it must read {len(read)} tensors, got {list(node.inputs)}")
    for name, grid in zip(node.inputs, read, strict=True):
        if name not in grids:
            raise ValueError(f"the network's grids must hold {name!r}, got {list(grids)}")
        if grids[name] != grid:
            raise ValueError(f"its grid of {name!r} must be {grids[name]}, got {grid}")
    if grids.get(node.name) != node.layer.out_grid:
        raise ValueError(f"the network's grids must hold its out_grid, {node.layer.out_grid}")
