"""ADD, SUB and MUL: two tensors, one of them perhaps a constant, whose shapes may broadcast."""

from collections.abc import Callable

from tinyq.affine import Grid
from tinyq.layers import QAdd, QConstant, QMul, QSub
from tinyq.layers.contract import Layer
from tinyq.models.opened.value import Value
from tinyq.models.tflite.options import AddOptions, MulOptions, SubOptions
from tinyq.models.tflite_layers.activation import activated
from tinyq.models.tflite_layers.grid import grid_of
from tinyq.models.tflite_layers.op import Op

FROM_GRIDS: dict[str, Callable[[Grid, Grid, Grid], Layer]] = {
    "ADD": QAdd.from_float,
    "MUL": QMul.from_float,
    "SUB": QSub.from_float,
}


def elementwise(op: Op) -> Value:
    """Make ADD, SUB or MUL, and the fused activation."""
    options = op.operator.options
    assert isinstance(options, AddOptions | MulOptions | SubOptions)
    a, b = (side(op, place) for place in (0, 1))
    layer = FROM_GRIDS[op.operator.name](a.grid, b.grid, op.out_grid)
    return activated(op, op.add(layer, a, b), options.fused_activation_function)


def side(op: Op, place: int) -> Value:
    """Return one input: what an operator makes, or a constant as a node of its own.

    Raises ValueError where the batch axis would be aligned with another.
    """
    tensor, rank = op.needed(place), len(op.output.shape)
    if tensor.data is None:
        if len(tensor.shape) != rank and op.batch != 1:
            raise ValueError(f"tensor {tensor.index} must have {rank} axes, got {tensor.shape}")
        return op.value(place)
    codes, grid = tensor.data, grid_of(tensor)
    if codes.ndim >= rank and codes.shape[0] != 1:
        raise ValueError(f"a constant must be the same for each sample, got {codes.shape}")
    # with as many axes as the output, so that it can be written again
    sample = (
        codes[0]
        if codes.ndim >= rank
        else codes.reshape((1,) * (rank - 1 - codes.ndim) + codes.shape)
    )
    return op.add(QConstant(grid, sample), part="ab"[place])
