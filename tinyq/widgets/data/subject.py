"""What the widgets on a whole block run: a float network of the seed's form, images, ranges."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tinyq.floatref import Array, Weighted
from tinyq.layers.images import Images, check_images, naming
from tinyq.layers.nodes import INPUT
from tinyq.models import resnet
from tinyq.network import Network
from tinyq.observers import Observer
from tinyq.widgets.frame.encode import encode

PARTS = ("stem", "block1", "block2", "dense")
GRIDS = ("input", "stem", "block1", "block2", "add", "logits")
SHOWN = 4  # the seed's test images


@dataclass(frozen=True, eq=False)
class Subject:
    """A float network, the images to run, and what calibration saw of each tensor.

    net: of resnet.stem_block's form; images: float32 (N, H, W, C), N >= 1; ranges: an observer by
    tensor name; own: whether a reader gave them, so that the page must be told.
    """

    net: Network
    images: NDArray[np.float32]
    ranges: Mapping[str, Observer]
    own: bool = True

    @property
    def observed(self) -> dict[str, str]:
        """The tensor whose range makes each grid, by the grid's name in GRIDS."""
        own = [node.observe for node in self.net.nodes if node.observe]
        return dict(zip(GRIDS, [INPUT, *own], strict=True))

    @property
    def classes(self) -> int:
        """How many logits the network has."""
        return len(parts_of(self.net)[1]["dense"])

    def data(self, **more: object) -> str:
        """Return the subject as a page reads it; empty for the seed's, which it makes itself."""
        if not self.own:
            return ""
        weights, biases = parts_of(self.net)
        ranges = {name: {"lo": seen.lo, "hi": seen.hi} for name, seen in self.ranges.items()}
        images = self.images.astype(np.float32)
        return encode(
            {"weights": weights, "biases": biases, "images": images, "ranges": ranges, **more}
        )


@cache
def of_seed() -> Subject:
    """Return the seed's network, its four test images, the ranges of all 32."""
    weights, biases, images = resnet.seed()
    net = resnet.stem_block(weights, biases)
    return Subject(net, images[:SHOWN], net.calibrate(images), own=False)


def subject_of(
    net: Network | None, images: Images | None, calibration: Images | Iterable[Images] | None
) -> Subject:
    """Return the subject that a reader gave, or the seed's where nothing is given.

    net: of resnet.stem_block's form; images: float32 (N, H, W, C), N >= 1; calibration: what
    net.calibrate takes, images where it is None.
    Raises ValueError where one of net and images is missing, for a network of another form, for no
    images, and as calibrate does; TypeError for images that are not float.
    """
    if net is None and images is None and calibration is None:
        return of_seed()
    if net is None or images is None:
        raise ValueError("net and images must be given together")
    parts_of(net)
    images = check_images(images, (None, None, net.channels))
    if not len(images):
        raise ValueError(f"images must hold at least one, got shape {images.shape}")
    if calibration is None:
        return Subject(net, images, net.calibrate(images))
    with naming("calibration"):
        return Subject(net, images, net.calibrate(calibration))


def parts_of(net: Network) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the weights and biases that resnet.stem_block would make net of.

    Raises ValueError for a network of another form.
    """
    layers = [node.layer for node in net.nodes if isinstance(node.layer, Weighted)]
    if len(layers) != len(PARTS):
        raise ValueError(
            f"net must have the form of resnet.stem_block, got {len(layers)} layers with weights"
        )
    weights = {part: layer.weights for part, layer in zip(PARTS, layers, strict=True)}
    biases = {part: layer.bias for part, layer in zip(PARTS, layers, strict=True)}
    wiring, wanted = (
        [(node.name, node.inputs, node.observe) for node in one.nodes]
        for one in (net, resnet.stem_block(weights, biases))
    )
    if wiring != wanted:
        names = [name for name, *_ in wiring]
        raise ValueError(f"net must have the form of resnet.stem_block, got {names}")
    return weights, biases
