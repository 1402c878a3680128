"""The networks that are timed, their images, and the work that is in them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QClamp, QPad2D
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT
from tinyq.models import resnet
from tinyq.network import Network, QNetwork
from tools.agreement.resnets import images as shapes_and_noise
from tools.agreement.resnets import uniform

SEED, BLOCK = "seed", "ResNet-18 block"
CASES = ((SEED, 1), (SEED, 256), (BLOCK, 1), (BLOCK, 16))
CALIBRATION = 2

Images = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Case:
    """A network, float and int8, and what it is called with: codes, int8 (batch, H, W, C).

    content: of the .tflite that it was opened from, which has no float network; else None.
    """

    network: str
    net: Network | None
    qnet: QNetwork
    codes: NDArray[np.int8]
    content: bytes | None = None

    @property
    def batch(self) -> int:
        """How many images there are in a call."""
        return len(self.codes)


def case(network: str, batch: int) -> Case:
    """Return a case of the tables; network: SEED or BLOCK."""
    return seed_case(batch) if network == SEED else block_case(224, 64, 1000, batch)


def seed_case(batch: int) -> Case:
    """Return the seed on the first images of its formula."""
    weights, biases, calibration = resnet.seed()
    net = resnet.stem_block(weights, biases)
    return quantized(SEED, net, calibration, seed_images(batch))


def seed_images(count: int) -> Images:
    """Return images of the seed's formula: its own 32, and on from there.

    x[s, i] = 0.7 * sin(0.13 * (17 * s + i)) + 0.3 * cos(0.4 * (s + i))
    """
    s, i = np.float32(np.arange(count))[:, None], np.arange(16 * 16 * 3, dtype=np.float32)
    sine = np.float32(np.sin(np.float64(np.float32(0.13) * (17 * s + i))))
    cosine = np.float32(np.cos(np.float64(np.float32(0.4) * (s + i))))
    wave = np.float32(0.7) * sine + np.float32(0.3) * cosine
    return wave.reshape(count, 16, 16, 3)


def block_case(side: int, channels: int, classes: int, batch: int) -> Case:
    """Return the stem and block with random weights, on images (side, side, 3)."""
    net = resnet.stem_block(*random_weights(channels, classes))
    images = shapes_and_noise(1, max(batch, CALIBRATION), (side, side))
    return quantized(BLOCK, net, images[:CALIBRATION], images[:batch])


def quantized(network: str, net: Network, calibration: Images, images: Images) -> Case:
    """Return the case of a float network, calibrated on some images and called with others."""
    qnet = net.quantize(calibration)
    return Case(network, net, qnet, qnet.grids[INPUT].quantize(images))


def random_weights(
    channels: int, classes: int
) -> tuple[Mapping[str, NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]:
    """Return weights and biases for stem_block, the same on every machine."""
    rng = np.random.default_rng(1)
    shapes = {
        "stem": (channels, 7, 7, 3),
        "block1": (channels, 3, 3, channels),
        "block2": (channels, 3, 3, channels),
        "dense": (classes, channels),
    }
    reach = {name: (6 / np.prod(shape[1:])) ** 0.5 for name, shape in shapes.items()}
    weights = {n: uniform(rng, -reach[n], reach[n], shape) for n, shape in shapes.items()}
    return weights, {n: uniform(rng, -0.1, 0.1, shape[:1]) for n, shape in shapes.items()}


@dataclass(frozen=True)
class Work:
    """What a network costs: mac and activation_bytes for one image, weight_bytes once a call.

    moved_bytes: for one image, the input and output of each layer that is not fused into another.
    """

    mac: int
    weight_bytes: int
    activation_bytes: int
    moved_bytes: int


def work(qnet: QNetwork) -> Work:
    """Return what a network costs.  Pads and ReLUs move nothing: an engine fuses them."""
    tensors = qnet.trace(np.zeros((1, *qnet.image_shape), np.int8))
    rows = qnet.ledger()
    unpadded = {n.name: n.inputs[0] for n in qnet.nodes if isinstance(n.layer, QPad2D)}
    mac = moved = 0
    for node in qnet.nodes:
        if isinstance(node.layer, Linear):
            mac += node.layer.weight.size * places(tensors[node.name])
        if not isinstance(node.layer, QPad2D | QClamp):
            reads = (tensors[unpadded.get(name, name)].size for name in node.inputs)
            moved += sum(reads) + tensors[node.name].size
    weight_bytes = sum(row.weight_bytes for row in rows)
    return Work(mac, weight_bytes, sum(row.activation_bytes for row in rows), moved)


def places(made: NDArray[np.int8]) -> int:
    """Return at how many places of one image a weight is used."""
    return math.prod(made.shape[1:-1])
