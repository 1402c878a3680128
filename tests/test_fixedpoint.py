"""Fixed-point rescaling: the edges and the refusals.

tests/test_requantizer_equals_loops.py holds its integers to the loops.
"""

import pytest

from tinyq.fixedpoint import (
    quantize_multiplier,
    saturating_rounding_doubling_high_mul,
    shift_left_int32,
)


@pytest.mark.parametrize(
    ("ratio", "want"),
    [
        (0.0, (0, 0)),
        (0.5, (2**30, 0)),
        (1.0, (2**30, -1)),
        (1 - 2**-33, (2**30, -1)),  # the mantissa rounds to 2**31: halved, exponent up
        (1 - 2**-31, (2**31 - 1, 0)),
        (2.0**-32, (2**30, 31)),
        (2.0**-33, (0, 0)),
        (5e-324, (0, 0)),
        (2.0**30 - 1, (2**31 - 2, -30)),
    ],
)
def test_multiplier_edges(ratio, want):
    assert quantize_multiplier(ratio) == want


@pytest.mark.parametrize(
    "ratio", [-0.5, float("nan"), float("inf"), 2.0**30, 2.0**30 * (1 - 2**-40)]
)
def test_multiplier_refuses(ratio):
    with pytest.raises(ValueError, match="ratio must be"):
        quantize_multiplier(ratio)


def test_high_mul_saturates_int32_min_squared():
    assert saturating_rounding_doubling_high_mul(-(2**31), -(2**31)) == 2**31 - 1


def test_left_shift_wraps_int32():
    assert shift_left_int32([2**30, 2**31 - 1, -3, 5], [-1, -1, -30, 2]).tolist() == [
        -(2**31),
        -2,
        2**30,
        5,
    ]
