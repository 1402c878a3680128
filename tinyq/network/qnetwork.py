"""The int8 network: integer layers, their grids, and what calibration saw."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.images import to_codes
from tinyq.layers.nodes import INPUT, Node, run_nodes, tensor_shapes
from tinyq.network.ledger import LedgerRow, ledger_row
from tinyq.network.wiring import check_wiring
from tinyq.observers import Observer

if TYPE_CHECKING:  # only `compile` needs the engines
    from tinyq.engines import Plan


@dataclass(frozen=True, eq=False)
class QNetwork:
    """A network in int8: integer layers, the grid and the calibrated range of every tensor.

    nodes: int8 layers in running order; grids: by tensor name, the same object where a layer passes
    through; ranges: what calibration saw, by tensor name; image_shape: (H, W, C).
    """

    nodes: tuple[Node[Layer], ...]
    grids: dict[str, Grid]
    ranges: dict[str, Observer]
    image_shape: tuple[int, int, int]

    def __call__(self, images: NDArray[Any]) -> NDArray[np.int8]:
        """Return the int8 logits (N, classes) of images: float32 (N, H, W, C), or int8 codes."""
        return self.trace(images)[self.nodes[-1].name]

    def trace(self, images: NDArray[Any]) -> dict[str, NDArray[np.int8]]:
        """Return every tensor's codes by layer name, the quantized images as "input".

        images: float32 (N, H, W, C), quantized on the input grid here; int8 is taken as codes.
        Raises TypeError for another dtype, ValueError for a wrong shape, NaN or infinity.
        """
        codes = to_codes(images, self.grids[INPUT], self.image_shape)
        return run_nodes(self.nodes, {INPUT: codes})

    def shapes(self) -> dict[str, Shape]:
        """Return the shape of one image's tensors by name, without N, after checking the wiring.

        Raises as check_wiring does.
        """
        return check_wiring(self.nodes, self.grids, self.image_shape)

    def dequantize(self, logits: NDArray[np.int8]) -> NDArray[np.float32]:
        """Return the real numbers that int8 logits stand for."""
        return self.grids[self.nodes[-1].name].dequantize(logits)

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
        Raises ValueError for an unknown engine, a batch below 1, layers that do not fit together
        or one tensor padded with two zero_points; TypeError for a batch that is no integer;
        ImportError without the extra.

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
        if isinstance(batch, bool) or not isinstance(batch, int | np.integer):
            raise TypeError(f"batch must be an integer >= 1, got {batch!r}")
        if batch < 1:
            raise ValueError(f"batch must be an integer >= 1, got {batch!r}")
        return Plan(self.nodes, self.grids[INPUT], self.image_shape, engine, batch)
