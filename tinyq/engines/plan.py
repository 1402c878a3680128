"""A plan: an int8 network made ready for one batch size, memory allocated, weights packed."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.engines.fuse import KNOWN, Op, fuse
from tinyq.engines.steps import LayerStep, Step
from tinyq.engines.tensors import Tensor
from tinyq.engines.tiles import Tile, tiles
from tinyq.layers import QReshape
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.images import to_codes
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, Node, check_nodes, naming_layer, tensor_shapes
from tinyq.requantize import Requantizer

ENGINES = {"numpy": "tinyq.engines.blas", "vnni": "tinyq.engines.vnni"}
# Columns and products of this size stay in a core's second cache, on book/engines.json's machine.
MOST_SCRATCH = 2**20
LEAST_SCRATCH = 2**12  # so that a tiny network is not cut into rows


class Plan:
    """Run an int8 network on batches of one size: the very bytes of its layers.

    engine, batch: as QNetwork.compile takes them; nbytes: of all that the plan holds, weights,
    tables, tensors and scratch memory.
    Any thread may call a plan.  A call waits for the one before it: they share the memory.  A child
    that was forked has its own, even if another thread was in a call then.
    """

    def __init__(
        self,
        nodes: Sequence[Node[Layer]],
        grid: Grid,
        image_shape: Shape,
        engine: str,
        batch: int,
    ):
        """Make the plan; nodes, grid of the input and image_shape are the network's."""
        self.engine, self.batch = engine, batch
        self._grid, self._image_shape = grid, image_shape
        make = import_module(ENGINES[engine]).step
        check_nodes(nodes)
        sizes, ops = tensor_shapes(nodes, image_shape), fuse(nodes)
        self._tensors = _tensors(ops, sizes, batch)
        self._output = self._tensors[nodes[-1].name]
        activations = batch * sum(int(np.prod(shape)) for shape in sizes.values())
        weights = sum(op.layer.weight.nbytes for op in ops if isinstance(op.layer, Linear))
        # None: a layer of one's own may make codes that its grid does not have
        grids = {INPUT: grid} | {
            node.name: node.layer.out_grid if type(node.layer) in KNOWN else None for node in nodes
        }
        room = (activations + weights) // 4
        moving = [op for op in ops if not _is_view(op, self._tensors)]
        self._steps = [_step(make, op, self._tensors, grids, room) for op in moving]
        self._locks: dict[int, Lock] = {}
        most = min(MOST_SCRATCH, max(LEAST_SCRATCH, (activations + weights) * 3 // 4))
        scratch = _bind(self._steps, batch, most)
        held = scratch + sum(step.held for step in self._steps)
        self.nbytes = held + sum(one.nbytes for one in self._tensors.values())
        # a first run compiles what is not compiled yet, so that no later one waits for it
        self(np.full((batch, *image_shape), grid.zero_point, np.int8))

    def __call__(self, images: NDArray) -> NDArray[np.int8]:
        """Return the int8 logits (batch, classes) of images: float32, or codes.

        images: (batch, *image_shape), as QNetwork takes them.

        Raises as QNetwork does, and ValueError for another batch size.
        """
        codes = to_codes(images, self._grid, self._image_shape)
        if len(codes) != self.batch:
            raise ValueError(f"images must be {self.batch}, as the plan was made, got {len(codes)}")
        # A lock a process: if another thread holds it when the process forks, nobody in the child
        # would ever let it go.  The memory is the child's own, and a call writes all that it reads.
        with self._locks.setdefault(os.getpid(), Lock()):
            self._tensors[INPUT].codes[...] = codes
            for step in self._steps:
                step()
            return self._output.codes.copy()

    def __repr__(self) -> str:
        return f"Plan(engine={self.engine!r}, batch={self.batch})"


def _tensors(ops: Sequence[Op], sizes: Mapping[str, tuple], batch: int) -> dict[str, Tensor]:
    """Return the tensors that the steps read and write, with the borders their readers want.

    A reshape makes a view of what it reads, unless one of the two has a border.
    """
    tensors: dict[str, Tensor] = {}
    reshaped = {op.name: op.inputs[0] for op in ops if type(op.layer) is QReshape}
    for name in [INPUT, *(op.name for op in ops)]:
        padded = [op for op in ops if name in op.inputs and any(op.pads)]
        zeros = {op.layer.in_grid.zero_point for op in padded}  # one: all are on the tensor's grid
        of = tensors[reshaped[name]] if name in reshaped and not padded else None
        plain = of is not None and of.image.size == of.buffer.size
        shape, pads = (batch, *sizes[name]), [op.pads for op in padded]
        zero_point = zeros.pop() if zeros else 0
        tensors[name] = Tensor(shape, pads, zero_point, of if plain else None)
    return tensors


def _is_view(op: Op, tensors: Mapping[str, Tensor]) -> bool:
    """Return whether what a step makes is there already, in the memory of what it reads."""
    return type(op.layer) is QReshape and not tensors[op.name].nbytes


def _step(make: Callable, op: Op, tensors: Mapping, grids: Mapping, room: int) -> Step:
    """Return the engine's step, or the layer's own where only that does all that the layer does.

    A requantizer of one's own may have another arithmetic, as a layer of one's own may, for which
    an engine has no step; a layer that reads what such a layer made refuses the codes that its
    grid does not have.  An engine repeats an axis where an image has it.
    """
    sources, target = [tensors[name] for name in op.inputs], tensors[op.name]
    read = zip(op.inputs, op.layer.in_grids, strict=True)
    on_grid = all(grids[name] == grid for name, grid in read)
    plain = all(type(one) is Requantizer for one in op.layer.requantizers.values())
    with naming_layer(op.name):
        made = make(op, sources, target, room) if on_grid and plain else None
    return made or LayerStep(op, sources, target)


def _bind(steps: Sequence[Step], batch: int, scratch: int) -> int:
    """Cut each step's output into tiles, and let all steps work on one scratch memory.

    scratch: bytes that a tile may take, unless one row takes more.  Returns the bytes allocated.
    """
    cut = [(step, _tiles_of(step, batch, scratch)) for step in steps]
    size = max((step.need(tile) for step, its_tiles in cut for tile in its_tiles), default=0)
    # the steps run one after the other, so what one leaves there the next may overwrite
    arena = np.empty(size, np.uint8)
    for step, its_tiles in cut:
        step.bind(its_tiles, arena)
    return size


def _tiles_of(step: Step, batch: int, scratch: int) -> list[Tile]:
    """Return the tiles of a step's output, as large as the scratch memory takes, one for none."""
    row, every = step.need(Tile(0, 1, 0, 1)), batch * step.rows
    return tiles(batch, step.rows, min(every, scratch // row) if row else every)
