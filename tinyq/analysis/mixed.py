"""A run that is part int8 and part float, to find the error of a single layer."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.analysis.runs import check_pair
from tinyq.checks import checked, shown
from tinyq.floatref import FloatLayer, Weighted
from tinyq.layers.contract import Layer
from tinyq.layers.images import check_images
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.methods.correction import real_weights
from tinyq.network import Network, QNetwork

Numbers = NDArray[Any]  # int8 codes or float32
Tensor = tuple[Numbers, Grid]  # codes and their grid, or floats and the grid that they are not on


@checked
def grid_owners(qnet: QNetwork) -> tuple[str, ...]:
    """Return the names that own a grid, "input" first: what can be quantized alone.

    A layer owns its grid if none of its inputs is on the same Grid object.

    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> grid_owners(resnet.stem_block(weights, biases).quantize(images))[:3]
    ('input', 'stem_conv7x7_s2', 'block_conv3x3_a')
    """
    own = [
        node.name
        for node in qnet.nodes
        if not any(qnet.grids[node.name] is qnet.grids[name] for name in node.inputs)
    ]
    return (INPUT, *own)


@checked
def mixed_trace(
    net: Network, qnet: QNetwork, images: NDArray[np.float32], quantized: Collection[str]
) -> dict[str, Numbers]:
    """Return every tensor of a run in which only the named owners of a grid are quantized.

    "input" is quantized on its grid.  A named layer runs as its int8 layer if all its inputs are
    codes.  If not, it runs in float with its weights and bias on their grids, and its output is
    then put on its own grid; nothing else is rounded.  A layer that is not named runs in float.  A
    pass-through layer has no grid of its own, so it takes what it gets, codes or floats.

    So with all owners named the tensors are those of ``qnet.trace``, with none those of
    ``net.trace``, byte for byte.  In between, a code made in float and one made in int8 may differ
    by one step, where the requantizer rounds a number near a tie the other way.

    net, qnet: a network and its int8 twin; images: float32 (N, H, W, C); quantized: some of
    ``grid_owners(qnet)``.  Returns tensors by name: int8 codes where quantized, else float32.
    Raises ValueError for other names or two networks that do not match, and as trace does.

    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> net = resnet.stem_block(weights, biases)
    >>> tensors = mixed_trace(net, net.quantize(images), images[:1], {"stem_conv7x7_s2"})
    >>> [tensors[name].dtype.name for name in ("stem_pad", "stem_relu", "dense_8x4")]
    ['float32', 'int8', 'float32']
    """
    check_pair(net, qnet)
    owners = grid_owners(qnet)
    chosen = _check_names(quantized, owners)
    images = check_images(images, qnet.image_shape)
    tensors: dict[str, Numbers] = {INPUT: images}
    if INPUT in chosen:
        tensors[INPUT] = qnet.grids[INPUT].quantize(images)
    for node, qnode in zip(net.nodes, qnet.nodes, strict=True):
        inputs = [(tensors[name], qnet.grids[name]) for name in node.inputs]
        with naming_layer(node.name):
            if node.name in chosen:
                tensors[node.name] = _run_quantized(node.layer, qnode.layer, inputs)
            elif node.name in owners:
                tensors[node.name] = node.layer.forward(*map(as_reals, inputs))
            else:
                tensors[node.name] = _pass_through(node.layer, qnode.layer, inputs)
    return tensors


@checked
def mixed_logits(
    net: Network, qnet: QNetwork, images: NDArray[np.float32], quantized: Collection[str]
) -> NDArray[np.float32]:
    """Return the logits of mixed_trace as real numbers, dequantized where they are codes."""
    last = net.nodes[-1].name
    return as_reals((mixed_trace(net, qnet, images, quantized)[last], qnet.grids[last]))


def as_reals(tensor: Tensor) -> NDArray[np.float32]:
    """Return a tensor as real numbers: codes dequantized on their grid, floats as they are.

    >>> [as_reals((values, Grid(0.5, 1))).item() for values in (np.int8([4]), np.float32([4]))]
    [1.5, 4.0]
    """
    values, grid = tensor
    return grid.dequantize(values) if values.dtype == np.int8 else values


def on_weight_grid(layer: FloatLayer, qlayer: Layer) -> FloatLayer:
    """Return the float layer with the weights and bias that its int8 twin has, as real numbers.

    w = scale_o * code,   b = in_scale * scale_o * code

    qlayer: the int8 layer that it became.  A layer without weights is returned as it is.
    """
    if not (isinstance(layer, Weighted) and isinstance(qlayer, Linear)):
        return layer
    bias = qlayer.in_grid.scale * qlayer.weight_scale.astype(np.float64) * qlayer.bias
    weights = real_weights(qlayer).astype(np.float32)
    return replace(layer, weights=weights, bias=bias.astype(np.float32))


def _run_quantized(layer: FloatLayer, qlayer: Layer, inputs: Sequence[Tensor]) -> NDArray[np.int8]:
    """Return the codes of a quantized layer, made in integers unless an input is float."""
    if _all_codes(inputs):
        return qlayer.forward(*(codes for codes, _ in inputs))
    floats = on_weight_grid(layer, qlayer).forward(*map(as_reals, inputs))
    return qlayer.out_grid.quantize(floats)


def _pass_through(layer: FloatLayer, qlayer: Layer, inputs: Sequence[Tensor]) -> Numbers:
    """Return the output of a layer without a grid of its own: codes from codes, else floats."""
    if _all_codes(inputs):
        return qlayer.forward(*(codes for codes, _ in inputs))
    return layer.forward(*map(as_reals, inputs))


def _all_codes(inputs: Sequence[Tensor]) -> bool:
    return all(values.dtype == np.int8 for values, _ in inputs)


def _check_names(quantized: Collection[str], owners: Sequence[str]) -> frozenset[str]:
    wanted = f"quantized must be names out of {list(owners)}, got {shown(quantized)}"
    try:
        chosen = frozenset(quantized)
    except TypeError:  # a list among them, say
        raise TypeError(wanted) from None
    if not chosen <= {*owners}:
        raise ValueError(wanted)
    return chosen
