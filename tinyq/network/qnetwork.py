"""The int8 network: integer layers, their grids, and what calibration saw."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import Proved, integers, whole
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.images import to_codes
from tinyq.layers.nodes import INPUT, Node, run_nodes, tensor_shapes
from tinyq.network.ledger import LedgerRow, ledger_row
from tinyq.network.wiring import check_wiring
from tinyq.observers import Observer

if TYPE_CHECKING:  # only `compile` needs the engines
    from tinyq.engines import Plan


@dataclass(frozen=True, eq=False)
class QNetwork(Proved):
    """A network in int8: integer layers, the grid and the calibrated range of every tensor.

    nodes: int8 layers in running order; grids: by tensor name, the same object where a layer passes
    through; ranges: what calibration saw, by tensor name; image_shape: of one sample, (H, W, C) for
    images, (C,) for rows, or of any other rank.
    The network keeps read-only mappings of its own, and copies of the observers in ranges.
    Raises as check_wiring does: a network that is made runs.
    """

    nodes: tuple[Node[Layer], ...]
    grids: Mapping[str, Grid]
    ranges: Mapping[str, Observer]
    image_shape: Shape

    def __post_init__(self) -> None:
        super().__post_init__()
        # a later observe is not to change what this network was made from
        object.__setattr__(self, "ranges", MappingProxyType(deepcopy(dict(self.ranges))))

    def _prove(self) -> None:
        check_wiring(self.nodes, self.grids, self.image_shape)

    def __call__(self, images: NDArray[Any]) -> NDArray[np.int8]:
        """Return the int8 logits (N, classes) of images: float32 (N, *image_shape), or codes."""
        return self.trace(images)[self.nodes[-1].name]

    def trace(self, images: NDArray[Any]) -> dict[str, NDArray[np.int8]]:
        """Return every tensor's codes by layer name, the quantized images as "input".

        images: float32 (N, *image_shape), quantized on the input grid here; int8 is taken as codes.
        Raises TypeError for another dtype, ValueError for a wrong shape, NaN or infinity.
        """
        codes = to_codes(images, self.grids[INPUT], self.image_shape)
        return run_nodes(self.nodes, {INPUT: codes})

    def shapes(self) -> dict[str, Shape]:
        """Return the shape of one image's tensors by name, without N, after proving all once more.

        Raises as check_wiring does.
        """
        return check_wiring(self.nodes, self.grids, self.image_shape)

    def dequantize(self, logits: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the real numbers that int8 logits stand for."""
        grid = self.grids[self.nodes[-1].name]
        return grid.dequantize(integers("logits", logits, grid.qmin, grid.qmax))

    def ledger(self) -> list[LedgerRow]:
        """Return the scale bookkeeping: a row for the input and for each layer."""
        shapes = tensor_shapes(self.nodes, self.image_shape)
        sizes = {name: prod(shape) for name, shape in shapes.items()}
        rows = [ledger_row(INPUT, None, self.grids[INPUT], sizes[INPUT])]
        for node in self.nodes:
            rows.append(ledger_row(node.name, node.layer, self.grids[node.name], sizes[node.name]))
        return rows

    def compile(self, engine: str = "numpy", batch: int = 1) -> Plan:
        """Return a plan: the same bytes, faster, for batches of one size.

        engine: "numpy", matrix products in float32 BLAS, kept where they are exact; or "vnni",
        u8 x s8 products in ONNX Runtime and the rest in numba (extra ``fast``; its first plan on a
        machine takes seconds, to compile).  batch: images a call, an int >= 1.
        A plan runs in the thread that calls it.  Only BLAS may start threads of its own, as many
        as OPENBLAS_NUM_THREADS said when NumPy was imported.
        Raises ValueError for an unknown engine or a batch below 1, TypeError for a batch that is no
        integer, ImportError without the extra, and what shapes raises.

        >>> from tinyq import resnet
        >>> weights, biases, images = resnet.seed()
        >>> qnet = resnet.stem_block(weights, biases).quantize(images)
        >>> plan = qnet.compile(batch=32)
        >>> bool((plan(images) == qnet(images)).all())
        True
        """
        from tinyq.engines import ENGINES, Plan

        if engine not in list(ENGINES):
            raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
        batch = whole("batch", batch, least=1)
        self.shapes()
        return Plan(self.nodes, self.grids[INPUT], self.image_shape, engine, batch)
