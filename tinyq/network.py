"""Wiring: a network of named float layers, its calibration, and the int8 network it becomes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, finite_float32
from tinyq.ledger import LedgerRow, ledger_row
from tinyq.observers import MinMax

INPUT = "input"
BATCH = 32


@dataclass(frozen=True, eq=False)
class Node:
    """A named layer and the tensors that it reads.

    name: of the layer and of the tensor it makes; layer: anything with ``forward``;
    inputs: names of earlier tensors; observe: name of the tensor whose range gives this layer a
    grid of its own, None for a layer that passes its input's grid on.
    """

    name: str
    layer: object
    inputs: tuple[str, ...]
    observe: str | None = None


@dataclass(frozen=True, eq=False)
class Network:
    """A float network.

    nodes: layers in running order; the last one gives the logits; channels: C of the images.
    """

    nodes: tuple[Node, ...]
    channels: int

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the float logits (N, classes) of float images (N, H, W, C)."""
        return self.trace(images)[self.nodes[-1].name]

    def trace(self, images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return every tensor by layer name, the images themselves as "input".

        Raises TypeError for images that are not float, ValueError for a wrong shape, NaN, infinity.
        """
        return run_nodes(self.nodes, check_images(images, (None, None, self.channels)))

    def calibrate(self, images: NDArray[np.float32]) -> dict[str, MinMax]:
        """Return the range of every tensor over the images, an observer by layer name.

        images: float32 (N, H, W, C), N >= 1.
        Raises as trace does, and ValueError for an empty set or a tensor that overflows float32.
        """
        images = check_images(images, (None, None, self.channels))
        if not len(images):
            raise ValueError(f"calibration images must hold at least one, got {images.shape}")
        observers = {name: MinMax() for name in (INPUT, *(node.name for node in self.nodes))}
        for start in range(0, len(images), BATCH):
            with np.errstate(over="ignore", invalid="ignore"):  # the observer says it better
                tensors = self.trace(images[start : start + BATCH])
            for name, tensor in tensors.items():
                with naming_layer(name):
                    observers[name].observe(tensor)
        return observers

    def quantize(self, images: NDArray[np.float32]) -> "QNetwork":
        """Calibrate on images and return the int8 network.

        images: float32 (N, H, W, C), N >= 1; later images must have their (H, W, C).
        Raises as calibrate does, and what a layer's from_float raises, with the layer's name.
        """
        ranges = self.calibrate(images)
        grids = {INPUT: ranges[INPUT].grid()}
        nodes = []
        for node in self.nodes:
            own = ranges[node.observe].grid() if node.observe else None
            with naming_layer(node.name):
                layer = node.layer.quantize(*(grids[name] for name in node.inputs), own)
            grids[node.name] = layer.out_grid
            nodes.append(Node(node.name, layer, node.inputs))
        return QNetwork(tuple(nodes), grids, ranges, images.shape[1:])


@dataclass(frozen=True, eq=False)
class QNetwork:
    """A network in int8: integer layers, the grid and the calibrated range of every tensor.

    nodes: int8 layers in running order; grids: by tensor name, the same object where a layer passes
    through; ranges: what calibration saw, by tensor name; image_shape: (H, W, C).
    """

    nodes: tuple[Node, ...]
    grids: dict[str, Grid]
    ranges: dict[str, MinMax]
    image_shape: tuple[int, int, int]

    def __call__(self, images: NDArray) -> NDArray[np.int8]:
        """Return the int8 logits (N, classes) of images: float32 (N, H, W, C), or int8 codes."""
        return self.trace(images)[self.nodes[-1].name]

    def trace(self, images: NDArray) -> dict[str, NDArray[np.int8]]:
        """Return every tensor's codes by layer name, the quantized images as "input".

        images: float32 (N, H, W, C), quantized on the input grid here; int8 is taken as codes.
        Raises TypeError for another dtype, ValueError for a wrong shape, NaN or infinity.
        """
        return run_nodes(self.nodes, self._codes(images))

    def dequantize(self, logits: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the real numbers that int8 logits stand for."""
        return self.grids[self.nodes[-1].name].dequantize(logits)

    def ledger(self) -> list[LedgerRow]:
        """Return the scale bookkeeping: a row for the input and for each layer."""
        sizes = {
            name: codes[0].size
            for name, codes in self.trace(np.zeros((1, *self.image_shape), np.int8)).items()
        }
        rows = [ledger_row(INPUT, None, self.grids[INPUT], sizes[INPUT])]
        for node in self.nodes:
            rows.append(ledger_row(node.name, node.layer, self.grids[node.name], sizes[node.name]))
        return rows

    def _codes(self, images: NDArray) -> NDArray[np.int8]:
        if isinstance(images, np.ndarray) and images.dtype == np.int8:
            check_shape(images, self.image_shape)
            return images
        return self.grids[INPUT].quantize(check_images(images, self.image_shape))


def run_nodes(nodes: Sequence[Node], images: NDArray) -> dict[str, NDArray]:
    """Return every tensor of a forward pass by name, "input" first."""
    tensors = {INPUT: images}
    for node in nodes:
        with naming_layer(node.name):
            tensors[node.name] = node.layer.forward(*(tensors[name] for name in node.inputs))
    return tensors


@contextmanager
def naming_layer(name: str) -> Iterator[None]:
    """Put the layer's name in front of a TypeError or ValueError from inside.

    >>> with naming_layer("stem"):
    ...     raise ValueError("pads must be >= 0")
    Traceback (most recent call last):
    ValueError: layer 'stem': pads must be >= 0
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"layer {name!r}: {error}") from error


def check_shape(images: NDArray, wanted: tuple) -> None:
    """Raise ValueError unless images are (N, H, W, C) with the wanted sizes, None for any."""
    fits = images.ndim == 4 and all(
        want in (None, got) for got, want in zip(images.shape[1:], wanted, strict=True)
    )
    if not fits:
        form = ", ".join(
            letter if want is None else str(want)
            for letter, want in zip("HWC", wanted, strict=True)
        )
        raise ValueError(f"images must have shape (N, {form}), got {images.shape}")


def check_images(images: NDArray, wanted: tuple) -> NDArray[np.float32]:
    """Return images as finite float32 of the wanted shape, or raise TypeError or ValueError."""
    if not isinstance(images, np.ndarray):
        raise TypeError(f"images must be a float32 array (N, H, W, C), got {type(images).__name__}")
    images = finite_float32("images", images)
    check_shape(images, wanted)
    return images
