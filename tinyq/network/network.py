"""Wiring: a network of named float layers, its calibration, and the int8 network it becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, checked, instance, whole
from tinyq.floatref import FloatLayer
from tinyq.layers.checks import IMAGE
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.images import Images, batches, check_images, sizes_of
from tinyq.layers.nodes import INPUT, Node, check_nodes, naming_layer, run_nodes
from tinyq.layers.scheme import INT8, Scheme
from tinyq.network.calibration import calibrate
from tinyq.network.qnetwork import QNetwork
from tinyq.observers import MinMax, Observer

if TYPE_CHECKING:  # an executor brings threads and logging with it
    from concurrent.futures import Executor


FLOAT_LAYER: Any = FloatLayer  # protocols, to a type checker
LAYER: Any = Layer
MAPPING: Any = Mapping


@dataclass(frozen=True, eq=False)
class Network(Proved):
    """A float network.

    nodes: layers in running order; the last one gives the logits; channels: C of the images, the
    last axis of what is no image.
    Raises TypeError or ValueError, with the layer's name, for a name twice, an input that no
    earlier layer makes, too many or too few of them, what is no float layer, and a layer that needs
    a grid of its own, where its node has nothing to observe.
    """

    nodes: tuple[Node[FloatLayer], ...]
    channels: int

    def _prove(self) -> None:
        whole("Network: channels", self.channels, least=1)
        check_nodes(self.nodes)
        for node in self.nodes:
            with naming_layer(node.name):
                _check_float_layer(node)

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the float logits (N, classes) of float images (N, H, W, C), or rows (N, C)."""
        if not self.nodes:
            raise ValueError("the network must have at least one layer, got none")
        return self.trace(images)[self.nodes[-1].name]

    def trace(self, images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return every tensor by layer name, the images themselves as "input".

        Raises TypeError for images that are not float, ValueError for a wrong shape, NaN, infinity.
        """
        images = check_images(images, sizes_of(self.channels, self._reads_images()))
        return run_nodes(self.nodes, {INPUT: images})

    def calibrate(
        self,
        images: Images | Iterable[Images],
        *,
        observer: Callable[[], Observer] = MinMax,
        executor: Executor | None = None,
    ) -> dict[str, Observer]:
        """Return the range of every tensor over the images, an observer by layer name.

        images: float32 (N, H, W, C), N >= 1, from memory or a memory-mapped file, run in batches
        of 32; or an iterable of such arrays, each a batch, read once.  All images have one (H, W).
        A network whose input no layer takes for an image also takes (N, C), or (N, ..., C).
        observer: returns a fresh observer, say MinMax or partial(Percentile, percent=99.9).
        executor: any concurrent.futures.Executor, each batch a task for it; None runs them here.
        The outcome is the same to the last bit: observers are merged in the order of the batches.
        Memory does not grow with the number of images: 32 batches are under way at most.

        Processes: ``ProcessPoolExecutor()``.  A Dask cluster (extra ``dask``), here of two worker
        processes; a worker that dies is started anew, and its batches run again:

            with LocalCluster(n_workers=2) as cluster, Client(cluster) as client:
                net.calibrate(batches, executor=client.get_executor(pure=False))

        Raises TypeError for images that are not float or an observer that is none, ValueError for
        no images, a wrong shape, NaN, infinity, a tensor that overflows float32; RuntimeError when
        the executor gave no result, as when its worker died.  Each names the batch.

        >>> from concurrent.futures import ThreadPoolExecutor
        >>> net = Network((), channels=3)
        >>> batches = (np.full((1, 2, 2, 3), i, np.float32) for i in range(100))
        >>> with ThreadPoolExecutor() as pool:
        ...     net.calibrate(batches, executor=pool)
        {'input': MinMax(lo=0.0, hi=99.0)}
        """
        return calibrate(self, self._batches(images), observer, executor)

    def quantize(
        self,
        images: Images | Iterable[Images],
        *,
        observer: Callable[[], Observer] = MinMax,
        executor: Executor | None = None,
        scheme: Scheme = INT8,
        schemes: Mapping[str, Scheme] = MappingProxyType({}),
    ) -> QNetwork:
        """Calibrate on images and return the int8 network.

        images, observer, executor: as calibrate takes them; later images must have their (H, W, C).
        scheme: of each layer that schemes does not name; schemes: by layer name, or "input".
        A channel of near-zero weights gets a scale in which its bias fits int32, and a mark in the
        ledger.
        Raises as calibrate does, ValueError for an unknown name in schemes, and what a layer's
        from_float raises, with the layer's name.
        """
        schemes = self._schemes(scheme, schemes)
        stream = self._batches(images)
        first = next(stream)
        ranges = calibrate(self, chain([first], stream), observer, executor)
        return self.quantize_on(ranges, first[1].shape[1:], schemes=schemes)

    @checked
    def quantize_on(
        self,
        ranges: Mapping[str, Observer],
        image_shape: Shape,
        *,
        scheme: Scheme = INT8,
        schemes: Mapping[str, Scheme] = MappingProxyType({}),
    ) -> QNetwork:
        """Return the int8 network on ranges that are known already: of calibrate, or your own.

        ranges: an observer for "input" and for each tensor that a layer's observe names;
        image_shape: (H, W, C) of later images, or another rank; scheme, schemes: as quantize takes
        them.
        Raises TypeError or ValueError for a tensor without a range, what is no observer, one that
        makes a grid of other codes than it is asked for, images of another C, or so small that a
        kernel does not fit them; and what quantize raises after calibration.

        >>> from tinyq import resnet
        >>> weights, biases, images = resnet.seed()
        >>> net = resnet.stem_block(weights, biases)
        >>> ranges = net.calibrate(images) | {"input": MinMax(-2.0, 2.0)}
        >>> net.quantize_on(ranges, (16, 16, 3)).grids["input"].scale
        0.01568627543747425
        """
        schemes = self._schemes(scheme, schemes)
        if image_shape[-1:] != (self.channels,):
            raise ValueError(f"image_shape must have C = {self.channels}, got {image_shape}")
        observed = [node.observe for node in self.nodes if node.observe is not None]
        needed = [INPUT, *observed]
        if missing := [name for name in needed if name not in ranges]:
            raise ValueError(f"ranges must have {missing}, got {list(ranges)}")
        with naming_layer(INPUT):
            grids = {INPUT: _grid(ranges, INPUT, schemes[INPUT])}
        nodes = []
        for node in self.nodes:
            chosen = schemes[node.name]
            with naming_layer(node.name):
                own = None if node.observe is None else _grid(ranges, node.observe, chosen)
                in_grids = [grids[name] for name in node.inputs]
                made = node.layer.quantize(*in_grids, own, chosen)
                layer = instance("what its quantize returns", made, LAYER)
            grids[node.name] = layer.out_grid
            nodes.append(Node(node.name, layer, node.inputs))
        return QNetwork(tuple(nodes), grids, ranges, image_shape)

    def _reads_images(self) -> bool:
        """Whether a layer that reads the input takes it for an image (N, H, W, C)."""
        readers = [node.layer for node in self.nodes if INPUT in node.inputs]
        return any(getattr(layer, "form", None) == IMAGE for layer in readers)

    def _batches(self, images: Images | Iterable[Images]) -> Iterator[tuple[str, Images]]:
        return batches(images, self.channels, self._reads_images())

    def _schemes(self, scheme: Scheme, schemes: Mapping[str, Scheme]) -> dict[str, Scheme]:
        names = [INPUT, *(node.name for node in self.nodes)]
        return _scheme_by_name(names, scheme, schemes)


def _check_float_layer(node: Node[FloatLayer]) -> None:
    layer = instance("its layer", node.layer, FLOAT_LAYER)
    kind = type(layer).__name__
    try:
        signature(layer.forward).bind(*node.inputs)
    except TypeError as error:
        raise ValueError(f"{kind} cannot read inputs {node.inputs}: {error}") from None
    if getattr(layer, "requantizes", False) and node.observe is None:
        raise ValueError(f"observe must name a tensor: {kind} needs a grid of its own, got None")


def _grid(ranges: Mapping[str, Observer], name: str, scheme: Scheme) -> Grid:
    """Return the grid that an observer makes for a scheme's codes."""
    grid = ranges[name].grid(scheme.qmin, scheme.qmax)
    instance(f"what ranges[{name!r}].grid returns", grid, Grid)
    if (grid.qmin, grid.qmax) != (scheme.qmin, scheme.qmax):
        raise ValueError(
            f"ranges[{name!r}].grid must keep to codes {scheme.qmin}..{scheme.qmax}, got {grid}"
        )
    return grid


def _scheme_by_name(
    names: Sequence[str], scheme: Scheme, schemes: Mapping[str, Scheme]
) -> dict[str, Scheme]:
    """Return each name's scheme, or raise TypeError or ValueError: see Network.quantize."""
    instance("scheme", scheme, Scheme)
    instance("schemes", schemes, MAPPING)
    unknown = [name for name in schemes if name not in names]
    if unknown:
        raise ValueError(f"schemes must have names among {list(names)}, got {unknown}")
    chosen = dict.fromkeys(names, scheme) | dict(schemes)
    for name, got in chosen.items():
        instance(f"schemes[{name!r}]", got, Scheme)
    return chosen
