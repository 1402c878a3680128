"""Requantizer.from_pair: the pair that a runtime has, kept to the last bit."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinyq import Requantizer, Rounding, loops

PAIRS = st.tuples(st.integers(2**30, 2**31 - 1), st.integers(-30, 31))


@given(st.lists(PAIRS, min_size=1, max_size=5), st.sampled_from(list(Rounding)))
@example([(2**30, -30), (2**31 - 1, -30), (2**30, 31), (2**31 - 1, 31)], Rounding.DOUBLE)
def test_the_pair_stays_as_it_is(pairs, rounding):
    multiplier, shift = map(list, zip(*pairs, strict=True))
    ours = Requantizer.from_pair(multiplier, shift, rounding=rounding)
    theirs = Requantizer.from_pair(multiplier, [-s for s in shift], "tflite", rounding)
    for one in (ours, theirs, copy.deepcopy(ours), pickle.loads(pickle.dumps(theirs))):
        assert (one.multiplier.tolist(), one.shift.tolist()) == (multiplier, shift)
        assert one.rounding is rounding


@given(st.integers(-(2**31), 2**31 - 1), PAIRS)
def test_it_rescales_as_the_loop_nest_of_the_pair(acc, pair):
    want = loops.multiply_by_quantized_multiplier(acc, *pair)
    assert Requantizer.from_pair(*pair).rescale([acc]).tolist() == [want]


def test_the_numbers_of_a_cmsis_nn_user():
    for pair in ((2026365287, 6), (2026365287, -6, "tflite")):
        assert Requantizer.from_pair(*pair).rescale([5523]).tolist() == [81]


def test_zero_is_zero_under_every_shift():
    one = Requantizer.from_pair([0, 0, 2**30], [31, -30, 3])
    assert one.ratio.tolist() == [0, 0, 2.0**-4]
    assert one.rescale(np.full(3, 2**31 - 1)).tolist() == [0, 0, 2**27]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ((2**31, 0), ValueError, "multiplier must lie in 0..2147483647, got 2147483648"),
        ((-(2**30), 0), ValueError, "multiplier must lie in 0..2147483647"),
        ((966, -15), ValueError, r"multiplier must be 0 or in 2\*\*30..2\*\*31 - 1, got 966: "),
        (([2**30, 2**30 - 1], [0, 0]), ValueError, "got 1073741823: "),
        ((2**30, 32), ValueError, "shift must lie in -30..31, got 32"),
        ((2**30, -31), ValueError, "shift must lie in -30..31, got -31"),
        ((2**30, -32, "tflite"), ValueError, r"shift \(TFLite's\) must lie in -31..30, got -32"),
        ((2**30, 31, "tflite"), ValueError, r"shift \(TFLite's\) must lie in -31..30, got 31"),
        ((2**30, 0, "cmsis"), ValueError, 'sign must be "tinyq" or "tflite", got \'cmsis\''),
        ((2**30, 0, None), ValueError, 'sign must be "tinyq" or "tflite", got None'),
        ((2.0**30, 0), TypeError, "multiplier must be signed integers, got 1073741824.0"),
        ((2**30, 0.5), TypeError, "shift must be signed integers, got 0.5"),
        ((True, 0), TypeError, "multiplier must be signed integers, got "),
        (
            ([2**30] * 3, [0] * 2),
            ValueError,
            r"multiplier and shift must have one shape, \(C,\) or none, got \(3,\)",
        ),
        (([[2**30]], [[0]]), ValueError, r"must have one shape, \(C,\) or none, got \(1, 1\)"),
        ((2**30, 0, "tinyq", "DOUBLE"), TypeError, "rounding must be a Rounding"),
    ],
)
def test_what_is_no_pair_is_refused(arguments, kind, message):
    with pytest.raises(kind, match=message):
        Requantizer.from_pair(*arguments)
