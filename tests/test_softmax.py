"""Softmax in integers: against its loop nest, the exact shares, and its own limits."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_exponential import exp

from tinyq import Grid, loops
from tinyq.layers import QSoftmax
from tinyq.runtimes import RUNTIMES, forward, oracle

SHARES = Grid(1 / 256, -128)
SEEDED = settings(max_examples=80, derandomize=True, deadline=None, database=None)


@pytest.mark.parametrize("zero_point", [-128, -3, 127])
@pytest.mark.parametrize("runtime", list(RUNTIMES)[:4])
def test_ten_codes_of_which_all_runtimes_give_the_same(runtime, zero_point):
    row = np.int8([[-54, -14, 21, 3, -79, -51, 38, -82, -40, -68]])
    got = forward(QSoftmax(Grid(0.1, zero_point), SHARES), row, runtime=RUNTIMES[runtime])
    assert got.tolist() == [[-128, -127, -90, -122, -128, -128, 82, -128, -128, -128]]


@SEEDED
@given(st.data(), st.floats(-14, 6), st.sampled_from([1.0, 0.25, 3.0]), st.integers(1, 80))
def test_rows_are_as_the_loop_nest_has_them(data, power, beta, size):
    layer = QSoftmax(Grid(float(np.float32(2.0**power)), 0), SHARES, beta)
    rows = [data.draw(st.lists(st.integers(-128, 127), min_size=size, max_size=size))] * 2
    rows[1] = [max(code, 100) for code in rows[1]]
    got = layer.forward(np.int8(rows)[None])[0].tolist()
    assert got == oracle.forward(layer, rows)


@pytest.mark.parametrize("size", [1, 2, 1000, 4095])
@pytest.mark.parametrize("scale", [1e-4, 0.02, 300.0])
def test_long_rows_are_as_the_loop_nest_has_them(size, scale):
    row = np.random.default_rng(size).integers(-128, 128, size).astype(np.int8)
    for codes in (row, np.full_like(row, 5)):
        layer = QSoftmax(Grid(scale, 0), SHARES)
        assert layer.forward(codes[None])[0].tolist() == oracle.forward(layer, codes.tolist())


def test_shares_are_those_of_exact_arithmetic_but_for_near_ties():
    rng, ties = np.random.default_rng(3), 0
    for _ in range(40):
        scale, row = Fraction(int(rng.integers(1, 200)), 512), rng.integers(-128, 128, 6)
        exps = [exp(max(scale * int(x - row.max()), Fraction(-40))) for x in row]
        exact = [256 * e / sum(exps) - 128 for e in exps]
        got = QSoftmax(Grid(float(scale), 0), SHARES).forward(np.int8(row)[None])[0].tolist()
        for share, code in zip(exact, got, strict=True):
            share = min(share, Fraction(127))
            ties += abs(share - code) > Fraction(1, 2)
            assert abs(share - code) < Fraction(1, 2) + Fraction(1, 1000)
    assert ties <= 2


def test_the_longest_row_fits_int32_and_no_longer_one_is_taken():
    layer = QSoftmax(Grid(1.0, 0), SHARES)
    assert layer.forward(np.zeros((1, 4095), np.int8)).tolist() == [[-128] * 4095]
    with pytest.raises(OverflowError):
        loops.softmax([0] * 4096, *loops.softmax_multiplier(1.0, 1.0))
    for size in (0, 4096):
        message = f"the last axis must have 1..4095 codes, got {size}"
        with pytest.raises(ValueError, match=message):
            layer.forward(np.zeros((1, size), np.int8))
        with pytest.raises(ValueError, match=message):
            layer.out_shape((2, size))


@pytest.mark.parametrize(
    ("error", "message", "fields"),
    [
        (TypeError, "in_grid must be a Grid", {"in_grid": 0.1}),
        (TypeError, "beta must be a real number", {"beta": "1"}),
        (ValueError, "out_grid must be Grid", {"out_grid": Grid(1 / 256, 0)}),
        (ValueError, "out_grid must be Grid", {"out_grid": Grid(1.002 / 256, -128)}),
        (ValueError, r"beta \* in_grid.scale must exceed 2\*\*-26", {"beta": 0.0}),
        (ValueError, r"beta \* in_grid.scale must exceed 2\*\*-26", {"in_grid": Grid(1e-8, 0)}),
    ],
)
def test_a_softmax_proves_its_parts(error, message, fields):
    with pytest.raises(error, match=f"^QSoftmax: {message}"):
        QSoftmax(**{"in_grid": Grid(0.1, 0), "out_grid": SHARES, "beta": 1.0} | fields)


# What TFLite Micro 2026-10-23 and LiteRT 2.3.0 gave: two in integers, the others in floats.
def test_integers_and_floats_differ_as_measured():
    row = np.int8([[40, -70, 111, 49, 62, 43, -47, 74, 125, -87]])
    layer = QSoftmax(Grid(0.07503888756036758, 47), SHARES)
    answers = [
        forward(layer, row, runtime=runtime)[0, 8] for runtime in list(RUNTIMES.values())[:4]
    ]
    assert answers == [57, 57, 56, 56]


@pytest.mark.parametrize("runtime", list(RUNTIMES)[:4])
def test_a_sum_of_512_ends_tflite_s_process_and_is_refused(runtime):
    layer, row = QSoftmax(Grid(1.0, 0), SHARES), np.zeros((1, 512), np.int8)
    assert forward(layer, row[:, 1:], runtime=RUNTIMES[runtime]).max() == -127
    if runtime in ("tflite-micro", "litert-reference"):
        with pytest.raises(ValueError, match="must add up to less than 512, .* got 512"):
            forward(layer, row, runtime=RUNTIMES[runtime])
    else:
        assert forward(layer, row, runtime=RUNTIMES[runtime]).max() == -127
