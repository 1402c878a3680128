"""What a mutation tool could change in tinyq without any other test noticing.

mutmut made 629 changes in affine, fixedpoint and requantize, and 532 in an earlier run that took in
weights and layers too.  It passes over functions with a decorator, which most are since the gate
stands in front of them, so a run of our own took 315 of the arithmetic and 150, drawn at random, of
the 1,091 of layers and network.  Those that are no bug stand at the end of this file, with their
reasons; the tests here kill the others.
"""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest

from tinyq import Grid, Requantizer, Rounding, fixedpoint, layers
from tinyq.affine import round_half_away
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork
from tinyq.weights import quantize_bias, weight_scales

FLOAT32_MAX = float(np.finfo(np.float32).max)
NORMAL = float(np.finfo(np.float32).tiny)
TINY = float(np.finfo(np.float32).smallest_subnormal)
A, B = Grid(0.1, -5), Grid(0.2, 7)
WEIGHTS, BIAS = np.ones((2, 1, 1, 3), np.float32), np.ones(2, np.float32)
CONV = layers.QConv2D.from_float(WEIGHTS, BIAS, A, B)
DENSE = layers.QDense.from_float(WEIGHTS.reshape(2, 3), BIAS, A, B)
ADD = layers.QAdd.from_float(A, B, B)


def kind(made):
    return type(made).__name__


@pytest.mark.parametrize("made", [A, Requantizer(0.5), CONV, DENSE, ADD], ids=kind)
def test_what_is_built_stays_as_it_is(made):
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(made)[0].name, 1)


@pytest.mark.parametrize("made", [Requantizer(0.5), CONV, DENSE, ADD], ids=kind)
def test_what_holds_arrays_is_compared_by_identity(made):
    assert made == made and made != replace(made)
    assert len({made, made}) == 1


def test_a_requantizers_integers_come_from_its_ratio_alone():
    requantizer = Requantizer(0.5)
    with pytest.raises(TypeError):
        Requantizer(0.5, Rounding.DOUBLE, 2**30)
    for name in ("ratio", "multiplier", "shift"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(requantizer, name)[0] = 1
        if name != "ratio":
            with pytest.raises(ValueError, match=f"{name} is declared with init=False"):
                replace(requantizer, **{name: np.int32([1])})


def test_each_rounding_says_its_rule():
    assert len(Rounding) == 5
    assert all("result = " in rounding.value for rounding in Rounding)


@pytest.mark.parametrize(
    ("acc", "clamped", "cast"),
    [
        (2**30, 2**31 - 1, -(2**31)),
        (-(2**30), -(2**31), -(2**31)),
        (2**30 - 64, 2**31 - 128, 2**31 - 128),
        (1_500_000_000, 2**31 - 1, -(2**31)),
        (-1_500_000_000, -(2**31), -(2**31)),
    ],
)
def test_the_float_roundings_end_where_int32_ends(acc, clamped, cast):
    assert Requantizer(2.0, Rounding.FLOAT32).rescale(np.int32([acc])).tolist() == [clamped]
    assert Requantizer(2.0, Rounding.FLOAT64).rescale(np.int32([acc])).tolist() == [cast]


def test_the_widest_grids():
    assert Grid.from_range(0.0, FLOAT32_MAX).hi == FLOAT32_MAX
    assert Grid.from_range(-FLOAT32_MAX, 0.0).lo == -FLOAT32_MAX
    with pytest.raises(ValueError, match="need -128 <= qmin < qmax <= 127, got -128, 128"):
        Grid(1.0, 0, -128, 128)
    assert np.isfinite(Grid(FLOAT32_MAX / 200, 0).hi)
    for zero_point in (-128, 127):
        with pytest.raises(ValueError, match="float32 cannot hold the ends"):
            Grid(FLOAT32_MAX / 200, zero_point)


def test_a_scale_may_be_the_first_and_the_last_normal_float32():
    for scale in (NORMAL, FLOAT32_MAX):
        assert Grid(scale, 0, 0, 1).scale == scale
        assert Grid.from_range(0.0, scale, 0, 1).scale == scale
    made = weight_scales(np.float32([[127 * NORMAL]]), per_channel=True)
    assert made.tolist() == [NORMAL]


def test_a_narrow_grid_keeps_its_ends_and_holds_its_zero_point():
    assert Grid.from_range(0.0, 0.0, -8, 7) == Grid(1.0, -8, -8, 7)
    # a scale of 300 / 255 of float32's smallest number would be 1 of it, and leave no code for lo
    with pytest.raises(ValueError, match="no float32 scale spans"):
        Grid.from_range(-300 * TINY, 0.0)


def test_dtypes_are_those_that_the_docstrings_name():
    made = Requantizer(np.float32([0.5]))
    assert made.ratio.dtype == np.float64
    assert made.multiplier.dtype == made.shift.dtype == np.int32
    assert A.dequantize(np.int8([3])).dtype == np.float32
    assert round_half_away(np.float32([0.5])).dtype == round_half_away([1]).dtype == np.float64


def test_a_product_of_int32_arrays_does_not_wrap():
    wide = fixedpoint.saturating_rounding_doubling_high_mul(np.int32([2**30]), np.int32([3 << 20]))
    assert wide.tolist() == [3 << 19]


def test_no_accumulators_of_int64_give_none():
    assert Requantizer(0.5).rescale(np.zeros((0, 1), np.int64)).shape == (0, 1)


def test_numpys_error_state_plays_no_part():
    with np.errstate(all="raise"):
        with pytest.raises(ValueError, match="a finite float32 of 2..-126 or more, got 1e\\+39"):
            Grid(1e39, 0)
        with pytest.raises(ValueError, match="no float32 scale"):
            Grid.from_range(0.0, 1e-44)
        with pytest.raises(ValueError, match="ratio must be"):
            Requantizer.from_scales(3e38, [3e38], 1e-30, Rounding.FLOAT32)
        tiny = Requantizer.from_scales(1e-30, [1e-30], 1.0, Rounding.FLOAT32)
    assert tiny.multiplier.tolist() == [0]


def test_a_bias_may_reach_int32_max():
    assert quantize_bias(np.float32([1]), 1 / (2**31 - 1), np.float32([1])).tolist() == [2**31 - 1]
    with pytest.raises(ValueError, match="must fit int32"):
        quantize_bias(np.float32([1]), 2.0**-31, np.float32([1]))


def test_the_stride_is_one_unless_told():
    image = np.zeros((1, 3, 4, 3), np.int8)
    parts = (CONV.weight, CONV.bias, CONV.weight_scale, CONV.requantizer)
    for conv in (CONV, layers.QConv2D(A, B, *parts)):
        assert conv.stride == (1, 1) and conv.forward(image).shape == (1, 3, 4, 2)


def test_an_empty_batch_on_a_narrow_grid_gives_an_empty_batch():
    pool = layers.QMaxPool2D(Grid(0.1, 0, -8, 7), (1, 1), (1, 1))
    assert pool.forward(np.zeros((0, 2, 2, 3), np.int8)).shape == (0, 2, 2, 3)


def test_a_depthwise_layer_has_a_scale_for_each_channel():
    weights = np.float32([[[1.0]], [[0.5]]])
    layer = layers.QDepthwiseConv2D.from_float(weights, BIAS, A, B)
    assert layer.weight_scale.tolist() == np.float32([1 / 127, 0.5 / 127]).tolist()


def test_a_ledger_row_spans_all_requantizers_of_its_layer():
    layer = layers.QAdd.from_float(A, A, out := Grid(0.3, 0))
    qnet = QNetwork((Node("add", layer, (INPUT, INPUT)),), {INPUT: A, "add": out}, {}, (3,))
    (row,) = [row for row in qnet.ledger() if row.name == "add"]
    for got, name in ((row.multiplier, "multiplier"), (row.shift, "shift")):
        numbers = [int(getattr(r, name)[0]) for r in layer.requantizers.values()]
        assert got == (min(numbers), max(numbers)) and len(set(numbers)) > 1


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: replace(DENSE, weight=DENSE.weight.astype(np.float64)),
            TypeError,
            "QDense: weight must be an array of int8, got an array of float64",
        ),
        (
            lambda: replace(DENSE, bias=[1, 2]),
            TypeError,
            "QDense: bias must be an array of int32, got [1, 2]",
        ),
        (
            lambda: layers.QAdd.from_float(A, Grid(0.25, 0), Grid(2.0**-21, 0)),
            ValueError,
            "exceed 4.76837e-07 (2 * max scale / 2**left_shift), got 4.76837e-07",
        ),
        (lambda: Grid.from_range(0.0, 1e-44), ValueError, "in 255 steps"),
        (lambda: Grid(NORMAL / 2, 0), ValueError, "float32 of 2**-126 or more"),
        (lambda: Requantizer.from_pair([0, 5, 9], [1, 1, 1]), ValueError, "2**31 - 1, got 5:"),
        (lambda: Requantizer.from_pair(1, 0), ValueError, "2**31 - 1, got 1:"),
        (
            lambda: weight_scales(np.float32([[1], [1e-39], [1e-37]]), per_channel=True),
            ValueError,
            "weights of at most 1.0000002153053333e-39",
        ),
    ],
)
def test_a_refusal_says_its_layer_and_its_numbers(make, error, message):
    with pytest.raises(error) as refusal:
        make()
    assert message in str(refusal.value)


# Survivors that are no bug:
# - quantize_multiplier, ratio <= 2**30 or < 3**30 in the first check: the second check, on the
#   exponent, refuses the same ratios.
# - the high multiply, product > 0 and nudged <= 0; the rounding shift, x <= 0: they differ at 0
#   alone, and 0 gives 0 either way.
# - the rounding shift and the left shift without their int64: the mask and the shift are int64, and
#   what a left shift of int32 loses is what the wrap takes off.
# - rescale_float64, rounded > -2**31: what does not fit becomes -2**31, and that is what it was.
# - astype(None) and asarray without a dtype, where float64 is NumPy's own choice.
# - from_range, no lower clamp of the zero_point: lo <= 0, so it is never below qmin.
# - check_int32, itemsize >= 4 or > 5: every int32 fits, and no dtype has 5 to 7 bytes.
# - weight_max without its check: `whole` makes the same one.
# - reshape(-2): NumPy takes every negative size for "the rest".
# - check_codes, looking at the codes of a full grid too: every int8 is on it.
# - QAdd.forward, zip without strict: a layer from from_float has two input grids.
# - QConv2D.per_channel None for False; the stride that QGlobalAvgPool2D gives to output_size, which
#   it calls for the refusal of an empty image alone.
# - mean_codes: a mean of codes never leaves their grid; half a count and its floor give one floor
#   of the quotient; the cast to int8 cuts off what // would.
# - the pools' sums as float64 or int64: both hold what int32 holds.
# - images.check_shape, zip without strict: the axes were counted before.  batches, count - len:
#   only zero is asked about.
# - QConv2D.out_shape, a kernel of three sizes: output_size reads two.  window_counts, its zip
#   without strict: each has two.  widening, 2**61 for 2**60: both are beyond int32.
# - elementwise_form, ndim None or 1 for what is no array: check_codes refuses that.
# - quantize_weights without weight_bits: the scale puts the largest weight on the last code.
