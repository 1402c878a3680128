"""The ResNet-18 stem and basic block, the seed's weights and images, and the whole ResNet-18."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked, finite_float32
from tinyq.floatref import Add, Conv2D, Dense, FloatLayer, GlobalAvgPool2D, MaxPool2D, Pad2D, ReLU
from tinyq.layers.linear import check_weight_shapes
from tinyq.layers.nodes import INPUT, Node
from tinyq.models.torch_resnet import block_places, load_torch
from tinyq.network import Network

FORMS = {"stem": "(O, 7, 7, I)", "block1": "(O, 3, 3, I)", "block2": "(O, 3, 3, I)"}
KERNELS = {"stem": (7, 7), "block1": (3, 3), "block2": (3, 3)}
DENSE_FORM = "(out, in)"
Array = NDArray[np.float32]


class Seed(NamedTuple):
    """The seed's weights and biases by layer, and its 32 images (32, 16, 16, 3)."""

    weights: dict[str, Array]
    biases: dict[str, Array]
    images: Array


@checked
def stem_block(
    weights: Mapping[str, NDArray[np.floating]], biases: Mapping[str, NDArray[np.floating]]
) -> Network:
    """Return the float network: 7x7/2 stem, 2x2 max pool, one basic block, mean, dense.

    weights: floats by name, rounded to float32: "stem" (O, 7, 7, C), "block1" (B, 3, 3, O),
    "block2" (O, 3, 3, B), all OHWI, and "dense" (classes, O); any O, B, C and class count.
    biases: by the same names, one number for each output channel.
    Raises ValueError for a missing or unknown name, shapes that do not fit together, NaN or
    infinity; TypeError for arrays that are not float.
    """
    w, b = _check_parameters(weights, biases)
    dense = f"dense_{w['dense'].shape[1]}x{w['dense'].shape[0]}"
    nodes = (
        Node("stem_pad", Pad2D((3, 3, 3, 3)), (INPUT,)),
        _conv("stem_conv7x7_s2", w["stem"], b["stem"], "stem_pad", stride=(2, 2)),
        Node("stem_relu", ReLU(), ("stem_conv7x7_s2",)),
        Node("stem_maxpool2x2", MaxPool2D((2, 2), (2, 2)), ("stem_relu",)),
        Node("block_pad1", Pad2D((1, 1, 1, 1)), ("stem_maxpool2x2",)),
        _conv("block_conv3x3_a", w["block1"], b["block1"], "block_pad1"),
        Node("block_relu_a", ReLU(), ("block_conv3x3_a",)),
        Node("block_pad2", Pad2D((1, 1, 1, 1)), ("block_relu_a",)),
        _conv("block_conv3x3_b", w["block2"], b["block2"], "block_pad2"),
        # The add is calibrated after its ReLU, so that no code is spent on sums that it drops.
        Node("block_add", Add(), ("block_conv3x3_b", "stem_maxpool2x2"), observe="block_relu_b"),
        Node("block_relu_b", ReLU(), ("block_add",)),
        Node("global_avgpool", GlobalAvgPool2D(), ("block_relu_b",)),
        Node(dense, Dense(w["dense"], b["dense"]), ("global_avgpool",), observe=dense),
    )
    return Network(nodes, channels=w["stem"].shape[3])


@checked
def resnet18(state_dict: Mapping[str, object], *, eps: float = 1e-5) -> Network:
    """Return the float ResNet-18 of a state_dict: load_torch, for two blocks in each of 4 layers.

    The float layers add one product at a time, so on one core calibration takes about 0.2 s for an
    image of 64x64 and 2 s for one of 224x224; an executor spreads the batches.  A batch holds every
    tensor, so give large images in batches of a few.

    Raises as load_torch does, and ValueError for another number of blocks.

    >>> resnet18({"layer1.0.conv1.weight": None})
    Traceback (most recent call last):
    ValueError: a ResNet-18 must have the blocks 2, 2, 2, 2 of layer1 to layer4, got 1
    """
    layers = [layer for layer, _ in block_places(state_dict)]
    if layers != [1, 1, 2, 2, 3, 3, 4, 4]:
        got = ", ".join(str(layers.count(layer)) for layer in sorted(set(layers)))
        raise ValueError(
            f"a ResNet-18 must have the blocks 2, 2, 2, 2 of layer1 to layer4, got {got}"
        )
    return load_torch(state_dict, eps=eps)


def seed() -> Seed:
    """Return the seed's weights, biases and 32 images: sinusoids, float32, the same everywhere.

    >>> net = stem_block(*seed()[:2])
    >>> net.quantize(seed().images)(seed().images[:1]).tolist()
    [[-8, 102, 89, -41]]
    """
    weights = {
        "stem": _fill((8, 7, 7, 3), amplitude=0.10, frequency=5.0, phase=0.1),
        "block1": _fill((8, 3, 3, 8), amplitude=0.06, frequency=7.0, phase=0.5),
        "block2": _fill((8, 3, 3, 8), amplitude=0.06, frequency=9.0, phase=1.1),
        "dense": _fill((4, 8), amplitude=0.15, frequency=3.0, phase=0.2),
    }
    biases = {name: np.zeros(len(w), np.float32) for name, w in weights.items()}
    return Seed(weights, biases, np.stack([_image(sample) for sample in range(32)]))


def _conv(
    name: str, weights: Array, bias: Array, source: str, stride: tuple[int, int] = (1, 1)
) -> Node[FloatLayer]:
    return Node(name, Conv2D(weights, bias, stride), (source,), observe=name)


def _check_parameters(
    weights: Mapping[str, NDArray[Any]], biases: Mapping[str, NDArray[Any]]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return float32 copies of weights and biases, or raise: see stem_block."""
    names = [*FORMS, "dense"]
    for argument, given in (("weights", weights), ("biases", biases)):
        if sorted(given) != sorted(names):
            raise ValueError(f"{argument} must have the keys {names}, got {list(given)}")
    w = {name: finite_float32(f"weights[{name!r}]", weights[name]).copy() for name in names}
    b = {name: finite_float32(f"biases[{name!r}]", biases[name]).copy() for name in names}
    for name in names:
        check_weight_shapes(name, FORMS.get(name, DENSE_FORM), w[name], b[name])
        if name in KERNELS and w[name].shape[1:3] != KERNELS[name]:
            raise ValueError(f"{name}: weight must be {FORMS[name]}, got {w[name].shape}")
    stem, block1 = len(w["stem"]), len(w["block1"])
    for name, axis, want, why in (
        ("block1", 3, stem, "the stem's filters"),
        ("block2", 3, block1, "block1's filters"),
        ("block2", 0, stem, "the stem's filters, for the skip"),
        ("dense", 1, stem, "block2's filters"),
    ):
        if w[name].shape[axis] != want:
            raise ValueError(
                f"{name}: weight axis {axis} must be {want} ({why}), got {w[name].shape}"
            )
    return w, b


def _fill(shape: tuple[int, ...], amplitude: float, frequency: float, phase: float) -> Array:
    """Return ``amplitude * sin(frequency * i / n + phase)`` over the flattened shape, float32."""
    n = np.prod(shape)
    t = np.arange(n, dtype=np.float32) / np.float32(n)
    wave = _sin(np.float32(frequency) * t + np.float32(phase))
    return (np.float32(amplitude) * wave).reshape(shape)


def _image(sample: int) -> Array:
    """Return ``0.7 sin(0.13 (17 s + i)) + 0.3 cos(0.4 (s + i))`` as a 16x16x3 image, float32."""
    i = np.arange(16 * 16 * 3, dtype=np.float32)
    wave = np.float32(0.7) * _sin(np.float32(0.13) * (np.float32(17 * sample) + i))
    wave += np.float32(0.3) * _cos(np.float32(0.4) * (np.float32(sample) + i))
    return wave.reshape(16, 16, 3)


# NumPy's float32 sine differs by an ulp between processors; float64 rounded once does not.
def _sin(angle: Array) -> Array:
    return np.sin(angle.astype(np.float64)).astype(np.float32)


def _cos(angle: Array) -> Array:
    return np.cos(angle.astype(np.float64)).astype(np.float32)
