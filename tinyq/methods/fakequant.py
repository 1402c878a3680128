"""Fake quantization: round to the grid in float, and let slopes pass straight through.

Forward, weights and activations are rounded to their grids and taken back to real numbers:

    x^ = dequantize(quantize(x))                                                          (12.1)

Rounding is a staircase, whose slope is 0 almost everywhere, so nothing would be learned from it.
Backward, it counts as the ramp that it follows, cut off where the grid ends:

    dL/dx = dL/dx^ where lo - scale / 2 <= x <= hi + scale / 2, else 0                    (12.2)

The requantizer's rounding and the rounded biases are not modelled: at 3 bits, chapter 12's network
gives the integers' answer on only 76.6 % of the test scans.  So judge a network by its integers.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import checked, in_float
from tinyq.floatref import Conv2D, FloatLayer, Weighted
from tinyq.layers.images import check_images
from tinyq.layers.nodes import INPUT, Node
from tinyq.layers.scheme import INT8, Scheme
from tinyq.methods.gradients import input_slopes, weight_slopes
from tinyq.network import Network
from tinyq.weights import by_channel, quantize_weights, weight_scales

Array = NDArray[np.float32]


@checked
def fake_quantize(x: Array, grid: Grid) -> Array:
    """Return x rounded to the grid and taken back to float32, equation (12.1).

    >>> fake_quantize(np.float32([0.3, 9.0]), Grid(0.25, 0, -8, 7)).tolist()
    [0.25, 1.75]
    """
    return grid.dequantize(grid.quantize(x))


@checked
def reached(x: Array, grid: Grid) -> NDArray[np.bool_]:
    """Return where rounding moves x by at most half a step: the condition of equation (12.2).

    >>> reached(np.float32([0.3, 1.8, 9.0]), Grid(0.25, 0, -8, 7)).tolist()
    [True, True, False]
    """
    return (x >= grid.lo - grid.scale / 2) & (x <= grid.hi + grid.scale / 2)


@checked
def round_weights(
    net: Network, scheme: Scheme = INT8, schemes: Mapping[str, Scheme] = MappingProxyType({})
) -> Network:
    """Return net with each weight moved to the real number of its code; biases stay.

    Quantizing the result with the same scheme finds the same codes, so nothing is rounded twice.

    scheme, schemes: as Network.quantize takes them.
    Raises TypeError for a wrong type, ValueError for an unknown name in schemes.
    """
    names = [INPUT, *(node.name for node in net.nodes)]
    if unknown := [name for name in schemes if name not in names]:
        raise ValueError(f"schemes must have names among {names}, got {unknown}")

    def rounded(node: Node[FloatLayer]) -> Node[FloatLayer]:
        if not isinstance(node.layer, Weighted):
            return node
        weights, own = node.layer.weights, schemes.get(node.name, scheme)
        per_channel = own.per_channel and isinstance(node.layer, Conv2D)
        scales = weight_scales(weights, per_channel, own.weight_bits)
        codes = quantize_weights(weights, scales, own.weight_bits)
        moved = codes * by_channel(scales, weights)
        return replace(node, layer=replace(node.layer, weights=moved))

    return replace(net, nodes=tuple(rounded(node) for node in net.nodes))


class FakeRun(NamedTuple):
    """A forward pass with rounding.

    tensors: float32 by name, each on its grid; raw: the same before they were rounded.
    """

    tensors: dict[str, Array]
    raw: dict[str, Array]


@checked
@in_float("images and weights")
def fake_forward(net: Network, grids: Mapping[str, Grid], images: Array) -> FakeRun:
    """Run net in float, every tensor rounded to its grid.

    net: with rounded weights; grids: by tensor name, as a QNetwork has them; images: float32
    (N, H, W, C).
    Raises TypeError for a wrong type; ValueError for a tensor without a grid, a wrong shape, NaN or
    infinity.
    """
    images = check_images(images, (None, None, net.channels))
    _check_names(net, grids=grids)
    tensors, raw = {INPUT: fake_quantize(images, grids[INPUT])}, {}
    for node in net.nodes:
        raw[node.name] = node.layer.forward(*(tensors[name] for name in node.inputs))
        # Also where the layer passes its grid on, because a mean of codes is rounded to a code.
        tensors[node.name] = fake_quantize(raw[node.name], grids[node.name])
    return FakeRun(tensors, raw)


@checked
@in_float("slope and weights")
def backward(
    net: Network, grids: Mapping[str, Grid], run: FakeRun, slope: Array
) -> dict[str, tuple[Array, Array]]:
    """Return (dL/dweights, dL/dbias) by layer name, with equation (12.2) at each grid.

    net, grids: as fake_forward took them; run: what it returned; slope: dL/dlogits.
    Raises TypeError for a wrong type, ValueError for a run of another network, or a slope of
    another shape than its logits.
    The slope by a rounded weight serves for the weight itself: none lies beyond its grid's end.
    """
    _check_names(net, grids=grids, run=run.tensors)
    last = net.nodes[-1].name
    if slope.shape != run.tensors[last].shape:
        raise ValueError(f"slope must be {run.tensors[last].shape}, as logits, got {slope.shape}")
    slopes = {last: slope}
    found: dict[str, tuple[Array, Array]] = {}
    trained = _depend_on_weights(net)
    for node in reversed(net.nodes):
        if node.name not in slopes:
            continue  # no logit depends on it
        slope = slopes.pop(node.name) * reached(run.raw[node.name], grids[node.name])
        inputs = tuple(run.tensors[name] for name in node.inputs)
        if isinstance(node.layer, Weighted):
            found[node.name] = weight_slopes(node.layer, inputs[0], slope)
        if trained & set(node.inputs):
            backs = input_slopes(node.layer, inputs, slope)
            for name, back in zip(node.inputs, backs, strict=True):
                # a tensor with two readers, as before a skip, gets the sum of their slopes
                slopes[name] = slopes[name] + back if name in slopes else back
    return found


def _check_names(net: Network, **given: Mapping[str, object]) -> None:
    """Raise ValueError where what is given by tensor name lacks a tensor of net."""
    names = [INPUT, *(node.name for node in net.nodes)]
    for argument, by_name in given.items():
        if missing := [name for name in names if name not in by_name]:
            raise ValueError(f"{argument} must have {missing}, got {list(by_name)}")


def _depend_on_weights(net: Network) -> set[str]:
    """Return the tensors behind a layer with weights: no slope is needed further up."""
    names: set[str] = set()
    for node in net.nodes:
        if isinstance(node.layer, Weighted) or names & set(node.inputs):
            names.add(node.name)
    return names
