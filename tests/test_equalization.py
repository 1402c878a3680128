"""Equalization of a whole network: which pairs, how level, and the function that it keeps."""

from dataclasses import replace

import numpy as np
import pytest
from test_digits import DIGITS

from tinyq.floatref import (
    Add,
    Conv2D,
    Dense,
    GlobalAvgPool2D,
    MaxPool2D,
    Pad2D,
    ReLU,
    ReLU6,
    Weighted,
)
from tinyq.layers.nodes import Node
from tinyq.methods.equalization import equalize_network, joined_pairs
from tinyq.network import Network

EPS64 = np.finfo(np.float64).eps
RNG = np.random.default_rng(95)
IMAGES = RNG.normal(size=(3, 8, 8, 3)).astype(np.float32)


def conv(outs, ins, size=3, dtype=np.float64):
    """A convolution whose channels differ a lot, with biases."""
    spread = np.logspace(-2, 2, outs)[RNG.permutation(outs)].reshape(-1, 1, 1, 1)
    weights = RNG.normal(size=(outs, size, size, ins)) * spread
    return Conv2D(weights.astype(dtype), RNG.normal(size=outs).astype(dtype))


def chain(*layers):
    """A network of layers, each reading the one before; their names are a, b, c, ..."""
    names = ["input", *"abcdefghij"]
    pairs = zip(layers, names[1:], strict=False)
    nodes = [
        Node(name, layer, (names[k],), name if isinstance(layer, Weighted) else None)
        for k, (layer, name) in enumerate(pairs)
    ]
    return Network(nodes, channels=3)


LONG = chain(
    conv(5, 3),
    ReLU(),
    Pad2D((1, 0, 2, 1)),
    conv(6, 5),
    MaxPool2D((2, 2), (1, 1)),
    ReLU(),
    conv(4, 6),
)


def by_name(net):
    return {node.name: node.layer for node in net.nodes if isinstance(node.layer, Weighted)}


def test_the_function_is_kept_to_float64_rounding():
    equalized = equalize_network(LONG)
    # the size of the terms that rounding errors are relative to: every weight and input positive
    positive = [
        replace(n, layer=type(n.layer)(*map(abs, (n.layer.weights, n.layer.bias))))
        if isinstance(n.layer, Conv2D)
        else n
        for n in LONG.nodes
    ]
    terms = Network(tuple(positive), channels=3)(abs(IMAGES))
    assert LONG(IMAGES).dtype == np.float64
    # three sums of at most 54 products and two roundings of each weight a sweep
    assert (np.abs(equalized(IMAGES) - LONG(IMAGES)) <= 1000 * EPS64 * terms).all()
    assert not np.array_equal(equalized.nodes[0].layer.weights, LONG.nodes[0].layer.weights)


def test_each_joined_channel_has_one_range_though_pairs_share_a_layer():
    layers = by_name(equalize_network(LONG))
    for first, second in (("a", "d"), ("d", "g")):
        made = np.abs(layers[first].weights).max(axis=(1, 2, 3))
        read = np.abs(layers[second].weights).max(axis=(0, 1, 2))
        np.testing.assert_allclose(made, read, rtol=1e-7)


def test_the_given_network_is_left_as_it_was():
    before = {name: layer.weights.copy() for name, layer in by_name(LONG).items()}
    equalize_network(LONG)
    for name, layer in by_name(LONG).items():
        assert np.array_equal(layer.weights, before[name]), name


def test_types_and_all_that_has_no_partner_stay():
    net = DIGITS.wide_net
    got, was = by_name(equalize_network(net)), by_name(net)
    for name, layer in got.items():
        assert layer.weights.dtype == layer.bias.dtype == np.float32, name
    for name in ("stem_conv7x7_s2", "dense_8x10"):
        assert got[name].weights.tobytes() == was[name].weights.tobytes()
    assert got["block_conv3x3_b"].bias.tobytes() == was["block_conv3x3_b"].bias.tobytes()


def test_the_wide_sibling_and_the_trained_network_become_one():
    wide, trained = (by_name(equalize_network(net)) for net in (DIGITS.wide_net, DIGITS.net))
    for name, layer in wide.items():
        np.testing.assert_allclose(layer.weights, trained[name].weights, rtol=2e-7)


D = Dense(np.ones((4, 4)), np.zeros(4))
FORK = Node("d", D, ("b",), "d"), Node("e", Add(), ("c", "d"), "e")
PAIRS = {
    "a ReLU": (chain(D, ReLU(), D), [("a", "c")]),
    "nothing between": (chain(D, D, D), [("a", "b"), ("b", "c")]),
    "pad and pools": (
        chain(conv(4, 3), Pad2D((1, 1, 1, 1)), MaxPool2D((2, 2), (2, 2)), GlobalAvgPool2D(), D),
        [("a", "e")],
    ),
    "a ReLU6": (chain(D, ReLU6(), D), []),
    "a last layer": (chain(ReLU(), D), []),
    "two readers": (Network((*chain(D, ReLU(), D).nodes, *FORK), 4), []),
    "the skip": (DIGITS.net, [("block_conv3x3_a", "block_conv3x3_b")]),
    "an add of one tensor twice": (
        Network((*chain(D).nodes, Node("b", Add(), ("a", "a"), "b"), Node("c", D, ("b",), "c")), 4),
        [],
    ),
}


@pytest.mark.parametrize(("net", "pairs"), PAIRS.values(), ids=PAIRS)
def test_pairs(net, pairs):
    assert joined_pairs(net.nodes) == pairs


def test_weights_that_no_factor_levels_are_refused_by_name():
    # float64 has no number for the ratio of the two
    broken = replace(D, weights=np.full((4, 4), 1e300)), replace(D, weights=np.full((4, 4), 1e-300))
    with pytest.raises(ValueError, match="layer 'a': factors must be 4 numbers > 0"):
        equalize_network(chain(broken[0], ReLU(), broken[1]))
