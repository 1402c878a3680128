"""The linear steps: the rescaling under every rounding, ratio and sum."""

from dataclasses import replace

import numpy as np
import pytest
from engine_networks import (
    ENGINES,
    ONE,
    codes,
    differs,
    every_rounding,
    layer_of,
    single,
    step_of,
)

from tinyq import Grid, Requantizer, Rounding
from tinyq.engines import blas
from tinyq.engines.rescale import Rescale
from tinyq.layers import QClamp, qrelu
from tinyq.layers.nodes import Node

INTEGER = [Rounding.DOUBLE, Rounding.UP, Rounding.SINGLE]
MULTIPLIERS = [2**30, 2**30 + 1, 1583594044, 2**31 - 1]


def ties(multiplier: int, shift: int) -> list[int]:
    """Sums whose rescaled value lies on a tie or beside it, both signs, where int32 has them."""
    ratio = multiplier * 2.0 ** (-31 - shift)
    codes = [*range(-70, 71, 10), *range(-4, 4)]
    near = [round((code + half) / ratio) for code in codes for half in (0.25, 0.5)]
    return [acc + d for acc in near for d in (-1, 0, 1)]


def rescaled(by: Rescale, sums: np.ndarray) -> np.ndarray:
    """The formula at the top of rescale.py."""
    high = (sums * by.multiplier + by.nudge) >> by.first
    return (high + by.half + ((high >> 63) & by.away)) >> by.second


@pytest.mark.parametrize("rounding", INTEGER, ids=lambda rounding: rounding.name)
@pytest.mark.parametrize("constant", [0, -12345, 2**31 - 1, -(2**40), 2**61 + 7])
def test_the_rescaling_is_the_requantizer_s(constant, rounding):
    rng, wrapped = np.random.default_rng(2), False
    for shift in range(-30, 32):
        for multiplier in MULTIPLIERS:
            requantizer = Requantizer(multiplier * 2.0 ** (-31 - shift), rounding)
            assert (requantizer.multiplier[0], requantizer.shift[0]) == (multiplier, shift)
            room = 31 - max(-shift, 0)  # bits, that a left shift does not take beyond int32
            acc = [*ties(multiplier, shift), -(2**room), 2**room - 1, 0, 1, -1]
            acc = [a for a in acc if -(2**room) <= a < 2**room]
            acc = np.int64([*acc, *rng.integers(-(2**room), 2**room, 20)])
            by = Rescale.of(requantizer, np.int64([constant]), rectified=False)
            got = rescaled(by, acc - constant)
            assert np.array_equal(got, requantizer.rescale(acc)), (shift, multiplier)
            wrapped |= abs((int(acc[0]) - constant) * int(by.multiplier[0])) >= 2**63
    assert wrapped or abs(constant) < 2**40, "no product was beyond int64"


def test_double_is_up_where_nothing_below_real_zero_gets_out():
    acc = np.arange(-(2**12), 2**12)
    for shift in range(32):
        double = Requantizer(0.5 * 2.0**-shift)
        by = Rescale.of(double, np.int64([0]), rectified=True)
        assert not by.away.any()
        got, want = rescaled(by, acc), double.rescale(acc)
        assert np.array_equal(np.maximum(got, 0), np.maximum(want, 0)), shift
    assert Rescale.of(Requantizer(0.25), np.int64([0]), rectified=False).away.all()


@pytest.mark.parametrize("rounding", every_rounding())
@pytest.mark.parametrize("engine", ENGINES)
def test_sums_at_ties_under_every_ratio(engine, rounding):
    # The weights are 0: a channel's bias is its sum, and each channel has a ratio of its own.
    pairs = [
        (acc, multiplier * 2.0 ** (-31 - shift))
        for shift in range(-24, 25)
        for multiplier in MULTIPLIERS
        for acc in ties(multiplier, shift)[::7]
        if abs(acc) << max(-shift, 0) < 2**31
    ]
    pairs += [(acc, 0.0) for acc in (-(2**31), -1, 0, 1, 2**31 - 1)]
    biases, ratios = (np.array(column) for column in zip(*pairs, strict=True))
    for out in (ONE, Grid(1.0, -128), Grid(1.0, 127), Grid(1.0, 0, -8, 7)):
        layer = layer_of(np.zeros((len(biases), 1)), biases, ratios, rounding, out=out)
        assert (step_of(blas, layer, (1, 1, 1)) is None) == (rounding is Rounding.FLOAT64)
        for clamp in (None, qrelu(out), QClamp(out, max(out.zero_point - 1, out.qmin), out.qmax)):
            qnet = single(layer, (1, 1, 1))
            if clamp is not None:
                nodes = *qnet.nodes, Node("clamp", clamp, ("layer",))
                qnet = replace(qnet, nodes=nodes, grids={**qnet.grids, "clamp": out})
            else:
                assert len(set(qnet(codes(qnet, 1)).ravel().tolist())) > 8
            assert not differs(qnet, codes(qnet, 1), engine), (out, clamp)


@pytest.mark.parametrize("rounding", every_rounding())
@pytest.mark.parametrize("engine", ENGINES)
def test_int64_wraps_and_the_terms_meet(engine, rounding):
    # The steps are 0 and 1, so the sum stays small under a large left shift; that of the codes
    # does not.
    grid, weights = Grid(1.0, 100, 100, 101), np.full((2, 1000), 127)
    weights[1, ::2] = -127
    layer = layer_of(weights, [-3, 2], 1.3 * 2**13, rounding, grid)
    sums = int(weights[0].sum()) * 228
    assert sums * int(layer.requantizer.multiplier[0]) << 14 > 2**63
    qnet = single(layer, (1, 1, 1000))
    images = codes(qnet, 5)
    images[0] = 100  # all steps 0: the biases alone
    assert qnet(images)[0].ravel().tolist() == [-128, 127]
    assert not differs(qnet, images, engine)
    if rounding is not Rounding.FLOAT64:
        assert step_of(blas, layer, (1, 1, 1000)) is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_float32_rounds_the_whole_sum_once(engine):
    # Beside a tie at 2**25 float32 has every fourth integer: the product's part and the bias,
    # rounded one by one, would land on the other side of it.
    near = [sign * (k * 2**19 + 2**18) + d for k in (64, 65) for sign in (-1, 1) for d in range(9)]
    weights = np.ones((len(near), 1))
    layer = layer_of(weights, near, 2.0**-19, Rounding.FLOAT32)
    every = np.arange(-128, 128).astype(np.int8)[:, None, None, None]
    qnet = single(layer, (1, 1, 1))
    assert {64, 65, 66, -64, -65, -66} >= set(qnet(every).ravel().tolist()) > {64, 66, -64, -66}
    assert not differs(qnet, every, engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_left_shift_that_could_wrap_is_left_to_the_layer(engine):
    # -128 << 24 is an end of int32 and 127 << 24 fits; 128 << 24, -129 << 24, -128 << 25 wrap.
    for biases, shift, wraps in (
        ([0, -1], 24, False),
        ([0, -1], 25, True),
        ([1, 0], 24, True),
        ([0, -2], 24, True),
    ):
        for rounding in Rounding:
            layer = layer_of([[1], [-1]], biases, 1.5 * 2.0 ** (shift - 1), rounding)
            assert layer.requantizer.shift[0] == -shift
            shifts_left = rounding in (Rounding.DOUBLE, Rounding.UP)
            falls_back = rounding is Rounding.FLOAT64 or wraps and shifts_left
            assert (step_of(blas, layer, (1, 1, 1)) is None) == falls_back, (shift, rounding)
            every = np.arange(-128, 128).astype(np.int8)[:, None, None, None]
            assert not differs(single(layer, (1, 1, 1)), every, engine), (shift, rounding)
