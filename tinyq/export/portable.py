"""What a network must be so that a file of codes and scales says all of it."""

import numpy as np

from tinyq.export.shapes import Shape, tensor_shapes
from tinyq.layers import QAdd
from tinyq.layers.add import LEFT_SHIFT
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import naming_layer
from tinyq.network import QNetwork
from tinyq.requantize import Requantizer


def check_portable(qnet: QNetwork) -> dict[str, Shape]:
    """Return tensor_shapes(qnet) after checking that a runtime can derive the rest from scales.

    Raises as tensor_shapes does, and ValueError, with the layer's name, for a grid narrower than
    int8, a ratio that is not in_scale * weight_scale / out_scale, or another left_shift than 20.

    >>> from tinyq import Scheme, resnet
    >>> weights, biases, images = resnet.seed()
    >>> net = resnet.stem_block(weights, biases)
    >>> check_portable(net.quantize(images))["dense_8x4"]
    (4,)
    >>> check_portable(net.quantize(images, schemes={"dense_8x4": Scheme(activation_bits=4)}))
    Traceback (most recent call last):
    ValueError: layer 'dense_8x4': codes must be on the grid -128..127 of int8, got -8..7
    """
    shapes = tensor_shapes(qnet)
    for name, grid in qnet.grids.items():
        with naming_layer(name):
            if (grid.qmin, grid.qmax) != (-128, 127):
                raise ValueError(
                    f"codes must be on the grid -128..127 of int8, got {grid.qmin}..{grid.qmax}"
                )
    for node in qnet.nodes:
        with naming_layer(node.name):
            _check_ratios(node.layer)
    return shapes


def _check_ratios(layer: object) -> None:
    """Raise ValueError unless the layer's ratios are those that its scales give."""
    if isinstance(layer, QAdd):
        if layer.left_shift != LEFT_SHIFT:
            raise ValueError(f"left_shift must be {LEFT_SHIFT}, got {layer.left_shift}")
        usual = QAdd.from_float(*layer.in_grids, layer.out_grid)
        names = ("rescale_a", "rescale_b", "rescale_sum")
        pairs = [(getattr(layer, name), getattr(usual, name)) for name in names]
    elif isinstance(layer, Linear):
        scales = layer.in_grid.scale, layer.weight_scale, layer.out_grid.scale
        own = layer.requantizer
        pairs = [(own, Requantizer.from_scales(*scales, own.rounding))]
    else:
        return
    for own, usual in pairs:
        if not np.array_equal(*np.broadcast_arrays(own.ratio, usual.ratio)):
            raise ValueError("its ratios must be those of its scales, as from_float makes them")
