"""The activation that an operator does by itself: a clamp of its codes."""

import numpy as np

from tinyq.affine import Grid, round_half_away
from tinyq.fixedpoint import INT32
from tinyq.layers import QClamp
from tinyq.models.opened.value import Value
from tinyq.models.tflite import Activation
from tinyq.models.tflite_layers.op import Op

# The ends of each, None for none; and what its node is called.
ENDS: dict[Activation, tuple[float, float | None]] = {
    Activation.RELU: (0.0, None),
    Activation.RELU6: (0.0, 6.0),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
}


def activated(op: Op, value: Value, activation: Activation) -> Value:
    """Return a value after the fused activation of its operator, a node of its own on one grid.

    Raises ValueError for an activation that is no clamp.
    """
    if activation is Activation.NONE:
        return value
    return op.add(clamp(value.grid, activation), value, part=activation.name.lower())


def clamp(grid: Grid, activation: Activation) -> QClamp:
    """Return the clamp that an activation is on a grid; raise ValueError where it is none.

    low = max(qmin, zero_point + round(lo / scale)), high likewise, the quotient in float32

    Source: TFLite ``CalculateActivationRangeQuantized``.

    >>> clamp(Grid(0.1, -3), Activation.RELU6).high
    57
    """
    if activation not in ENDS:
        raise ValueError(f"its fused activation {activation.name} is not supported")
    lo, hi = ENDS[activation]
    high = grid.qmax if hi is None else min(grid.qmax, code(grid, hi))
    return QClamp(grid, max(grid.qmin, code(grid, lo)), high)


def code(grid: Grid, real: float) -> int:
    """Return ``zero_point + round(real / scale)``, which may lie off the grid.

    Raises ValueError where int32 does not hold the quotient: TFLite refuses such a file.
    """
    with np.errstate(over="ignore"):
        steps = round_half_away(np.float32(real) / np.float32(grid.scale))
    if abs(steps) > INT32[1]:
        raise ValueError(f"its scale {grid.scale:.6g} is too fine for an activation up to {real}")
    return grid.zero_point + int(steps)
