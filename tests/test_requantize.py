"""The requantizer: the published disputes, its ratios, its refusals.

tests/test_requantizer_equals_loops.py holds its integers to the loops under every rounding.
"""

import numpy as np
import pytest

from tinyq import Grid, Requantizer, Rounding


def test_published_dispute_102943():
    # The float32 ratio of these scales is an ulp below the one that the multiplier holds, and
    # that ulp decides: 585 * ratio is 6.5 exactly, and the tie goes to even.
    scales = 0.05296124517917633, [0.024093778803944588], 0.11484327912330627
    grid = Grid(scales[2], -126)
    double = Requantizer.from_scales(*scales)
    assert (double.multiplier.tolist(), double.shift.tolist()) == ([1527099593], [6])
    got = {
        r.name: int(Requantizer.from_scales(*scales, r).requantize(np.int32([585]), grid)[0])
        for r in Rounding
    }
    assert (got["DOUBLE"], got["SINGLE"], got["FLOAT32"]) == (-119, -119, -120)
    assert Requantizer(double.ratio, Rounding.FLOAT32).rescale(np.int32([585])) == 7


def test_float32_ratio_is_a_float32_quotient():
    s_in, s_w, s_out = 0.1, np.float32([0.3]), 0.7
    ratio = Requantizer.from_scales(s_in, s_w, s_out, Rounding.FLOAT32).ratio
    want = np.float32(np.float32(s_in) * s_w[0]) / np.float32(s_out)
    assert ratio.tolist() == [float(want)]
    assert Requantizer.from_scales(s_in, s_w, s_out).ratio.tolist() != ratio.tolist()


def test_requantize_adds_zero_point_and_saturates():
    grid = Grid(1.0, -3, qmin=-8, qmax=7)
    got = Requantizer(0.5).requantize(np.int32([-100, -11, 0, 1, 100]), grid)
    assert (got.dtype, got.tolist()) == (np.int8, [-8, -8, -3, -2, 7])


def test_refusals():
    with pytest.raises(TypeError, match="rounding must be a Rounding, got 'UP'"):
        Requantizer(0.5, "UP")
    with pytest.raises(ValueError, match="ratio must be finite"):
        Requantizer([0.5, float("nan")])


@pytest.mark.parametrize("rounding", Rounding)
def test_a_single_accumulator_keeps_its_shape(rounding):
    assert Requantizer(0.5, rounding).rescale(np.int32([[3]])).shape == (1, 1)


def test_the_callers_array_stays_writable():
    ratio = np.array([0.5])
    Requantizer(ratio)
    ratio[0] = 0.25


@pytest.mark.parametrize("rounding", Rounding)
def test_an_accumulator_is_an_int32(rounding):
    requantizer = Requantizer(0.5, rounding)
    ends = np.int64([-(2**31), 2**31 - 1])
    assert requantizer.rescale(ends).tolist() == requantizer.rescale(ends.astype(np.int32)).tolist()
    with pytest.raises(TypeError, match="acc must be signed integers, got an array of float32"):
        requantizer.rescale(np.float32([2.9]))
    for beyond in (ends + 1, ends - 1):
        with pytest.raises(ValueError, match="acc must lie in -2147483648..2147483647, got"):
            requantizer.rescale(beyond)
