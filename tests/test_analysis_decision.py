"""analysis.decision: answers, accuracy and agreement against counts by hand."""

import numpy as np
import pytest

from tinyq import Grid
from tinyq.analysis import accuracy, agreement, predict, score

RNG = np.random.default_rng(31)
CODES = RNG.integers(-3, 4, (200, 5)).astype(np.int8)  # seven codes on five classes: many ties
LABELS = RNG.integers(0, 5, 200)
OTHERS = CODES + RNG.normal(scale=2.0, size=CODES.shape).astype(np.float32)


def first_of_the_largest(row):
    best = 0
    for place, value in enumerate(row):
        if value > row[best]:
            best = place
    return best


ANSWERS = [first_of_the_largest(row) for row in CODES.tolist()]


def test_the_answer_is_the_first_of_the_largest_logits():
    assert predict(CODES).tolist() == ANSWERS
    assert predict(np.int8([[127, 127, -128]])).tolist() == [0]


def test_accuracy_counts_what_a_loop_counts():
    right = sum(label == answer for label, answer in zip(LABELS.tolist(), ANSWERS, strict=True))
    assert 0 < right < 200 and accuracy(CODES, LABELS) == right / 200


def test_agreement_counts_equal_answers():
    others = [first_of_the_largest(row) for row in OTHERS.tolist()]
    equal = sum(a == b for a, b in zip(ANSWERS, others, strict=True))
    assert 0 < equal < 200 and agreement(CODES, OTHERS) == equal / 200
    assert agreement(CODES, CODES) == 1


@pytest.mark.parametrize("scale", [2e-38, 0.1, 1 / 3, 1e34])
def test_codes_and_their_real_numbers_give_the_same_answers(scale):
    codes = np.random.default_rng(5).integers(-128, 128, (300, 4)).astype(np.int8)
    for zero_point in (-128, 3, 127):
        reals = Grid(scale, zero_point).dequantize(codes)
        assert predict(reals).tolist() == predict(codes).tolist()


def test_a_score_holds_what_the_single_functions_say():
    reference = np.float32([[3, 4], [0, 5]])
    got = score(np.float32([[3, 4.5], [0, 5]]), reference, np.array([0, 1]))
    assert got.sqnr_db == pytest.approx(23.0103)  # 10 log10(50 / 0.25)
    assert (got.accuracy, got.agreement) == (0.5, 1.0)
    zeros = np.zeros((1, 2), np.float32)
    assert score(zeros, zeros, np.array([0])).sqnr_db == float("inf")
    assert score(zeros + 1, zeros, np.array([0])).sqnr_db == -float("inf")


@pytest.mark.parametrize(
    ("logits", "labels", "error", "message"),
    [
        (CODES.tolist(), LABELS, TypeError, "logits must be an array of floats or .* got"),
        (
            CODES > 0,
            LABELS,
            TypeError,
            "logits must be an array of floats or .* got an array of bool",
        ),
        (CODES[0], LABELS, ValueError, r"logits must have shape \(N, classes\), got \(5,\)"),
        (CODES[:, :0], LABELS, ValueError, r"logits must have shape .* got \(200, 0\)"),
        (OTHERS * np.nan, LABELS, ValueError, "logits must be finite float32 numbers, got NaN"),
        (CODES, LABELS.tolist(), TypeError, "labels must be an array of integers, got"),
        (
            CODES,
            LABELS + 0.5,
            TypeError,
            "labels must be an array of integers, got an array of float64",
        ),
        (CODES, LABELS[:-1], ValueError, r"labels must have shape .* got \(199,\) for \(200, 5\)"),
        (CODES, LABELS[:, None], ValueError, r"labels must have shape .* got \(200, 1\)"),
        (CODES[:0], LABELS[:0], ValueError, r"labels must have shape .* N >= 1, got \(0,\)"),
        (CODES, LABELS + 1, ValueError, r"labels must lie in 0\.\.4, got 1\.\.5"),
        (CODES, LABELS - 1, ValueError, r"labels must lie in 0\.\.4, got -1\.\.3"),
    ],
)
def test_bad_logits_and_labels_are_refused(logits, labels, error, message):
    with pytest.raises(error, match=message):
        accuracy(logits, labels)


def test_agreement_refuses_another_shape_and_no_images():
    with pytest.raises(ValueError, match=r"one shape, N >= 1, got \(200, 5\), \(200, 4\)"):
        agreement(CODES, OTHERS[:, :4])
    with pytest.raises(ValueError, match="N >= 1"):
        agreement(CODES[:0], OTHERS[:0])
    with pytest.raises(TypeError, match="others must be an array of floats"):
        agreement(CODES, OTHERS.tolist())
