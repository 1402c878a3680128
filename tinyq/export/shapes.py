"""The shape of every tensor of an int8 network, and what must hold before it leaves Python."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from tinyq import layers
from tinyq.layers.add import check_left_shift
from tinyq.layers.checks import output_size
from tinyq.layers.kinds import LAYERS, in_grids
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.layers.pool import check_mean
from tinyq.network import QNetwork

Shape = tuple[int, ...]


def tensor_shapes(qnet: QNetwork) -> dict[str, Shape]:
    """Return the shape of one image's tensors by name, "input" first, after checking the network.

    (H, W, C), or (C,) behind a global mean.

    Raises TypeError for a layer that tinyq.layers does not have, ValueError, with the layer's name,
    where the wiring is broken (a name twice, an input that no earlier layer makes, a grid that is
    not that of the tensor), shapes do not fit, or an int32 sum could overflow.

    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> qnet = resnet.stem_block(weights, biases).quantize(images)
    >>> list(tensor_shapes(qnet).values())[-3:]
    [(4, 4, 8), (8,), (4,)]
    """
    if not qnet.nodes:
        raise ValueError("the network must have at least one layer, got none")
    if len(qnet.image_shape) != 3 or min(qnet.image_shape) < 1:
        raise ValueError(f"image_shape must be (H, W, C), each >= 1, got {qnet.image_shape}")
    names = [INPUT, *(node.name for node in qnet.nodes)]
    if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError(f"each layer must have a name of its own, got {names[1:]}")
    shapes: dict[str, Shape] = {INPUT: tuple(qnet.image_shape)}
    for node in qnet.nodes:
        with naming_layer(node.name):
            _check_wiring(node, qnet, shapes)
            shapes[node.name] = _out_shape(node.layer, [shapes[name] for name in node.inputs])
    return shapes


def padded(shape: Shape, pads: Sequence[int]) -> Shape:
    """Return the shape of an image (H, W, C) with pads (top, bottom, left, right)."""
    top, bottom, left, right = pads
    return top + shape[0] + bottom, left + shape[1] + right, shape[2]


def _check_wiring(node, qnet: QNetwork, shapes: dict[str, Shape]) -> None:
    if type(node.layer) not in LAYERS:
        raise TypeError(f"the layer must be one of tinyq.layers, got {type(node.layer).__name__}")
    unknown = [name for name in node.inputs if name not in shapes]
    grids = in_grids(node.layer)
    if unknown or len(node.inputs) != len(grids):
        raise ValueError(
            f"it must read {len(grids)} of the tensors {list(shapes)}, got {list(node.inputs)}"
        )
    for name, grid in zip(node.inputs, grids, strict=True):
        if qnet.grids[name] != grid:
            raise ValueError(f"its grid of {name!r} must be {qnet.grids[name]}, got {grid}")
    if qnet.grids.get(node.name) != node.layer.out_grid:
        raise ValueError(f"the network's grids must hold its out_grid, {node.layer.out_grid}")


def _out_shape(layer: object, shapes: list[Shape]) -> Shape:
    """Return the shape of one image's output, or raise ValueError: see tensor_shapes."""
    shape = shapes[0]
    match layer:
        case layers.QClamp():
            return shape
        case layers.QAdd():
            _check_add(layer, shapes)
            return shape
        case layers.QDense():
            _check_scales(layer)
            _check_rank(shape, 1)
            _check_channels(shape, layer.weight.shape[1])
            return (len(layer.bias),)
    return _out_of_image(layer, shape)


def _out_of_image(layer: object, shape: Shape) -> Shape:
    """Return the shape of the output of a layer that reads one image."""
    _check_rank(shape, 3)
    height, width, channels = shape
    match layer:
        case layers.QPad2D():
            return padded(shape, layer.pads)
        case layers.QConv2D():
            _check_scales(layer)
            _check_channels(shape, layer.weight.shape[3])
            kernel = layer.weight.shape[1:3]
            return *output_size(layer, (1, *shape), kernel, layer.stride), len(layer.bias)
        case layers.QGlobalAvgPool2D():
            check_mean(type(layer).__name__, height * width)
            return (channels,)
        case layers.QMaxPool2D():
            shape = padded(shape, layer.pads)
    return *output_size(layer, (1, *shape), layer.kernel, layer.stride), channels


def _check_rank(shape: Shape, rank: int) -> None:
    if len(shape) != rank:
        form = "(H, W, C)" if rank == 3 else "(C,)"
        raise ValueError(f"it must read {form}, got {shape}")


def _check_channels(shape: Shape, channels: int) -> None:
    if shape[-1] != channels:
        raise ValueError(f"its weight needs C = {channels}, got {shape}")


def _check_scales(layer: layers.QConv2D | layers.QDense) -> None:
    scales = layer.weight_scale
    if not (np.isfinite(scales) & (scales > 0)).all():
        raise ValueError(f"weight_scale must be finite and above 0, got {scales.tolist()}")


def _check_add(layer: layers.QAdd, shapes: list[Shape]) -> None:
    if shapes[0] != shapes[1]:
        raise ValueError(f"QAdd: a and b must have one shape, got {shapes[0]}, {shapes[1]}")
    check_left_shift(layer.left_shift, layer.in_grids)
    ratios = [r.ratio for r in (layer.rescale_a, layer.rescale_b, layer.rescale_sum)]
    if any(ratio.shape != (1,) for ratio in ratios):
        raise ValueError(f"QAdd: each ratio must have shape (1,), got {[r.shape for r in ratios]}")
    a, b, total = (float(ratio) for ratio in chain.from_iterable(ratios))
    if max(a, b) > 0.5 or total >= 1:
        raise ValueError(
            f"QAdd: ratios must be at most 1/2, 1/2 and below 1, got {a:.6g}, {b:.6g}, {total:.6g}"
        )
