"""Numbers about every limit of the arithmetic: refused, or what exact rationals give."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_affine import exact_round

from tinyq import Requantizer, Rounding, fixedpoint, observers, requantize, weights

SEEDED = settings(derandomize=True, deadline=None, max_examples=100)
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
FLOAT32_MAX = float(np.finfo(np.float32).max)
every_rounding = pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.name)


def refused(call: Callable[[], Any]) -> bool:
    """Whether a call is refused by a TypeError or ValueError that says something."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    return bool(str(caught.value))


near_limits = st.builds(
    lambda power, sign, d: sign * 2**power + d,
    st.sampled_from([0, 7, 15, 24, 29, 30, 31, 32, 53, 62, 63, 64]),
    st.sampled_from([-1, 1]),
    st.integers(-2, 2),
)
some_int = st.one_of(st.integers(-70, 70), near_limits)
some_shift = st.one_of(st.integers(-34, 34), near_limits)
some_real = st.one_of(
    st.floats(),
    st.sampled_from([0.0, -0.0, 2.0**30, 2.0**30 - 1, -5e-324, 5e-324, 1e39, 2.0**-126]),
    st.floats(2.0**-40, 2.0**31),
    some_int,
)
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def int32s(*values: int) -> bool:
    return all(INT32_MIN <= value <= INT32_MAX for value in values)


def shifted_left(x: int, shift: int) -> int:
    """What int32 keeps of a left shift: the low 32 bits."""
    return ((x << max(-shift, 0)) + 2**31) % 2**32 - 2**31


def half_up(x: Fraction) -> int:
    return (x + Fraction(1, 2)).__floor__()


@SEEDED
@given(some_int, some_int)
def test_the_high_multiply(a, b):
    def call():
        return fixedpoint.saturating_rounding_doubling_high_mul(a, b)

    if int32s(a, b):
        assert call() == min(half_up(Fraction(a * b, 2**31)), INT32_MAX)
    else:
        assert refused(call)


@SEEDED
@given(some_int, some_shift)
def test_the_rounding_shift(x, exponent):
    def call():
        return fixedpoint.rounding_divide_by_pot(x, exponent)

    if int32s(x) and 0 <= exponent <= 31:
        assert call() == exact_round(Fraction(x, 2**exponent))
    else:
        assert refused(call)


@SEEDED
@given(some_int, some_shift)
def test_the_left_shift(x, shift):
    def call():
        return fixedpoint.shift_left_int32(x, shift)

    if int32s(x) and -30 <= shift <= 31:
        assert call() == shifted_left(x, shift)
    else:
        assert refused(call)


def exact_double(x: int, multiplier: int, shift: int) -> int:
    high = half_up(Fraction(shifted_left(x, shift) * multiplier, 2**31))
    return exact_round(Fraction(high, 2 ** max(shift, 0)))


def exact_up(x: int, multiplier: int, shift: int) -> int:
    high = half_up(Fraction(shifted_left(x, shift) * multiplier, 2**31))
    return half_up(Fraction(high, 2 ** max(shift, 0)))


def exact_single(x: int, multiplier: int, shift: int) -> int:
    return half_up(Fraction(x * multiplier, 2 ** (31 + shift)))


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (fixedpoint.multiply_by_quantized_multiplier, exact_double),
        (requantize.rescale_up, exact_up),
        (requantize.rescale_single, exact_single),
    ],
    ids=["DOUBLE", "UP", "SINGLE"],
)
@SEEDED
@given(some_int, st.one_of(some_int, st.integers(2**30, 2**31)), some_shift)
def test_the_fixed_point_rescalings(function, exact, x, multiplier, shift):
    if int32s(x) and 0 <= multiplier <= INT32_MAX and -30 <= shift <= 31:
        assert function(x, multiplier, shift) == exact(x, multiplier, shift)
    else:
        assert refused(lambda: function(x, multiplier, shift))


@pytest.mark.parametrize("function", [requantize.rescale_float32, requantize.rescale_float64])
@SEEDED
@given(some_int, some_real)
def test_the_rescalings_in_floats(function, acc, ratio):
    if not (int32s(acc) and 0 <= ratio <= 2**30):
        assert refused(lambda: function(acc, ratio))
        return
    got, want = int(function(acc, ratio)), acc * Fraction(ratio)
    near = abs(got - want) <= Fraction(1, 2) + abs(want) / 2**22 + Fraction(1, 2**100)
    # beyond int32 it saturates, or has what an x86 cast gives
    assert int32s(got) and (near or abs(want) > 2**31 - 2**9 and abs(got) >= INT32_MAX)


@SEEDED
@given(some_real)
def test_a_ratio_and_its_multiplier(ratio):
    if 0 <= ratio < 2**30 - Fraction(1, 4):
        multiplier, shift = fixedpoint.quantize_multiplier(ratio)
        error = abs(Fraction(multiplier, 2**31) / Fraction(2) ** shift - Fraction(ratio))
        assert error <= Fraction(ratio) / 2**31 or (ratio < 2**-32 and multiplier == 0)
        assert Requantizer(ratio).multiplier.tolist() == [multiplier]
    elif not 0 <= ratio < 2**30:
        assert refused(lambda: fixedpoint.quantize_multiplier(ratio))
        assert refused(lambda: Requantizer([0.5, ratio]))


def is_grid_scale(scale: float) -> bool:
    return 2.0**-126 <= scale <= FLOAT32_MAX


@every_rounding
@SEEDED
@given(some_real, some_real, some_real)
def test_the_scales_of_a_requantizer(rounding, in_scale, scale, out_scale):
    def call():
        return Requantizer.from_scales(in_scale, [scale], out_scale, rounding).ratio.item()

    if not (is_grid_scale(in_scale) and is_grid_scale(out_scale) and 0 < scale < np.inf):
        assert refused(call)
        return
    want = Fraction(in_scale) * Fraction(scale) / Fraction(out_scale)
    if want < 2**29:
        # FLOAT32 rounds five times, and what it rounds may lie below its last bit
        near, bits = (Fraction(1, 2**149), 21) if rounding is Rounding.FLOAT32 else (0, 51)
        lost = near / Fraction(out_scale) * max(Fraction(in_scale), 1) + near
        lost += Fraction(1, 2**1074) / Fraction(out_scale) + Fraction(1, 2**1074)
        if scale <= FLOAT32_MAX and in_scale * scale <= FLOAT32_MAX:
            assert abs(Fraction(call()) - want) <= want / 2**bits + lost
    elif want > 2**31:
        assert refused(call)


@SEEDED
@given(st.floats(width=32), some_real, st.floats(width=32))
def test_a_bias_on_its_scale(bias, in_scale, scale):
    def call():
        return weights.quantize_bias(np.float32([bias]), in_scale, np.float32([scale]))

    if not (np.isfinite(bias) and is_grid_scale(in_scale) and 0 < scale < np.inf):
        assert refused(call)
        return
    want = exact_round(Fraction(bias / (float(in_scale) * scale)))  # in float64, as (4.3) says
    if int32s(want) and want != INT32_MIN:
        assert call().tolist() == [want]
    else:
        assert refused(call)


@SEEDED
@given(shapes, shapes)
def test_weights_and_scales_must_fit(shape, scale_shape):
    w, scales = np.full(shape, 0.5, np.float32), np.full(scale_shape, 0.25, np.float32)
    some = bool(shape) and w.size > 0
    for call in (
        lambda: weights.quantize_weights(w, scales),
        lambda: weights.by_channel(scales, w) * w,
    ):
        if some and scale_shape in ((1,), shape[:1]):
            assert call().shape == shape
        else:
            assert refused(call)
    for per_channel, want in ((True, shape[:1]), (False, (1,))):
        if some:
            assert weights.weight_scales(w, per_channel).shape == want
        else:
            assert refused(lambda flag=per_channel: weights.weight_scales(w, flag))


@SEEDED
@given(shapes, shapes)
def test_a_bias_and_scales_must_fit(shape, scale_shape):
    bias, scales = np.zeros(shape, np.float32), np.full(scale_shape, 0.25, np.float32)
    if len(shape) == 1 and scale_shape in ((1,), shape):
        assert weights.quantize_bias(bias, 0.5, scales).shape == shape
    else:
        assert refused(lambda: weights.quantize_bias(bias, 0.5, scales))


@pytest.mark.parametrize("scale", [0.0, -1.0, -1e-45])
def test_a_weight_scale_is_above_zero(scale):
    w, scales = np.ones((2, 3), np.float32), np.float32([0.5, scale])
    for call in (
        lambda: weights.quantize_weights(w, scales),
        lambda: weights.quantize_bias(np.zeros(2, np.float32), 0.5, scales),
        lambda: Requantizer.from_scales(0.5, scales, 0.5),
    ):
        with pytest.raises(ValueError, match="scales must be above 0, got -|above 0, got 0"):
            call()


@every_rounding
@SEEDED
@given(shapes, shapes)
def test_a_requantizer_takes_a_column_for_each_ratio(rounding, shape, ratio_shape):
    ratio, acc = np.full(ratio_shape, 0.5), np.full(shape, 6, np.int32)
    if len(ratio_shape) > 1 or 0 in ratio_shape:
        assert refused(lambda: Requantizer(ratio, rounding))
        assert refused(lambda: Requantizer.from_scales(0.5, ratio, 0.5, rounding))
        return
    made = Requantizer(ratio, rounding)
    if len(made.ratio) == 1 or shape[-1:] == ratio_shape:
        got = made.rescale(acc)
        assert got.shape == (shape or (1,)) and (got == 3).all()
    else:
        assert refused(lambda: made.rescale(acc))


@SEEDED
@given(shapes, shapes)
def test_shapes_broadcast_or_are_named(one, other):
    x, shift = np.ones(one, np.int32), np.ones(other, np.int32)
    try:
        shape = np.broadcast_shapes(one, other)
    except ValueError:
        with pytest.raises(ValueError, match="x and shift must have shapes that broadcast"):
            fixedpoint.shift_left_int32(x, shift)
    else:
        assert fixedpoint.shift_left_int32(x, shift).shape == shape


EVERY = [getattr(observers, name) for name in observers.__all__ if name != "Observer"]


@pytest.mark.parametrize("observer", EVERY)
def test_a_denormal_range_is_refused_by_its_ends(observer):
    seen = observer().observe(np.float32([-1e-44, 1e-44]))
    with pytest.raises(ValueError, match=r"lo=-\d.*e-4\d, hi=\d.*e-4\d"):
        seen.grid()


@pytest.mark.parametrize(("lo", "hi"), [(1.0, -1.0), (np.inf, -np.inf), (1, 0)])
def test_a_range_upside_down_saw_nothing(lo, hi):
    nothing, some = observers.MinMax(lo, hi), observers.MinMax(3.0, 4.0)
    assert observers.MinMax(3.0, 4.0).merge(nothing) == some == nothing.merge(some)
