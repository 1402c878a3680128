"""A float network and its int8 twin, run once on the same images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked, own_fields
from tinyq.layers.nodes import INPUT
from tinyq.network import Network, QNetwork


@dataclass(frozen=True, eq=False)
class Runs:
    """Two networks and every tensor of both on the same images.

    net, qnet: the float network and what it was quantized to; floats: float32 tensors by name,
    "input" first; codes: int8 tensors by the same names.
    """

    net: Network
    qnet: QNetwork
    floats: dict[str, NDArray[np.float32]]
    codes: dict[str, NDArray[np.int8]]

    def __post_init__(self) -> None:
        own_fields(self)
        check_pair(self.net, self.qnet)
        for name in (INPUT, *(node.name for node in self.net.nodes)):
            shapes = [made[name].shape for made in (self.floats, self.codes) if name in made]
            if len(shapes) < 2 or shapes[0] != shapes[1]:
                raise ValueError(f"floats and codes must have {name!r}, of one shape, got {shapes}")

    @property
    def last(self) -> str:
        """The name of the logits."""
        return self.net.nodes[-1].name

    def dequantized(self, name: str) -> NDArray[np.float32]:
        """Return the real numbers of a tensor's codes."""
        return self.qnet.grids[name].dequantize(self.codes[name])


@checked
def run_both(net: Network, qnet: QNetwork, images: NDArray[np.float32]) -> Runs:
    """Run both networks on the images and return all tensors of both.

    net: float; qnet: of the same layers by name; images: float32 (N, H, W, C), N >= 1.
    Raises TypeError for what is no such network, ValueError for two networks with other layers or
    no images, and as trace does.

    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> net = resnet.stem_block(weights, biases)
    >>> runs = run_both(net, net.quantize(images), images[:1])
    >>> runs.codes[runs.last].tolist(), [round(float(x), 2) for x in runs.floats[runs.last][0]]
    ([[-8, 102, 89, -41]], [2.29, 4.41, 4.16, 1.67])
    """
    check_pair(net, qnet)
    floats = net.trace(images)
    if not len(images):
        raise ValueError(f"images must hold at least one, got shape {images.shape}")
    return Runs(net, qnet, floats, qnet.trace(floats[INPUT]))


def check_pair(net: Network, qnet: QNetwork) -> None:
    """Raise ValueError unless both networks have the same layers, by name and wiring."""
    wiring, qwiring = ([(node.name, node.inputs) for node in n.nodes] for n in (net, qnet))
    if wiring != qwiring:
        names, qnames = ([name for name, _ in w] for w in (wiring, qwiring))
        raise ValueError(f"net and qnet must have the same layers, got {names} and {qnames}")
