"""Why a place of a mean has its code: what was summed, and of how many."""

from fractions import Fraction

import numpy as np

from tinyq.layers import QMean
from tinyq.runtimes.explain.codes import Explanation, Facts, Spot, by_rule
from tinyq.runtimes.explain.steps import decimal
from tinyq.runtimes.pool import AveragePool, window_sums


def explain_average_pool(spot: Spot[AveragePool]) -> Explanation:
    """Return the sum of the window's raw codes, their count, and the exact mean code."""
    sums, counts = window_sums(spot.layer, spot.inputs[0])
    total, count = (int(np.broadcast_to(x, sums.shape)[spot.place]) for x in (sums, counts))
    facts: Facts = {"sum": total, "count": count, "exact": decimal(Fraction(total, count))}
    return Explanation(facts, by_rule(spot, lambda runtime: runtime.average_pool))


def explain_mean(spot: Spot[QMean]) -> Explanation:
    """Return the sum of the raw codes, their count, and the exact mean in steps of out_grid."""
    layer, codes, place = spot.layer, spot.inputs[0], spot.place
    grid, out = layer.in_grid, layer.out_grid
    sums, count = layer.total(codes), layer.count(codes.shape[1:])
    total = int(sums.reshape(layer.forward(codes).shape)[place])
    real = Fraction(total - count * grid.zero_point, count) * Fraction(grid.scale)
    facts: Facts = {
        "sum": total,
        "count": count,
        "exact": decimal(real / Fraction(out.scale)),
        "zero_point": out.zero_point,
    }
    return Explanation(facts, by_rule(spot, lambda runtime: runtime.mean))
