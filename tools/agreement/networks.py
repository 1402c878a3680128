"""Networks of the seed's shape with random weights, and the ways a converter may write them."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tinyq.floatref import Pad2D
from tinyq.layers import QGlobalAvgPool2D, QMean
from tinyq.models import resnet
from tinyq.network import Network, QNetwork

SHAPES = {"stem": (8, 7, 7, 3), "block1": (8, 3, 3, 8), "block2": (8, 3, 3, 8), "dense": (4, 8)}


@dataclass(frozen=True)
class Variant:
    """How the network is written.

    fuse_relu: each ReLU inside the layer before it; fuse_pad: SAME convolutions, not PAD;
    mean: MEAN where the average pool was.
    """

    fuse_relu: bool
    fuse_pad: bool
    mean: bool

    @property
    def name(self) -> str:
        """What is in the graph, for a report."""
        words = ("fused" if self.fuse_relu else "RELU", "SAME" if self.fuse_pad else "PAD")
        return ", ".join((*words, "MEAN" if self.mean else "AVERAGE_POOL_2D"))


VARIANTS = [Variant(*flags) for flags in product((False, True), repeat=3)]


def network(rng: Generator, variant: Variant) -> QNetwork:
    """Return an int8 network with random weights and biases, calibrated on 32 random images."""
    weights = {
        name: np.float32(rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape))
        for name, shape in SHAPES.items()
    }
    biases = {name: np.float32(rng.normal(0, 0.1, shape[0])) for name, shape in SHAPES.items()}
    net = resnet.stem_block(weights, biases)
    if variant.fuse_pad:
        net = with_same_stem(net)
    qnet = net.quantize(np.float32(rng.uniform(-1, 1, (32, 16, 16, 3))))
    return with_mean(qnet) if variant.mean else qnet


def images(rng: Generator, count: int) -> NDArray[np.int8]:
    """Return codes (count, 16, 16, 3) of random images."""
    return rng.integers(-128, 128, (count, 16, 16, 3), dtype=np.int8)


def with_same_stem(net: Network) -> Network:
    """Return the network, its stem padded as SAME does: 2 before and 3 after, not 3 and 3."""
    nodes = [
        replace(node, layer=Pad2D((2, 3, 2, 3))) if node.name == "stem_pad" else node
        for node in net.nodes
    ]
    return Network(tuple(nodes), net.channels)


def with_mean(qnet: QNetwork) -> QNetwork:
    """Return the network, MEAN from its grid to the same grid where the average pool was."""
    nodes = [
        replace(node, layer=QMean(node.layer.in_grid, node.layer.out_grid))
        if isinstance(node.layer, QGlobalAvgPool2D)
        else node
        for node in qnet.nodes
    ]
    return QNetwork(tuple(nodes), qnet.grids, qnet.ranges, qnet.image_shape)
