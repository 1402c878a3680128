"""What kit.js writes and the grids of int8.js, in V8: every number equals tinyq's, to the bit."""

import contextlib
import math

import numpy as np
import pytest
from widget_v8 import V8

from tinyq.affine import Grid, round_half_away
from tinyq.widgets import GridRuler

FLOAT32_MAX = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).smallest_subnormal)


@pytest.fixture(scope="module")
def v8():
    one = V8([GridRuler.script()])
    one.racer.eval("const { int8, kit } = tinyqWidgets;")
    return one.call


def random_reals(rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers of every size that float32 has, and of either sign."""
    return rng.choice([-1.0, 1.0], count) * 10.0 ** rng.uniform(-44, 38.4, count)


def test_lround_rounds_half_away_from_zero(v8):
    rng = np.random.default_rng(1)
    whole = np.concatenate([np.arange(-300, 300), rng.integers(-(2**51), 2**51, 2000)])
    ties = whole + 0.5
    xs = np.concatenate([ties, np.nextafter(ties, -np.inf), np.nextafter(ties, np.inf), whole])
    got = v8("xs => xs.map(int8.lround)", xs.tolist())
    assert got == round_half_away(xs).tolist()
    assert not v8("xs => xs.map(int8.lround).some((x) => Object.is(x, -0))", [-0.0, -0.3, 0.3])


def probes(grid: Grid, rng: np.random.Generator) -> list[float]:
    """Numbers to quantize: on ties, beside them, anywhere on the grid and off it, zero."""
    ties = np.float32((rng.integers(-300, 300, 6) + 0.5) * grid.scale)
    beside = np.concatenate([np.nextafter(ties, np.float32(0)), ties])
    anywhere = np.float32(rng.uniform(-300, 300, 6) * grid.scale)
    return [*map(float, beside), *map(float, anywhere), 0.0, FLOAT32_MAX, -TINY]


def random_grids(rng: np.random.Generator) -> list[Grid]:
    """Grids of every size that has one, and everyday ones, of 2 to 8 bits."""
    pairs = [
        *np.sort(random_reals(rng, 2000).reshape(-1, 2)),
        *np.sort(rng.normal(0, 5, (2000, 2))),
    ]
    grids = []
    for lo, hi in pairs:
        half = 2 ** (int(rng.integers(2, 9)) - 1)
        with contextlib.suppress(ValueError), np.errstate(over="ignore"):
            grids.append(Grid.from_range(float(lo), float(hi), -half, half - 1))
    assert len(grids) > 2500
    return grids


def test_codes_and_what_they_stand_for_equal_tinyq(v8):
    rng = np.random.default_rng(3)
    grids = random_grids(rng)
    with np.errstate(over="ignore"):
        xs = [[x for x in probes(grid, rng) if math.isfinite(x)] for grid in grids]
    function = """cases => cases.map(([grid, xs]) => {
        const codes = int8.quantize(grid, xs);
        return [Array.from(codes), Array.from(int8.dequantize(grid, codes), String)]; })"""
    cases = [[vars(grid), probe] for grid, probe in zip(grids, xs, strict=True)]
    for grid, probe, (codes, back) in zip(grids, xs, v8(function, cases), strict=True):
        want = grid.quantize(np.float32(probe))
        assert codes == want.tolist(), (grid, probe)
        with np.errstate(over="ignore"):
            stands_for = grid.dequantize(want).tolist()
        assert [float(text) for text in back] == stands_for, (grid, codes)


def test_numbers_read_as_python_writes_them(v8):
    rng = np.random.default_rng(4)
    numbers = [0.0, 1.0, -1.0, 0.1, 1e16, 1e15, 123456789012345680.0, 1e-4, 9.9e-5, 5e-324]
    numbers += [*random_reals(rng, 2000).tolist(), *rng.normal(0, 100, 500).round(2).tolist()]
    assert v8("xs => xs.map(kit.pyFloat)", numbers) == [repr(x) for x in numbers]
