"""Every mutant is caught, by exactly the checks that it names; tinyq itself is caught by none."""

import numpy as np
import pytest
from catchers import CATCHERS, NET, SEED

from tinyq.mutants import MUTANTS

# The bugs that a suite for int8 must know, by what the field calls them.
WANTED = {
    "pad with 0 instead of zero_point": "pad_with_code_zero",
    "ReLU clamped at 0": "relu_at_code_zero",
    "zero_points swapped in add": "zero_points_swapped",
    "missing bias correction": "input_zero_point_kept",
    "truncating mean": "mean_truncates",
    "unscaled skip": "unscaled_skip",
    "half-even instead of half-away": "half_even",
    "H and W swapped": "height_and_width_swapped",
    "stride ignored on one axis": "stride_ignored_across",
    "int16 accumulator": "accumulator_of_16_bits",
    "single rounding": "single_rounding",
    "left_shift 0": "left_shift_of_0",
    "shift sign flipped": "shift_sign_flipped",
    "weight -128 allowed": "weight_minus_128_allowed",
    "per-channel scale of the wrong axis": "weight_scales_of_the_wrong_axis",
}


def fired() -> tuple[str, ...]:
    return tuple(name for name, catches in CATCHERS.items() if catches())


def test_tinyq_as_it_is_is_not_flagged():
    assert fired() == ()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_is_caught_by_what_it_names(mutant):
    with mutant.planted():
        got = fired()
    assert got, f"nothing notices that {mutant.summary}"
    assert got == mutant.caught_by
    assert mutant.caught_by_golden == ("golden" in got)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_is_silent(mutant):
    # A bug that stops the network, or changes the shape of its logits, would need no catcher.
    with mutant.planted():
        logits = NET.quantize(SEED.images)(SEED.images[:4])
    assert (logits.dtype, logits.shape) == (np.int8, (4, 4))


def test_the_known_bugs_are_among_them():
    names = [mutant.name for mutant in MUTANTS]
    assert len(names) == len(set(names)) >= 25
    assert set(WANTED.values()) <= set(names)


def test_each_catcher_earns_its_place():
    assert {name for mutant in MUTANTS for name in mutant.caught_by} == set(CATCHERS)


def test_golden_bytes_and_pass_mark_let_many_through():
    # What the book says: a green run proves little, golden bytes prove more, not all.
    loose = sum("40 percent" not in mutant.caught_by for mutant in MUTANTS)
    missed = sum(not mutant.caught_by_golden for mutant in MUTANTS)
    assert (len(MUTANTS), loose, missed) == (55, 44, 23)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_page_can_show_it(mutant):
    for sentence in (mutant.summary, mutant.notice):
        assert sentence[0].isupper() and sentence.endswith(".") and ". " not in sentence, sentence
    assert mutant.where.endswith(mutant.attribute)
    assert mutant.thread is None or mutant.thread.startswith("https://github.com/")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_right_function_comes_back_after_an_error(mutant):
    right = vars(mutant.owner)[mutant.attribute]
    with pytest.raises(ZeroDivisionError), mutant.planted():
        assert vars(mutant.owner)[mutant.attribute] is not right
        1 / 0  # noqa: B018
    assert vars(mutant.owner)[mutant.attribute] is right
