"""Functions of one code: every table against its loop nest, and what a table refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyq import Grid
from tinyq.layers import QTable
from tinyq.layers.functions import Function
from tinyq.runtimes import oracle

EVERY = np.arange(-128, 128, dtype=np.int8)
SEEDED = settings(max_examples=60, derandomize=True, deadline=None, database=None)
ONE_GRID = {Function.LOGISTIC: Grid(1 / 256, -128), Function.TANH: Grid(1 / 128, 0)}
TOO_FINE = {
    Function.HARD_SWISH: "in_grid.scale / out_grid.scale must be in 2",
    Function.LEAKY_RELU: "the ratio must be below 2..23 for sums of up to 255",
    Function.RELU: "the ratio must be below 2..23 for sums of up to 255",
    Function.RELU6: "the ratio must be below 2..23 for sums of up to 255",
}
codes = st.sampled_from([-128, 0, 127]) | st.integers(-128, 127)


def alpha_of(function: Function, alpha: float) -> float | None:
    return alpha if function is Function.LEAKY_RELU else None


@pytest.mark.parametrize("function", Function)
@SEEDED
@given(
    st.floats(-10, 2.9),
    st.floats(-6, 6),
    codes,
    codes,
    st.floats(-2, 2),
    st.sampled_from([-128, -90]),
)
def test_every_code_is_as_the_loop_nest_has_it(function, power, ratio, zero, zero_out, alpha, qmin):
    in_grid = Grid(float(np.float32(2.0**power)), zero)
    out_scale = float(np.float32(in_grid.scale * 2.0**ratio))
    out_grid = ONE_GRID.get(function) or Grid(out_scale, max(zero_out, qmin), qmin, 127)
    layer = QTable.of(function, in_grid, out_grid, alpha_of(function, alpha))
    assert layer.forward(EVERY[None])[0].tolist() == oracle.forward(layer, EVERY.tolist())


FORMULAS = {
    Function.LOGISTIC: lambda x: 1 / (1 + np.exp(-x)),
    Function.TANH: np.tanh,
    Function.HARD_SWISH: lambda x: x * np.clip(x + 3, 0, 6) / 6,
    Function.LEAKY_RELU: lambda x: np.where(x >= 0, x, 0.25 * x),
    Function.RELU: lambda x: np.maximum(x, 0),
    Function.RELU6: lambda x: np.clip(x, 0, 6),
}


@pytest.mark.parametrize("function", Function)
def test_a_table_is_within_a_code_of_its_function(function):
    in_grid, out_grid = Grid(0.05, -10), ONE_GRID.get(function, Grid(0.06, -20))
    layer = QTable.of(function, in_grid, out_grid, alpha_of(function, 0.25))
    x = in_grid.scale * (EVERY.astype(float) + 10)
    want = np.clip(FORMULAS[function](x) / out_grid.scale + out_grid.zero_point, -128, 127)
    assert np.abs(layer.table - want).max() < (1.0 if function is Function.HARD_SWISH else 0.63)
    assert len(set(layer.table.tolist())) > 60


@pytest.mark.parametrize("function", TOO_FINE)
def test_grids_that_a_formula_cannot_hold_are_refused(function):
    with pytest.raises(ValueError, match=f"^{function.name.rstrip('6')}: {TOO_FINE[function]}"):
        QTable.of(function, Grid(100.0, -128), Grid(1e-6, 0), alpha_of(function, 0.1))


@pytest.mark.parametrize("function", ONE_GRID)
@pytest.mark.parametrize("scale", [8.0, 2.0**-29])
def test_a_curve_needs_an_input_that_its_fixed_point_holds(function, scale):
    with pytest.raises(ValueError, match=r"in_grid.scale must be in 2\*\*-28..8, got "):
        QTable.of(function, Grid(scale, 0), ONE_GRID[function])
    for inside in (2.0**-28, np.nextafter(np.float32(8), np.float32(0))):
        QTable.of(function, Grid(float(inside), 0), ONE_GRID[function])


@pytest.mark.parametrize("function", ONE_GRID)
def test_a_curve_makes_the_one_grid_that_tflite_lays_down(function):
    with pytest.raises(ValueError, match=f"^{function.name}: out_grid must be Grid"):
        QTable.of(function, Grid(0.1, 0), Grid(1 / 256, 3))


GRID, TABLE = Grid(0.5, 0, -100, 90), np.zeros(256, np.int8)


@pytest.mark.parametrize(
    ("error", "message", "fields"),
    [
        (ValueError, r"table must have shape \(256,\), got \(255,\)", {"table": TABLE[1:]}),
        (
            ValueError,
            r"table must lie in -100..90, got 91..91",
            {"table": np.full(256, 91, np.int8)},
        ),
        (TypeError, "table must be an array of int8", {"table": TABLE.astype(np.int16)}),
        (TypeError, "in_grid must be a Grid", {"in_grid": 0.5}),
        (TypeError, "function must be a Function", {"function": "TANH"}),
        (ValueError, "LEAKY_RELU alone has an alpha", {"alpha": 0.5}),
        (ValueError, "LEAKY_RELU alone has an alpha", {"function": Function.LEAKY_RELU}),
        (ValueError, "alpha must be a finite number", {"alpha": np.nan}),
    ],
)
def test_a_table_proves_its_parts(error, message, fields):
    with pytest.raises(error, match=f"^QTable: {message}"):
        QTable(**{"in_grid": GRID, "out_grid": GRID, "table": TABLE} | fields)


def test_a_table_is_the_layer_s_own():
    table = TABLE.copy()
    layer = QTable(GRID, GRID, table)
    table[:] = 5
    assert not layer.table.any()
    with pytest.raises(ValueError, match="read-only|WRITEABLE"):
        layer.table[0] = 1


def test_a_table_of_no_function_is_looked_up():
    table = np.random.default_rng(0).integers(-100, 91, 256).astype(np.int8)
    layer = QTable(Grid(0.5, 0), GRID, table)
    assert layer.forward(EVERY.reshape(2, 4, 4, 8)).ravel().tolist() == table.tolist()
    assert oracle.forward(layer, EVERY.tolist()) == table.tolist()
