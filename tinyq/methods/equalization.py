"""Cross-layer equalization of a whole network: equation (9.5) over every pair that allows it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinyq.floatref import AvgPool2D, Conv2D, Dense, GlobalAvgPool2D, MaxPool2D, Pad2D, ReLU
from tinyq.layers.nodes import Node, naming_layer
from tinyq.methods.fold import equalize
from tinyq.methods.fold.checks import finite
from tinyq.network import Network

WEIGHTED = (Conv2D, Dense)
# f(s x) = s f(x) for s > 0.  A ReLU6 is not among them: its 6 does not move with the scale.
EQUIVARIANT = (ReLU, Pad2D, MaxPool2D, AvgPool2D, GlobalAvgPool2D)
SWEEPS = 100
SETTLED = 1e-9


def equalize_network(net: Network) -> Network:
    """Return the network with its channels' ranges levelled, and its function kept.

    Each pair of joined_pairs is rescaled by equation (9.5).  Where pairs share a layer, levelling
    one tilts the other: the sweep over all pairs is repeated until no weight moves by more than
    1e-9 of itself (at most 100 times).

    net: of tinyq.floatref layers; it is left as it was.
    Returns a Network with the same names, shapes and dtypes.  In real numbers it computes the same;
    each weight is rounded once, to the dtype that it had.
    Raises ValueError for weights that are not finite, with the layer's name.
    Source: Nagel et al. 2019, section 4.1.

    >>> one = np.ones(1)
    >>> nodes = [Node("a", Dense(8 * one[:, None], one), ("input",)), Node("relu", ReLU(), ("a",))]
    >>> nodes += [Node("b", Dense(0.5 * one[:, None], one), ("relu",))]
    >>> level = equalize_network(Network(tuple(nodes), channels=1)).nodes
    >>> level[0].layer.weights, level[0].layer.bias, level[2].layer.weights
    (array([[2.]]), array([0.25]), array([[2.]]))
    """
    pairs = joined_pairs(net.nodes)
    parts = {
        node.name: _finite_parts(node) for node in net.nodes if isinstance(node.layer, WEIGHTED)
    }
    for _ in range(SWEEPS):
        before = {name: weights for name, (weights, _) in parts.items()}
        for first, second in pairs:
            with naming_layer(first):
                levelled = equalize(*parts[first], parts[second][0])
            parts[first][:], parts[second][0] = levelled[:2], levelled[2]
        if all(np.allclose(parts[name][0], before[name], SETTLED, atol=0) for name in before):
            break
    return replace(net, nodes=tuple(_with_parts(node, parts) for node in net.nodes))


def _finite_parts(node: Node) -> list:
    with naming_layer(node.name):
        return [finite(name, getattr(node.layer, name)) for name in ("weights", "bias")]


def joined_pairs(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """Return the names of layers with weights that only scale-equivariant layers join.

    The first one's output, and every tensor on the way, has one reader, and each layer on the way
    is a ReLU, a pad or a pool.  So the stem of a residual block has no partner (the skip reads it
    too), and a layer that feeds the add has none.

    nodes: layers in running order.  Returns (first, second) names in running order.
    """
    readers: dict[str, list[Node]] = {node.name: [] for node in nodes}
    for node in nodes:
        for name in set(node.inputs) & set(readers):
            readers[name].append(node)
    pairs = []
    for node in nodes:
        if isinstance(node.layer, WEIGHTED):
            at = readers[node.name]
            while len(at) == 1 and isinstance(at[0].layer, EQUIVARIANT):
                at = readers[at[0].name]
            if len(at) == 1 and isinstance(at[0].layer, WEIGHTED):
                pairs.append((node.name, at[0].name))
    return pairs


def _with_parts(node: Node, parts: dict[str, list]) -> Node:
    """Return node with its weights and bias among parts, in the dtype of its own."""
    if node.name not in parts:
        return node
    own = node.layer.weights, node.layer.bias
    both = zip(parts[node.name], own, strict=True)
    weights, bias = (part.astype(old.dtype) for part, old in both)
    return replace(node, layer=replace(node.layer, weights=weights, bias=bias))
