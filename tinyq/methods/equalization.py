"""Cross-layer equalization of a whole network: equation (9.5) over every pair that allows it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tinyq.checks import checked, instance
from tinyq.floatref import AvgPool2D, FloatLayer, GlobalAvgPool2D, MaxPool2D, Pad2D, ReLU, Weighted
from tinyq.layers.nodes import Node, naming_layer
from tinyq.methods.fold import equalize
from tinyq.methods.fold.checks import Array, finite
from tinyq.network import Network

# f(s x) = s f(x) for every s > 0.  ReLU6 is left out because its 6 does not move with the scale.
EQUIVARIANT = (ReLU, Pad2D, MaxPool2D, AvgPool2D, GlobalAvgPool2D)
SWEEPS = 100
SETTLED = 1e-9


@checked
def equalize_network(net: Network) -> Network:
    """Return the network with its channels' ranges levelled, and its function kept.

    Equation (9.5) rescales each pair of joined_pairs.  Where pairs share a layer, levelling one
    tilts the other, so the sweep over all pairs is repeated until no weight moves by more than
    1e-9 of itself (at most 100 times).

    net: of tinyq.floatref layers; it is left as it was.
    Returns a Network with the same names, shapes and dtypes.  In real numbers it computes the same;
    each weight is rounded once, to the dtype that it had.
    Raises TypeError for what is no Network, ValueError for weights that are not finite, with the
    layer's name.
    Source: Nagel et al. 2019, section 4.1.

    >>> from tinyq.floatref import Dense
    >>> one = np.ones(1)
    >>> a, b = Dense(8 * one[:, None], one), Dense(0.5 * one[:, None], one)
    >>> nodes = [Node("a", a, ("input",), observe="a"), Node("relu", ReLU(), ("a",))]
    >>> nodes += [Node("b", b, ("relu",), observe="b")]
    >>> level = equalize_network(Network(tuple(nodes), channels=1)).nodes
    >>> level[0].layer.weights, level[0].layer.bias, level[2].layer.weights
    (array([[2.]]), array([0.25]), array([[2.]]))
    """
    pairs = joined_pairs(net.nodes)
    weights, biases = {}, {}
    for node in net.nodes:
        if isinstance(node.layer, Weighted):
            with naming_layer(node.name):
                weights[node.name] = finite("weights", node.layer.weights)
                biases[node.name] = finite("bias", node.layer.bias)
    for _ in range(SWEEPS):
        before = dict(weights)
        for one, two in pairs:
            with naming_layer(one):
                levelled = equalize(weights[one], biases[one], weights[two])
            weights[one], biases[one], weights[two] = levelled
        if all(np.allclose(weights[name], before[name], SETTLED, atol=0) for name in before):
            break
    return replace(net, nodes=tuple(_with_parts(node, weights, biases) for node in net.nodes))


@checked
def joined_pairs(nodes: Sequence[Node[FloatLayer]]) -> list[tuple[str, str]]:
    """Return pairs of layers with weights that only scale-equivariant layers join, by name.

    The first one's output, and every tensor on the way, has one reader, and each layer on the way
    is a ReLU, a pad or a pool.  So the stem of a residual block has no partner, because the skip
    reads it too, and neither has a layer that feeds the add.

    nodes: layers in running order.  Returns (first, second) names in running order.
    """
    for node in nodes:
        instance("nodes", node, Node)
    readers: dict[str, list[Node[FloatLayer]]] = {node.name: [] for node in nodes}
    for node in nodes:
        for name in set(node.inputs) & set(readers):
            readers[name].append(node)
    pairs = []
    for node in nodes:
        if isinstance(node.layer, Weighted):
            at = readers[node.name]
            while len(at) == 1 and isinstance(at[0].layer, EQUIVARIANT):
                at = readers[at[0].name]
            if len(at) == 1 and isinstance(at[0].layer, Weighted):
                pairs.append((node.name, at[0].name))
    return pairs


def _with_parts(
    node: Node[FloatLayer], weights: Mapping[str, Array], biases: Mapping[str, Array]
) -> Node[FloatLayer]:
    """Return node with the weights and bias of its name, in the dtypes that its own have."""
    if not isinstance(node.layer, Weighted):
        return node
    own = node.layer
    layer = replace(
        own,
        weights=weights[node.name].astype(own.weights.dtype),
        bias=biases[node.name].astype(own.bias.dtype),
    )
    return replace(node, layer=layer)
