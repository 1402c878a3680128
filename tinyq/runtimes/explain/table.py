"""How each layer is explained, by its type."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tinyq import layers
from tinyq.layers.contract import Layer
from tinyq.runtimes.explain.add import explain_add
from tinyq.runtimes.explain.codes import Explanation, Spot, codes_alone
from tinyq.runtimes.explain.elementwise import (
    explain_mul,
    explain_rescale,
    explain_softmax,
    explain_sub,
    explain_table,
)
from tinyq.runtimes.explain.linear import explain_linear
from tinyq.runtimes.explain.pool import explain_average_pool, explain_mean

# Functions of a spot, for layers of exactly the type.  A layer that is not
# here is explained by its codes alone.
EXPLAINED: dict[type, Callable[[Spot[Any]], Explanation]] = {
    layers.QAdd: explain_add,
    layers.QAvgPool2D: explain_average_pool,
    layers.QConv2D: explain_linear,
    layers.QConv2DPerChannel: explain_linear,
    layers.QDense: explain_linear,
    layers.QDepthwiseConv2D: explain_linear,
    layers.QGlobalAvgPool2D: explain_average_pool,
    layers.QMean: explain_mean,
    layers.QMul: explain_mul,
    layers.QRescale: explain_rescale,
    layers.QSoftmax: explain_softmax,
    layers.QSub: explain_sub,
    layers.QTable: explain_table,
}


def explain(spot: Spot[Layer]) -> Explanation:
    """Return how each runtime comes to its code at a place of a layer's output.

    >>> import numpy as np
    >>> from tinyq import Grid
    >>> pool = layers.QGlobalAvgPool2D(Grid(1.0, 0))
    >>> why = explain(Spot(pool, [np.int8([[[[2], [3]]]])], (0, 0)))
    >>> why.facts
    {'sum': 5, 'count': 2, 'exact': '2.500000'}
    >>> [(step.rule, step.code) for step in why.steps]
    [('pool.half_away', 3), ('pool.onnx_runtime', 2), ('pool.pytorch', 2)]
    """
    why = EXPLAINED.get(type(spot.layer), codes_alone)(spot)
    clamps = ", then ".join(f"{low}..{high}" for low, high in spot.clamps)
    return replace(why, facts={**why.facts, "clamp": clamps}) if clamps else why
