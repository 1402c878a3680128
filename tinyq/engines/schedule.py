"""Who does what: each step's rows cut into tiles, shared among workers, on memory of their own."""

from collections.abc import Mapping, Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from tinyq.engines.graph import Op
from tinyq.engines.steps import Step
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile, share, tiles
from tinyq.layers.linear import Linear

# As measured on the machine of book/engines.json.
MOST_SCRATCH = 2**20  # columns and products of this size stay in a core's second cache
SHARE_FROM = 2**25  # multiply-adds in a step that are worth the time in which workers wait
CODE = 128  # multiply-adds that take as long as one code that is moved or looked up


def is_large(op: Op, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a step takes so long that several workers do it sooner than one."""
    moved = CODE * max(tensors[name].codes.size for name in (*op.inputs, op.name))
    if not isinstance(op.layer, Linear):
        return moved >= SHARE_FROM
    sums = tensors[op.name].codes.size * op.window[0] * op.window[1]
    return max(moved, sums * op.layer.weight[0].size) >= SHARE_FROM


def schedule(
    steps: Sequence[Step], workers: Sequence[int], batch: int, scratch: int
) -> tuple[list[list[Step | None]], int]:
    """Return a pipeline for each worker, see Crew, and the bytes of their scratch memory.

    workers: how many may share each step; batch: images; scratch: bytes for all workers together,
    if one row of each step fits.
    """
    most = min(MOST_SCRATCH, scratch // max(workers))
    shares = [_shares(step, batch, count, most) for step, count in zip(steps, workers, strict=True)]
    arenas = _arenas(steps, shares)
    stages = [_bound(step, parts, arenas) for step, parts in zip(steps, shares, strict=True)]
    pipelines = [
        [stage[worker] if worker < len(stage) else None for stage in stages]
        for worker in range(len(arenas))
    ]
    return pipelines, sum(arena.nbytes for arena in arenas)


def _shares(step: Step, batch: int, workers: int, scratch: int) -> list[list[Tile]]:
    """Return each worker's tiles, as large as the scratch memory takes."""
    most = -(-batch * step.rows // workers)
    row = step.need(Tile(0, 1, 0, 1))
    return share(tiles(batch, step.rows, min(most, scratch // row) if row else most), workers)


def _arenas(steps: Sequence[Step], shares: Sequence[list[list[Tile]]]) -> list[NDArray[np.uint8]]:
    """Return the scratch memory of each worker, as large as its largest step takes."""
    sizes = [0] * max(map(len, shares))
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
