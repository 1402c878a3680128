"""A plan: an int8 network made ready for one batch size, memory allocated, weights packed."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from importlib import import_module
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.engines.crew import Crew
from tinyq.engines.graph import KNOWN, Op, fold
from tinyq.engines.shapes import shapes
from tinyq.engines.steps import LayerStep, Step
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile, share, tiles
from tinyq.images import to_codes
from tinyq.nodes import INPUT, Node, naming_layer

ENGINES = {"numpy": "tinyq.engines.blas", "vnni": "tinyq.engines.vnni"}
MOST_SCRATCH = 2**20  # columns and products of this size stay in a core's second cache


class Plan:
    """Run an int8 network on batches of one size: the very bytes of its layers.

    engine, batch, threads: as QNetwork.compile takes them; nbytes: of all that the plan holds,
    weights, tables, tensors and scratch memory.
    A call waits for the one before it: they share the memory.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        grid: Grid,
        image_shape: tuple[int, int, int],
        engine: str,
        batch: int,
        threads: int,
    ):
        """Make the plan; nodes, grid of the input and image_shape are the network's."""
        self.engine, self.batch, self.threads = engine, batch, threads
        self._grid, self._image_shape = grid, image_shape
        make = import_module(ENGINES[engine]).step
        sizes, ops = shapes(nodes, image_shape), fold(nodes)
        self._tensors = _tensors(ops, sizes, batch)
        self._output = self._tensors[nodes[-1].name]
        activations = batch * sum(int(np.prod(shape)) for shape in sizes.values())
        steps = [_step(make, op, self._tensors, activations // 8) for op in ops]
        scratch = min(MOST_SCRATCH, activations // 2 // threads)
        shares = [_shares(step, batch, threads, scratch) for step in steps]
        arenas = _arenas(steps, shares, threads)
        stages = [_bound(step, parts, arenas) for step, parts in zip(steps, shares, strict=True)]
        workers = range(max(map(len, stages)))  # no more than there are shares
        self._crew = Crew(
            [[stage[k] if k < len(stage) else None for stage in stages] for k in workers]
        )
        self._lock = Lock()
        held = sum(step.held for step in steps) + sum(arena.nbytes for arena in arenas)
        self.nbytes = held + sum(one.buffer.nbytes for one in self._tensors.values())
        # a first run compiles what is not compiled yet, so that no later one waits for it
        self(np.full((batch, *image_shape), grid.zero_point, np.int8))

    def __call__(self, images: NDArray) -> NDArray[np.int8]:
        """Return the int8 logits (batch, classes) of images: float32 (batch, H, W, C), or codes.

        Raises as QNetwork does, and ValueError for another batch size.
        """
        codes = to_codes(images, self._grid, self._image_shape)
        if len(codes) != self.batch:
            raise ValueError(f"images must be {self.batch}, as the plan was made, got {len(codes)}")
        with self._lock:
            self._tensors[INPUT].codes[...] = codes
            self._crew.run()
            return self._output.codes.copy()

    def __repr__(self) -> str:
        return f"Plan(engine={self.engine!r}, batch={self.batch}, threads={self.threads})"


def _tensors(ops: Sequence[Op], sizes: Mapping[str, tuple], batch: int) -> dict[str, Tensor]:
    """Return the tensors that the steps read and write, with the borders their readers want."""
    tensors = {}
    for name in [INPUT, *(op.name for op in ops)]:
        padded = [op for op in ops if name in op.inputs and any(op.pads)]
        zeros = {op.layer.in_grid.zero_point for op in padded}
        if len(zeros) > 1:
            raise ValueError(f"tensor {name!r} must be padded with one zero_point, got {zeros}")
        tensors[name] = Tensor((batch, *sizes[name]), [op.pads for op in padded], *zeros)
    return tensors


def _step(make: Callable, op: Op, tensors: Mapping[str, Tensor], room: int) -> Step:
    sources = [tensors[name] for name in op.inputs]
    with naming_layer(op.name):
        known = type(op.layer) in KNOWN
        made = make(op, sources, tensors[op.name], room) if known else None
        return made or LayerStep(op, sources, tensors[op.name])


def _shares(step: Step, batch: int, threads: int, scratch: int) -> list[list[Tile]]:
    """Return each worker's tiles, as large as the scratch memory takes."""
    most = -(-batch * step.rows // threads)
    row = step.need(Tile(0, 1, 0, 1))
    return share(tiles(batch, step.rows, min(most, scratch // row) if row else most), threads)


def _arenas(steps: Sequence[Step], shares: Sequence, threads: int) -> list[NDArray[np.uint8]]:
    """Return the scratch memory of each worker, as large as its largest step takes."""
    sizes = [0] * threads
    for step, parts in zip(steps, shares, strict=True):
        for worker, part in enumerate(parts):
            sizes[worker] = max(sizes[worker], *(step.need(tile) for tile in part))
    return [np.empty(size, np.uint8) for size in sizes]


def _bound(step: Step, shares: Sequence[list[Tile]], arenas: Sequence[NDArray]) -> list[Step]:
    """Return a copy of the step for each worker's share; they read the same weights."""
    workers = []
    for part, arena in zip(shares, arenas, strict=False):
        worker = copy(step)
        worker.bind(part, arena)
        workers.append(worker)
    return workers
