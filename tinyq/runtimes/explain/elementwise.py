"""Why a place of a difference, a product, a rescale, a table or a softmax has its code."""

from fractions import Fraction

import numpy as np

from tinyq import layers
from tinyq.layers.broadcast import check_pair
from tinyq.runtimes.explain.codes import Explanation, Facts, Spot, by_rule
from tinyq.runtimes.explain.steps import decimal

PairSpot = Spot[layers.QAdd] | Spot[layers.QMul] | Spot[layers.QSub]
Codes = tuple[int, int]


def explain_mul(spot: Spot[layers.QMul]) -> Explanation:
    """Return both codes and the exact product in steps of out_grid."""
    codes, (a, b) = pair_at(spot)
    return Explanation(pair_facts(spot, codes, a * b), by_rule(spot, lambda runtime: runtime.mul))


def explain_sub(spot: Spot[layers.QSub]) -> Explanation:
    """Return both codes and the exact difference in steps of out_grid."""
    codes, (a, b) = pair_at(spot)
    return Explanation(pair_facts(spot, codes, a - b), by_rule(spot, lambda runtime: runtime.sub))


def explain_rescale(spot: Spot[layers.QRescale]) -> Explanation:
    """Return the code and the exact real number in steps of out_grid."""
    grid, out, code = spot.layer.in_grid, spot.layer.out_grid, int(spot.inputs[0][spot.place])
    real = (code - grid.zero_point) * Fraction(grid.scale)
    exact = decimal(real / Fraction(out.scale))
    facts: Facts = {"code": code, "exact": exact, "zero_point": out.zero_point}
    return Explanation(facts, by_rule(spot, lambda runtime: runtime.rescale))


def explain_table(spot: Spot[layers.QTable]) -> Explanation:
    """Return the code, and what the layer's own table has for it."""
    code = int(spot.inputs[0][spot.place])
    facts: Facts = {"code": code, "in the table": int(spot.layer.table[code + 128])}
    return Explanation(facts, by_rule(spot, lambda runtime: runtime.table))


def explain_softmax(spot: Spot[layers.QSoftmax]) -> Explanation:
    """Return the code, and the largest code of its row."""
    codes = spot.inputs[0]
    facts: Facts = {
        "code": int(codes[spot.place]),
        "largest": int(codes[spot.place[:-1]].max()),
    }
    return Explanation(facts, by_rule(spot, lambda runtime: runtime.softmax))


def pair_at(spot: PairSpot) -> tuple[Codes, tuple[Fraction, Fraction]]:
    """Return the two codes that go with a place of an output, and their exact real numbers."""
    grids = spot.layer.in_grids
    sides = np.broadcast_arrays(*check_pair(spot.layer, grids, *spot.inputs))
    a, b = (int(codes[spot.place]) for codes in sides)
    real_a, real_b = (
        (code - grid.zero_point) * Fraction(grid.scale)
        for code, grid in zip((a, b), grids, strict=True)
    )
    return (a, b), (real_a, real_b)


def pair_facts(spot: PairSpot, codes: Codes, real: Fraction) -> Facts:
    """Return both codes, and a real number in steps of out_grid."""
    out = spot.layer.out_grid
    return {
        "code a": codes[0],
        "code b": codes[1],
        "exact": decimal(real / Fraction(out.scale)),
        "zero_point": out.zero_point,
    }
