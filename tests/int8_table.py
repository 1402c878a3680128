"""The rows that JavaScript must answer as tinyq does, for V8 and for Chromium alike."""

import json
from collections.abc import Callable

import int8_block_rows as blocks
import int8_layer_rows as layers
import int8_rows as arithmetic
import numpy as np

from tinyq.widgets.frame.scripts import FOLDER

DIGITS = FOLDER / "data" / "digits_data.js"  # it needs all of the arithmetic that is tabled

PRELUDE = """
const { int8, layers, block, float32, digits } = tinyqWidgets;
const list = (array) => Array.from(array);
const tensor = (shape, data, grid, kind = Int8Array) => ({ data: kind.from(data), shape, grid });
const plain = ({ data, shape }) => [shape, list(data)];
const each = (object, f) =>
  Object.fromEntries(Object.entries(object).map(([name, x]) => [name, f(x)]));
const ledgerOf = (qnet, shape) => {
  const rows = block.ledger(qnet, shape);
  const grids = [...new Set(rows.map((row) => row.outGrid))];
  return rows.map((r) => [r.name, r.kind, r.inGrids.map((g) => grids.indexOf(g)),
    grids.indexOf(r.outGrid), r.requantizes, r.weightScale, r.multiplier, r.shift, r.weightBytes,
    r.activationBytes]);
};
const attempt = (f) => { try { return f(); } catch (error) {
  if (error instanceof RangeError) return null; throw error; } };
"""


# Each makes rows from a generator and a number of cases of the cheapest function.
BUILDERS = {
    "grids": lambda rng, size: [arithmetic.grid_row(rng, size)],
    "multipliers": lambda rng, size: [arithmetic.multiplier_row(rng, size)],
    "fixed point": arithmetic.fixed_point_rows,
    "rescale": lambda rng, size: arithmetic.rescale_rows(rng, size // 4),
    "requantize": lambda rng, size: arithmetic.requantize_rows(rng, size // 10),
    "weights": lambda rng, size: [layers.weight_row(rng, size // 4)],
    "linear": lambda rng, size: [layers.linear_row(rng, size // 6)],
    "passing": lambda rng, size: [layers.passing_row(rng, size // 8)],
    "add": lambda rng, size: [layers.add_row(rng, size // 4)],
    "block": lambda rng, size: [blocks.block_row()],
    "networks": lambda rng, size: [blocks.network_row(rng, size // 100)],
    "digits": lambda rng, size: [blocks.digits_row()],
}


def differences(call: Callable[[str, object], list], seed: int, size: int, builder: str) -> list:
    """Return (row's name, case, answer, wanted) wherever JavaScript and tinyq disagree."""
    found = []
    for row in BUILDERS[builder](np.random.default_rng(seed), size):
        wanted = json.loads(json.dumps(row.wanted))
        answers = call(row.function, row.cases)
        cases = row.cases or range(len(wanted))
        found += [
            (row.name, case, answer, want)
            for case, answer, want in zip(cases, answers, wanted, strict=True)
            if answer != want
        ]
    return found
