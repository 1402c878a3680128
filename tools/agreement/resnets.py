"""Random weights for a whole ResNet-18, under torchvision's names, and images for it.

Every number is an integer drawn by NumPy over a power of two: the same on every machine.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

WIDTHS = (64, 128, 256, 512)
NARROW = (8, 16, 32, 64)
BLOCKS, CLASSES = 2, 10
STEPS = 2**20

Array = NDArray[np.float32]


def state(seed: int, widths: Sequence[int] = WIDTHS) -> dict[str, NDArray]:
    """Return the state_dict of a ResNet-18 with random weights and batch norms, as NumPy arrays.

    widths: channels of layer1 to layer4; conv1 has those of layer1.
    """
    rng = np.random.default_rng(seed)
    made = conv(rng, "conv1", "bn1", widths[0], 3, 7)
    channels = widths[0]
    for layer, width in enumerate(widths, 1):
        for block in range(BLOCKS):
            name = f"layer{layer}.{block}"
            made |= conv(rng, f"{name}.conv1", f"{name}.bn1", width, channels, 3)
            made |= conv(rng, f"{name}.conv2", f"{name}.bn2", width, width, 3)
            if layer > 1 and block == 0:
                projection = f"{name}.downsample"
                made |= conv(rng, f"{projection}.0", f"{projection}.1", width, channels, 1)
            channels = width
    reach = (3 / channels) ** 0.5
    made["fc.weight"] = uniform(rng, -reach, reach, (CLASSES, channels))
    made["fc.bias"] = uniform(rng, -1, 1, (CLASSES,))
    return made


def conv(
    rng: Generator, name: str, norm: str, out: int, channels: int, kernel: int
) -> dict[str, NDArray]:
    """Return the parameters of a convolution that keeps its input's size, and of its batch norm."""
    reach = (6 / (channels * kernel**2)) ** 0.5
    return {
        f"{name}.weight": uniform(rng, -reach, reach, (out, channels, kernel, kernel)),
        f"{norm}.weight": uniform(rng, -0.2, 1, (out,)),
        f"{norm}.bias": uniform(rng, -0.5, 0.5, (out,)),
        f"{norm}.running_mean": uniform(rng, -0.5, 0.5, (out,)),
        f"{norm}.running_var": uniform(rng, 0.25, 2, (out,)),
        f"{norm}.num_batches_tracked": np.array(1000),
    }


def images(seed: int, count: int, size: tuple[int, int]) -> Array:
    """Return random images (count, H, W, 3), coarse shapes under fine noise."""
    rng = np.random.default_rng((seed, 1))
    coarse = uniform(rng, -1, 1, (count, -(-size[0] // 8), -(-size[1] // 8), 3))
    shapes = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : size[0], : size[1]]
    return shapes + uniform(rng, -0.25, 0.25, shapes.shape)


def uniform(rng: Generator, low: float, high: float, shape: Sequence[int]) -> Array:
    """Return numbers from low to high, float32."""
    steps = rng.integers(0, STEPS, shape, endpoint=True) / STEPS
    return (low + (high - low) * steps).astype(np.float32)
