"""How few bits will do: accuracy at 2 to 8 bits, for the whole network and layer by layer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.analysis.decision import Score, check_labels, score
from tinyq.analysis.mixed import grid_owners
from tinyq.checks import checked, instance, listed, whole
from tinyq.layers.images import Images, naming
from tinyq.layers.linear import Linear
from tinyq.layers.scheme import INT8, Scheme
from tinyq.network import Network, QNetwork
from tinyq.observers import MinMax, Observer
from tinyq.weights import BITS as WEIGHT_BITS

BITS = tuple(range(2, 9))


@dataclass(frozen=True)
class BitSweep:
    """Scores by number of bits.

    weights: of networks whose weights have that many bits, while activations keep the scheme's;
    activations: the other way round, "input" included.
    """

    weights: dict[int, Score]
    activations: dict[int, Score]


@dataclass(frozen=True)
class LayerBitSweep:
    """Scores by layer and number of bits; every other layer keeps the scheme's.

    weights: by each layer that has weights; activations: by each owner of a grid, "input" first.
    """

    weights: dict[str, dict[int, Score]]
    activations: dict[str, dict[int, Score]]


@checked
def sweep_bits(
    net: Network,
    calibration: Images | Iterable[Images],
    images: NDArray[np.float32],
    labels: NDArray[Any],
    *,
    bits: Sequence[int] = BITS,
    observer: Callable[[], Observer] = MinMax,
    scheme: Scheme = INT8,
) -> BitSweep:
    """Quantize all weights to few bits, then all activations, and score each network.

    net: float; calibration, observer: as Network.quantize takes them, run once for all networks;
    images: float32 (N, H, W, C), N >= 1; labels: integers (N,); bits: numbers in 2..8;
    scheme: of everything that is not swept.
    Raises TypeError for bits that are no sequence of integers, ValueError for bits outside 2..8 or
    none, and as Network.quantize and accuracy do.

    >>> from tinyq import digits
    >>> data = digits.load()
    >>> images, labels = data.images[data.test[:100]], data.labels[data.test[:100]]
    >>> found = sweep_bits(data.net, data.images[data.calibration], images, labels, bits=[2, 8])
    >>> found.weights[2].accuracy, found.activations[2].accuracy, found.weights[8].accuracy
    (0.08, 0.46, 0.99)
    """
    by_weights, by_activations = _schemes(scheme, bits)
    _, scored = _calibrated(net, calibration, images, labels, observer, scheme)
    return BitSweep(
        weights={b: scored(changed, {}) for b, changed in by_weights.items()},
        activations={b: scored(changed, {}) for b, changed in by_activations.items()},
    )


@checked
def sweep_layer_bits(
    net: Network,
    calibration: Images | Iterable[Images],
    images: NDArray[np.float32],
    labels: NDArray[Any],
    *,
    bits: Sequence[int] = BITS,
    observer: Callable[[], Observer] = MinMax,
    scheme: Scheme = INT8,
) -> LayerBitSweep:
    """Quantize the weights of one layer to few bits, then its output, and score each network.

    The scores show which layer cannot do with 4 bits.  Arguments and errors are those of
    sweep_bits.

    >>> from tinyq import digits
    >>> data = digits.load()
    >>> images, labels = data.images[data.test[:100]], data.labels[data.test[:100]]
    >>> net, calibration = data.net, data.images[data.calibration]
    >>> found = sweep_layer_bits(net, calibration, images, labels, bits=[2])
    >>> {name: scores[2].accuracy for name, scores in found.weights.items()}
    {'stem_conv7x7_s2': 0.54, 'block_conv3x3_a': 0.26, 'block_conv3x3_b': 0.81, 'dense_8x10': 0.68}
    """
    by_weights, by_activations = _schemes(scheme, bits)
    qnet, scored = _calibrated(net, calibration, images, labels, observer, scheme)
    weighted = [node.name for node in qnet.nodes if isinstance(node.layer, Linear)]

    def swept(name: str, schemes: Mapping[int, Scheme]) -> dict[int, Score]:
        return {b: scored(scheme, {name: changed}) for b, changed in schemes.items()}

    return LayerBitSweep(
        weights={name: swept(name, by_weights) for name in weighted},
        activations={name: swept(name, by_activations) for name in grid_owners(qnet)},
    )


def _schemes(scheme: Scheme, bits: Sequence[int]) -> tuple[dict[int, Scheme], dict[int, Scheme]]:
    """Return the schemes to try by number of bits, with changed weights and changed activations."""
    instance("scheme", scheme, Scheme)
    bits = [whole("bits", b, *WEIGHT_BITS) for b in listed("bits", bits)]
    if not bits:
        raise ValueError("bits must hold at least one number in 2..8, got none")
    for b in bits:
        whole("bits", b, 2, 8)
    weights = {b: replace(scheme, weight_bits=b) for b in bits}
    return weights, {b: replace(scheme, activation_bits=b) for b in bits}


def _calibrated(
    net: Network,
    calibration: Images | Iterable[Images],
    images: NDArray[np.float32],
    labels: NDArray[Any],
    observer: Callable[[], Observer],
    scheme: Scheme,
) -> tuple[QNetwork, Callable[[Scheme, Mapping[str, Scheme]], Score]]:
    """Return net quantized, and a function that scores it with other schemes on the same ranges."""
    reference = instance("net", net, Network)(images)
    check_labels(labels, reference)
    with naming("calibration"):
        calibrated = net.quantize(calibration, observer=observer, scheme=scheme)

    def scored(scheme: Scheme, schemes: Mapping[str, Scheme]) -> Score:
        ranges, shape = calibrated.ranges, calibrated.image_shape
        qnet = net.quantize_on(ranges, shape, scheme=scheme, schemes=schemes)
        return score(qnet.dequantize(qnet(images)), reference, labels)

    return calibrated, scored
