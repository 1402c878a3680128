"""Networks on samples of any rank: random ones of layers that move codes, and a reader's own."""

from math import prod

import numpy as np

from tinyq import Scheme, floatref
from tinyq.layers.nodes import Node
from tinyq.network import Network, QNetwork

RNG = np.random.default_rng(14)
MOST_CODES, MOST_RANK = 600, 4


def real(*shape: int) -> np.ndarray:
    """Random float32 weights, the same in each run."""
    return RNG.normal(size=shape).astype(np.float32)


def reader_s_own(channels: int = 3, size: int = 16, classes: int = 10) -> Network:
    """Convolution, pool, flatten, linear: the network of a first course, for the digits' images."""
    flat = 4 * (size // 2) ** 2
    nodes = (
        Node("pad", floatref.Pad2D((1, 1, 1, 1)), ("input",)),
        Node("conv", floatref.Conv2D(real(4, 3, 3, channels), real(4)), ("pad",), "conv"),
        Node("relu", floatref.ReLU(), ("conv",)),
        Node("pool", floatref.MaxPool2D((2, 2), (2, 2)), ("relu",)),
        Node("flat", floatref.Flatten(), ("pool",)),
        Node("fc", floatref.Dense(real(classes, flat) / 8, real(classes)), ("flat",), "fc"),
    )
    return Network(nodes, channels)


class _Draw:
    """Draws layers that take any rank, one after the other."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.shape = tuple(self.rng.integers(2, 5, 1 + seed % 4).tolist())
        self.first, self.nodes, self.name = self.shape, [], "input"

    def network(self) -> Network:
        for kind in self.rng.permutation(["reshape", "transpose", "pad", "concat", "dense"] * 2):
            if prod(self.shape) <= MOST_CODES or kind in ("reshape", "transpose", "dense"):
                getattr(self, kind)()
        return Network(tuple(self.nodes), channels=self.first[-1])

    def append(self, layer, *sources: str, observe: str | None = None) -> None:
        zeros = np.zeros((1, *self.shape), np.float32)
        self.shape = layer.forward(*[zeros] * len(sources)).shape[1:]
        self.name = f"{len(self.nodes)}_{type(layer).__name__}"
        self.nodes.append(Node(self.name, layer, sources, observe and self.name))

    def reshape(self) -> None:
        left, sizes = prod(self.shape), []
        for _ in range(self.rng.integers(0, MOST_RANK)):
            sizes.append(int(self.rng.choice([d for d in range(1, left + 1) if left % d == 0])))
            left //= sizes[-1]
        self.append(floatref.Reshape((*sizes, -1)), self.name)

    def transpose(self) -> None:
        axes = self.rng.permutation(len(self.shape)).tolist()
        self.append(floatref.Transpose(tuple(axes)), self.name)

    def pad(self) -> None:
        pads = self.rng.integers(0, 2, (len(self.shape), 2)).tolist()
        self.append(floatref.Pad(tuple(map(tuple, pads))), self.name)

    def concat(self) -> None:
        axis, count = self.rng.integers(len(self.shape)), self.rng.integers(1, 4)
        self.append(floatref.Concat(int(axis)), *[self.name] * int(count))

    def dense(self) -> None:
        weights = self.rng.normal(size=(int(self.rng.integers(2, 6)), self.shape[-1]))
        bias = self.rng.normal(size=len(weights)).astype(np.float32)
        self.append(floatref.Dense(weights.astype(np.float32), bias), self.name, observe="its own")


def moving_qnet(seed: int) -> QNetwork:
    """A network of every layer that moves codes and two dense layers, ranks 1 to 4."""
    draw = _Draw(seed)
    net = draw.network()
    samples = draw.rng.normal(size=(8, *draw.first)).astype(np.float32)
    return net.quantize(samples, scheme=Scheme())
