"""Networks that stretch the exporters: every layer, any wiring, the ends of every range."""

import numpy as np

from tinyq import Grid, Requantizer, Rounding, Scheme, layers
from tinyq.export.c_kernels import KERNELS
from tinyq.export.tflite_steps import same_pads
from tinyq.floatref import (
    Add,
    AvgPool2D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    GlobalAvgPool2D,
    MaxPool2D,
    Pad2D,
    ReLU,
    ReLU6,
)
from tinyq.layers.nodes import Node
from tinyq.network import Network, QNetwork

INTEGER = (Rounding.DOUBLE, Rounding.UP, Rounding.SINGLE)
KINDS = set(KERNELS)  # what C and a .npz can hold
# tests/test_any_rank.py and tests/test_elementwise_networks.py have networks of these
ELSEWHERE = {layers.QReshape, layers.QTranspose, layers.QPad, layers.QConcat, layers.QConstant}
ELSEWHERE |= {layers.QMean, layers.QMul, layers.QRescale, layers.QSoftmax, layers.QSub}
ELSEWHERE |= {layers.QTable}
# Layers that need a float original are drawn from these.
ON_IMAGES = ("conv", "conv", "depthwise", "pad", "max", "avg", "relu", "relu6", "add")
ON_ROWS = ("dense", "relu", "add")


class _Draw:
    """Draws layers one after the other; tensors: (name, shape of one image) so far."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)
        self.shape = (*self.rng.integers(8, 15, 2).tolist(), int(self.rng.integers(1, 5)))
        self.tensors = [("input", self.shape)]
        self.nodes: list[Node] = []

    def network(self) -> Network:
        for _ in range(9):
            self.add_one(ON_IMAGES)
        self.append(GlobalAvgPool2D(), self.tensors[-1])
        for _ in range(4):
            self.add_one(ON_ROWS)
        return Network(tuple(self.nodes), channels=self.shape[2])

    def add_one(self, kinds) -> None:
        rank = 3 if kinds is ON_IMAGES else 1
        fitting = [t for t in self.tensors if len(t[1]) == rank]
        # mostly the newest, at times an older one: branches, and layers that nobody reads
        source = fitting[-1] if self.rng.random() < 0.75 else self.pick(fitting)
        kind, shape = self.pick(kinds), source[1]
        if kind == "add":
            return self.append(Add(), source, self.pick([t for t in fitting if t[1] == shape]))
        self.append(self.layer(kind, shape), source)

    def layer(self, kind: str, shape: tuple):
        window = tuple(self.integer(1, min(3, size)) for size in shape[:2])
        stride = (self.integer(1, 2), self.integer(1, 2))
        match kind:
            case "conv":
                return Conv2D(
                    *self.weights((*window, shape[2])), stride, self.dilation(window, shape)
                )
            case "depthwise":
                times = self.integer(1, 2)
                parts = self.weights(window, shape[2] * times)
                return DepthwiseConv2D(*parts, times, stride, self.dilation(window, shape))
            case "dense":
                return Dense(*self.weights(shape))
            case "pad":
                return Pad2D(tuple(self.rng.integers(0, 3, 4).tolist()))
            case "max":
                high, wide = window
                ends = (high, high, wide, wide)
                pads = tuple(self.integer(0, size - 1) for size in ends)
                return MaxPool2D(window, stride, pads)
            case "avg":  # TFLite has no other pads
                pool = layers.QAvgPool2D(Grid(1.0, 0), window, stride)
                pads = same_pads(pool, (1, *shape)) if self.integer(0, 1) else (0, 0, 0, 0)
                return AvgPool2D(window, stride, pads)
        return ReLU() if kind == "relu" else ReLU6()

    def dilation(self, window: tuple, shape: tuple) -> tuple:
        """As far apart as the image lets the window's pixels be, at most 3."""
        most = [
            (size - 1) // (k - 1) if k > 1 else 3 for k, size in zip(window, shape, strict=False)
        ]
        return tuple(self.integer(1, min(3, limit)) for limit in most)

    def weights(self, shape: tuple, out: int | None = None):
        out = out or self.integer(1, 6)
        weights = self.rng.normal(size=(out, *shape)).astype(np.float32)
        return weights, self.rng.normal(size=out).astype(np.float32)

    def append(self, layer, *sources) -> None:
        zeros = [np.zeros((1, *shape), np.float32) for _, shape in sources]
        name, owns = (
            f"{len(self.nodes)}/{type(layer).__name__} √",
            ("Conv2D", "DepthwiseConv2D", "Dense", "Add"),
        )
        observe = name if type(layer).__name__ in owns else None
        self.nodes.append(Node(name, layer, tuple(n for n, _ in sources), observe))
        self.tensors.append((name, layer.forward(*zeros).shape[1:]))

    def pick(self, choices):
        return choices[self.rng.integers(len(choices))]

    def integer(self, least: int, most: int) -> int:
        return int(self.rng.integers(least, most + 1))


def random_qnet(seed: int, roundings=INTEGER, bits=(2, 4, 8, 8)) -> QNetwork:
    """Return a calibrated network of random wiring, sizes, bits of activations, and roundings."""
    draw = _Draw(seed)
    net = draw.network()
    schemes = {
        name: Scheme(
            weight_bits=draw.integer(2, 8),
            activation_bits=draw.pick(bits),
            per_channel=bool(draw.integer(0, 1)),
            rounding=draw.pick(roundings),
        )
        for name in ["input", *(node.name for node in net.nodes)]
    }
    images = draw.rng.normal(size=(8, *draw.shape)).astype(np.float32)
    return net.quantize(images, schemes=schemes)


def random_codes(qnet: QNetwork, count: int, seed: int = 0) -> np.ndarray:
    """Return images as codes, each of the input's grid equally likely."""
    grid, rng = qnet.grids["input"], np.random.default_rng(seed)
    return rng.integers(grid.qmin, grid.qmax + 1, (count, *qnet.image_shape)).astype(np.int8)


def edge_qnet(rounding: Rounding) -> QNetwork:
    """Return a layer whose accumulators reach both ends of int32, under ratios of every size."""
    grid, out = Grid(1.0, 3), Grid(1.0, -7)
    ratios = [0.0, 2.0**-33, 2.0**-32, 2.0**-31, 1e-8, 0.25, 0.3, 0.5, 1 - 2.0**-40, 1.0]
    ratios += [1.5, 3.3, 1000.1, 2.0**20 + 0.1, 2.0**29 * 1.99]
    top, steps = 2**31 - 1, (127 * 131, 127 * 124)
    biases = [top - steps[1], top - steps[0], -(2**31) + steps[0], 0, 1, -1, 2**30, -(2**30)]
    pairs = [(bias, ratio) for bias in biases for ratio in ratios]
    bias, ratio = (np.array(column) for column in zip(*pairs, strict=True))
    weight = np.where(bias == top - steps[0], -127, 127)[:, None, None, None]
    conv = layers.QConv2DPerChannel(
        in_grid=grid,
        out_grid=out,
        weight=weight.astype(np.int8),
        bias=bias.astype(np.int32),
        weight_scale=np.ones(len(bias), np.float32),
        requantizer=Requantizer(ratio, rounding),
        stride=(10**12, 1),
    )
    nodes = (Node("edge", conv, ("input",)),)
    return QNetwork(nodes, {"input": grid, "edge": out}, {}, (1, 1, 1))
