"""The oracle's five roundings against exact fractions, C's int32 and the processor's own floats.

No other test needs rationals for a rounding: they take the loops, which are held to them here.
"""

import ctypes
import random
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from tinyq import loops
from tinyq.loops.floats import keep_bits, round_half_even
from tinyq.loops.integers import divide_toward_zero

EDGES = [0, 1, 2, 3, 2**15, 2**29, 2**30 - 1, 2**30, 2**30 + 1, 2**31 - 2, 2**31 - 1]
EDGES += [-x for x in EDGES if x] + [loops.INT32_MIN]
RNG = random.Random(25087)
INT32 = EDGES + [RNG.randint(loops.INT32_MIN, loops.INT32_MAX) for _ in range(300)]
INT32 += [RNG.randint(-1000, 1000) for _ in range(100)]
RATIOS = [RNG.uniform(0.5, 1) * 2.0 ** RNG.randint(-30, 4) for _ in range(300)]
RATIOS += [2.0**k for k in range(-31, 5)] + [0.75, 1 - 2**-53, 1 - 2**-31, 1 - 2**-32, 1 + 2**-32]


def half_away(x: Fraction) -> int:
    """Round to the nearest integer, a tie away from zero."""
    return floor(x + Fraction(1, 2)) if x >= 0 else -floor(-x + Fraction(1, 2))


def half_up(x: Fraction) -> int:
    """Round to the nearest integer, a tie to +infinity."""
    return floor(x + Fraction(1, 2))


def exact(multiplier: int, shift: int) -> Fraction:
    """The real ratio that a multiplier and a shift stand for."""
    return Fraction(multiplier, 2**31) / Fraction(2) ** shift


def test_wrap_int32_is_the_cast_of_c():
    for value in INT32 + [x * 2**20 for x in INT32] + [2**31, 2**32, 2**63 + 5, -(2**31) - 1]:
        assert loops.wrap_int32(value) == ctypes.c_int32(value).value, value


def test_divide_toward_zero_drops_the_fraction():
    for a in INT32:
        for b in (1, 2, 3, 16, 2**31):
            assert divide_toward_zero(a, b) == int(Fraction(a, b)), (a, b)


def test_high_mul_rounds_the_exact_product_and_a_tie_goes_up():
    pairs = [(a, b) for a in EDGES for b in INT32 if (a, b) != (-(2**31), -(2**31))]
    pairs += list(zip(INT32, reversed(INT32), strict=True))
    pairs += [(k, s * 2**30) for k in range(-99, 100) for s in (1, -1)]  # ties for every odd k
    for a, b in pairs:
        product = Fraction(a * b, 2**31)
        got = loops.saturating_rounding_doubling_high_mul(a, b)
        assert got == half_up(product), (a, b)
        # so it differs from rounding half away from zero in the negative ties alone
        negative_tie = product < 0 and product % 1 == Fraction(1, 2)
        assert got - half_away(product) == negative_tie, (a, b)


def test_high_mul_saturates_in_one_place():
    assert loops.saturating_rounding_doubling_high_mul(-(2**31), -(2**31)) == 2**31 - 1
    assert loops.saturating_rounding_doubling_high_mul(-(2**31), 2**31 - 1) == -(2**31) + 1


@pytest.mark.parametrize("n", [*range(0, 32)])
def test_rounding_divide_is_the_exact_quotient_with_ties_away_from_zero(n):
    ties = [k * 2**n // 2 for k in range(-7, 8, 2) if n and abs(k) * 2**n // 2 < 2**31]
    for x in INT32 + ties:
        assert loops.rounding_divide_by_pot(x, n) == half_away(Fraction(x, 2**n)), (x, n)


def test_quantize_multiplier_is_the_nearest_of_31_bits():
    for ratio in RATIOS:
        multiplier, shift = loops.quantize_multiplier(ratio)
        assert 2**30 <= multiplier < 2**31, ratio
        error = abs(exact(multiplier, shift) - Fraction(ratio)) * 2**31 * Fraction(2) ** shift
        assert error <= Fraction(1, 2), ratio


def test_quantize_multiplier_at_the_edges():
    assert loops.quantize_multiplier(1.0) == (2**30, -1)
    assert loops.quantize_multiplier(1 - 2**-31) == (2**31 - 1, 0)
    assert loops.quantize_multiplier(1 - 2**-32) == (2**30, -1)  # a tie: up, then the carry
    assert loops.quantize_multiplier(0.5 + 2**-32) == (2**30 + 1, 0)  # a tie: away from zero
    assert loops.quantize_multiplier(0.0) == (0, 0)
    for bad in (-0.5, float("nan"), float("inf")):
        for write in (
            loops.quantize_multiplier,
            loops.float32_multiplier,
            loops.float64_multiplier,
        ):
            with pytest.raises(ValueError, match="ratio"):
                write(bad)


def test_multiply_is_one_rounding_after_the_other():
    for ratio in RATIOS:
        multiplier, shift = loops.quantize_multiplier(ratio)
        for x in INT32[::7]:
            shifted = ctypes.c_int32(x << max(-shift, 0)).value
            first = half_up(Fraction(shifted * multiplier, 2**31))
            want = half_away(Fraction(first, 2 ** max(shift, 0)))
            got = loops.multiply_by_quantized_multiplier(x, multiplier, shift)
            assert got == want, (x, multiplier, shift)


def test_multiply_is_within_half_a_step_and_a_bit_of_the_real_product():
    for ratio in RATIOS:
        multiplier, shift = loops.quantize_multiplier(ratio)
        for x in INT32[::7]:
            real = x * exact(multiplier, shift)
            if shift < 0 and abs(x) >= 2 ** (31 + shift):
                continue  # the left shift wraps
            error = abs(loops.multiply_by_quantized_multiplier(x, multiplier, shift) - real)
            assert error <= Fraction(1, 2) + (Fraction(1, 2 ** (shift + 1)) if shift > 0 else 0)


def test_a_left_shift_wraps():
    assert loops.multiply_by_quantized_multiplier(2**30, 2**30, -1) == -(2**30)
    assert loops.multiply_by_quantized_multiplier(2**30, 2**30, -2) == 0
    assert loops.multiply_by_quantized_multiplier(-3, 2**30, -2) == -6


def test_up_takes_the_ties_of_both_steps_up():
    for ratio in RATIOS:
        multiplier, shift = loops.quantize_multiplier(ratio)
        for x in INT32[::7]:
            shifted = ctypes.c_int32(x << max(-shift, 0)).value
            first = half_up(Fraction(shifted * multiplier, 2**31))
            want = half_up(Fraction(first, 2 ** max(shift, 0)))
            assert loops.rescale_up(x, multiplier, shift) == want, (x, multiplier, shift)


def test_single_rounds_the_exact_product_and_a_tie_goes_up():
    for ratio in RATIOS:
        multiplier, shift = loops.quantize_multiplier(ratio)
        for x in INT32[::7]:
            got = loops.rescale_single(x, multiplier, shift)
            assert got == half_up(x * exact(multiplier, shift)), (x, multiplier, shift)


def near_ties(ratio: float) -> list[int]:
    """Accumulators whose product with the ratio lies next to a half, where int32 has them."""
    ties = [round((code + 0.5) / max(ratio, 2.0**-40)) for code in range(-9, 9)]
    near = [x + d for x in ties for d in (-1, 0, 1)]
    return [x for x in near if loops.INT32_MIN <= x <= loops.INT32_MAX]


def test_float32_is_the_product_of_the_processor_and_a_tie_goes_to_even():
    for ratio in [*RATIOS, 5e-46, 4.2e-45, 2.0**28, 1e9]:
        pair = loops.float32_multiplier(ratio)
        assert exact(*pair) == Fraction(float(np.float32(ratio))), ratio
        assert loops.float32(ratio) == np.float32(ratio)
        for x in INT32[::7] + near_ties(ratio):
            product = round(Fraction(float(np.float32(x) * np.float32(ratio))))
            want = min(max(product, loops.INT32_MIN), loops.INT32_MAX)
            assert loops.rescale_float32(x, *pair) == want, (x, ratio)


def test_float64_is_the_product_of_the_processor_and_a_tie_goes_away_from_zero():
    for ratio in [*RATIOS, 5e-324, 2.0**28, 1e9]:
        pair = loops.float64_multiplier(ratio)
        assert exact(*pair) == Fraction(ratio), ratio
        for x in INT32[::7] + near_ties(ratio):
            want = half_away(Fraction(float(x) * ratio))
            want = want if loops.INT32_MIN <= want <= loops.INT32_MAX else loops.INT32_MIN
            assert loops.rescale_float64(x, *pair) == want, (x, ratio)


def test_what_float64_rounds_off_can_decide():
    # 1 / 6 in float64 is a little less, so the exact product lies below the tie, and float64 on it
    assert half_away(3 * Fraction(1 / 6)) == 0
    assert loops.rescale_float64(3, *loops.float64_multiplier(1 / 6)) == 1


def test_half_even_and_the_leading_bits():
    for n in range(6):
        for x in range(-200, 201):
            assert round_half_even(x, n) == round(Fraction(x, 2**n)), (x, n)
    for x in INT32 + [x * 2**31 + 1 for x in INT32]:
        assert keep_bits(x, 53) == int(float(x)), x
        assert keep_bits(x, 24) == int(np.float32(x)) or abs(x) > 2**53, x


def test_the_published_disputes():
    roundings = (loops.rescale_up, loops.rescale_single)
    assert loops.requantize(7984, 1583594044, 9, 0) == 12
    assert [rescale(7984, 1583594044, 9) for rescale in roundings] == [12, 11]
    assert loops.requantize(585, 1527099593, 6, -126) == -119
    assert [rescale(585, 1527099593, 6) - 126 for rescale in roundings] == [-119, -119]
    s_in, s_w, s_out = 0.05296124517917633, 0.024093778803944588, 0.11484327912330627
    pair = loops.float32_multiplier(loops.float32(s_in * s_w) / s_out)
    assert loops.requantize(585, *pair, -126, rescale=loops.rescale_float32) == -120


def test_requantize_adds_the_zero_point_then_clamps():
    for acc, zero_point, want in [(300, 0, 127), (-300, 0, -128), (300, -128, 22), (-2, 127, 126)]:
        assert loops.requantize(acc, 2**30, 0, zero_point) == want
    assert loops.requantize(300, 2**30, 0, 3, qmin=-7, qmax=7) == 7
    assert loops.requantize(-300, 2**30, 0, 3, qmin=-7, qmax=7) == -7


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1])
def test_what_is_no_int32_is_refused(value):
    for call in (
        lambda: loops.int32(value),
        lambda: loops.saturating_rounding_doubling_high_mul(value, 0),
        lambda: loops.saturating_rounding_doubling_high_mul(0, value),
        lambda: loops.rounding_divide_by_pot(value, 1),
        lambda: loops.multiply_by_quantized_multiplier(value, 2**30, -1),
        lambda: loops.rescale_up(value, 2**30, -1),
        lambda: loops.rescale_single(value, 2**30, -1),
        lambda: loops.rescale_float32(value, 2**30, -1),
        lambda: loops.rescale_float64(value, 2**30, -1),
        lambda: loops.dense([0], [[0]], [value], 0, 2**30, 0, 0),
    ):
        with pytest.raises(OverflowError, match=f"{value} does not fit in int32"):
            call()
