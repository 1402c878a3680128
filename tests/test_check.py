"""exercise.check: one sentence that names the first difference."""

import numpy as np
import pytest

from tinyq.exercise import check


@pytest.mark.parametrize(
    ("got", "want", "sentence"),
    [
        (..., 3, "Not yet:"),
        (None, np.int8([1]), "Wrong type: got None, want ndarray. Is there a return"),
        ((3, None), (3, 4), "Wrong type at place 1: got None, want int."),
        (3, 3, "Right."),
        (np.int8(3), 3, "Right."),
        (4, 3, "Wrong value: got 4, want 3. Hint: count."),
        ([1, 2], np.int8([1, 2]), "Wrong type: got list, want an array of int8."),
        (np.int8([1]), np.int8([1, 2]), "Wrong shape: got (1,), want (2,)."),
        (np.int16([1, 2]), np.int8([1, 2]), "Wrong dtype: got int16, want int8."),
        (np.int8([[1, 2]]), np.int8([[1, 3]]), "Wrong value at index [0, 1]: got 2, want 3. Hint"),
        (np.int8([1, 2]), 3, "Wrong type: got an array of shape (2,), want one int."),
        ((1, 2), (1, 3), "Wrong value at place 1: got 2, want 3."),
        (((1, 2), (5, 6)), ((1, 2), (5, 7)), "Wrong value at place 1, 1: got 6, want 7."),
        ((1,), (1, 3), "Wrong type: got a tuple of 1, want a tuple of 2."),
        (1, True, "Wrong type: got int, want bool."),
        ("up", "away", "Wrong value: got up, want away."),
    ],
)
def test_check_says_what_is_wrong_in_a_sentence(got, want, sentence, capsys):
    assert check(got, want, hint="count.") is (sentence == "Right.")
    assert capsys.readouterr().out.startswith(sentence)
