"""Weight scales, codes and int32 biases against exact rationals."""

from fractions import Fraction

import numpy as np
import pytest
from test_affine import exact_round

from tinyq.weights import quantize_bias, quantize_weights, weight_scales

RNG = np.random.default_rng(3)
WEIGHTS = (RNG.normal(size=(5, 3, 3, 4)) * np.logspace(-3, 1, 5)[:, None, None, None]).astype(
    np.float32
)


@pytest.mark.parametrize("per_channel", [True, False])
def test_codes_equal_exact_rationals_and_reach_127(per_channel):
    scales = weight_scales(WEIGHTS, per_channel)
    codes = quantize_weights(WEIGHTS, scales)
    per_row = np.broadcast_to(scales, len(WEIGHTS))
    for row, scale, got in zip(WEIGHTS, per_row, codes, strict=True):
        want = [exact_round(Fraction(float(w)) / Fraction(float(scale))) for w in row.ravel()]
        assert got.ravel().tolist() == want
    largest = np.abs(codes.astype(int)).reshape(len(codes), -1).max(axis=1)
    assert (largest == 127).all() if per_channel else largest.max() == 127


def test_minus_128_is_never_used():
    extreme = np.float32([[-1.0, 1.0, -0.999]])
    assert quantize_weights(extreme, weight_scales(extreme, True)).tolist() == [[-127, 127, -127]]


def test_an_all_zero_channel_has_scale_one():
    weights = np.zeros((2, 3), np.float32)
    weights[0, 0] = 2.54
    assert weight_scales(weights, True).tolist() == [float(np.float32(2.54) / np.float32(127)), 1]
    assert not quantize_weights(weights, weight_scales(weights, True))[1].any()


def test_bias_equals_exact_rationals():
    bias = RNG.normal(size=5).astype(np.float32)
    scales = weight_scales(WEIGHTS, True)
    want = [
        exact_round(Fraction(float(b)) / (Fraction(0.0078125) * Fraction(float(s))))
        for b, s in zip(bias, scales, strict=True)
    ]
    assert quantize_bias(bias, 0.0078125, scales).tolist() == want


def test_bias_ties_go_away_from_zero():
    assert quantize_bias(np.float32([0.5, -0.5, 2.5]), 1.0, np.float32([1])).tolist() == [1, -1, 3]


def test_refusals_name_the_argument():
    with pytest.raises(ValueError, match=r"bias\[1\] = 3.0.* must fit int32"):
        quantize_bias(np.float32([0, 3]), 1e-5, np.float32([1e-5]))
    with pytest.raises(ValueError, match="weights must be finite"):
        weight_scales(np.float32([[np.nan]]), True)
    with pytest.raises(ValueError, match="too small"):
        weight_scales(np.float32([[1e-44]]), True)
