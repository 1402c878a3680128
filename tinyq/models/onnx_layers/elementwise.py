"""QLinearAdd and QLinearMul: two tensors, one of them perhaps a constant, that may broadcast."""

from collections.abc import Callable

import numpy as np

from tinyq.affine import Grid
from tinyq.layers import QAdd, QConstant, QMul
from tinyq.layers.contract import Layer
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.order import TO_IMAGE
from tinyq.models.opened.value import Value


def add(op: Op) -> Value:
    """Make QLinearAdd."""
    return combined(op, QAdd.from_float)


def mul(op: Op) -> Value:
    """Make QLinearMul."""
    return combined(op, QMul.from_float)


def combined(op: Op, from_grids: Callable[[Grid, Grid, Grid], Layer]) -> Value:
    """Make a layer of two tensors; from_grids: builds it from the grids of both and its own.

    Raises ValueError where both are constants, or their samples have two ranks.
    """
    places = [place for place in (0, 3) if not held(op, place)]
    values = {place: op.codes(place) for place in places}
    ranks = {len(value.seen) for value in values.values()}
    if len(ranks) != 1:
        shapes = [value.seen for value in values.values()]
        raise ValueError(f"it must read samples of one rank that operators make, got {shapes}")
    (rank,) = ranks
    a, b = (values[place] if place in values else side(op, place, rank) for place in (0, 3))
    return op.add(from_grids(a.grid, b.grid, op.grid(6)), a, b)


def held(op: Op, place: int) -> bool:
    """Return whether an input is a constant."""
    tensor = op.model.tensors.get(op.tensor(place))
    return tensor is not None and tensor.data is not None


def side(op: Op, place: int, rank: int) -> Value:
    """Return a constant as a node of its own; rank: of a sample that it goes with.

    Raises ValueError where it is not the same for each sample.
    """
    codes, grid = op.constant(place, "INT8"), op.grid(place + 1)
    if codes.ndim > rank + 1 or (codes.ndim == rank + 1 and codes.shape[0] != 1):
        raise ValueError(f"a constant must be the same for each sample, got {codes.shape}")
    sample = codes.reshape((1,) * (rank - codes.ndim) + codes.shape[max(codes.ndim - rank, 0) :])
    if rank == 3:
        sample = np.ascontiguousarray(sample.transpose(TO_IMAGE))
    return op.add(QConstant(grid, sample), part="ab"[place > 0])
