"""The book's three networks, for a menu of a widget: the seed, the trained digits, the wide one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.layers.scheme import Scheme
from tinyq.models import digits, resnet
from tinyq.network import Network, QNetwork
from tinyq.widgets.data.subject import parts_of

NETWORKS = ("seed", "digits", "wide")
SCANS_EACH = 2  # as many test scans of each digit as digits_data.js has


@cache
def trained() -> digits.Digits:
    """Return the trained digits, read once."""
    return digits.load()


@cache
def network(name: str) -> Network:
    """Return the float network of a name in NETWORKS."""
    if name == "seed":
        seed = resnet.seed()
        return resnet.stem_block(seed.weights, seed.biases)
    return trained().net if name == "digits" else trained().wide_net


@cache
def weights_of(name: str) -> Mapping[str, NDArray[np.float32]]:
    """Return the float weights of a network's layers, by the names in PARTS."""
    return parts_of(network(name))[0]


@cache
def shown_images(name: str) -> NDArray[np.float32]:
    """Return the images that the page has of a network: the seed's four, or 20 test scans."""
    if name == "seed":
        return resnet.seed().images[:4]
    d = trained()
    labels = d.labels[d.test]
    every = [d.test[labels == digit][:SCANS_EACH] for digit in range(digits.CLASSES)]
    return d.images[np.concatenate(every)]


@cache
def quantized(name: str, weight_bits: int = 8, per_channel: bool = True) -> QNetwork:
    """Return the int8 network, calibrated as in the book: on 32 images of the seed, 200 scans."""
    images = resnet.seed().images if name == "seed" else trained().images[trained().calibration]
    scheme = Scheme(weight_bits=weight_bits, per_channel=per_channel)
    return network(name).quantize(images, scheme=scheme)


def given_or_shown(
    qnet: QNetwork | None, images: NDArray[Any] | None, name: str
) -> tuple[QNetwork, NDArray[Any]]:
    """Return what a reader gave, or the int8 network of this name and its shown images.

    Raises ValueError where one of the two is missing.
    """
    if qnet is None and images is None:
        return quantized(name), shown_images(name)
    if qnet is None or images is None:
        raise ValueError("qnet and images come together: give both or neither")
    return qnet, images
