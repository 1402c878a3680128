"""parity, exercise, bench and plots: the small modules' corners."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from reference import random_network

from tinyq import plots
from tinyq.analysis import parity
from tinyq.analysis.bench import bench
from tinyq.exercise import check
from tinyq.models import resnet

WEIGHTS, BIASES, IMAGES = random_network(seed=21)
NET = resnet.stem_block(WEIGHTS, BIASES)
QNET = NET.quantize(IMAGES)


def test_parity_measures_what_it_says():
    result = parity.compare(NET, QNET, IMAGES, tolerance=0.1)
    by_hand = max(
        abs(float(q) - float(f))
        for q, f in zip(QNET.dequantize(QNET(IMAGES)).ravel(), NET(IMAGES).ravel(), strict=True)
    )
    assert result.worst == pytest.approx(by_hand, rel=1e-6)
    logits = NET(IMAGES)
    assert result.logit_range == pytest.approx(float(logits.max()) - float(logits.min()))
    assert result.passed == (by_hand <= 0.1 * result.logit_range)
    assert not parity.compare(NET, QNET, IMAGES, tolerance=0.0).passed


def test_parity_refuses():
    with pytest.raises(ValueError, match="tolerance must be >= 0, got nan"):
        parity.compare(NET, QNET, IMAGES, tolerance=float("nan"))
    with pytest.raises(ValueError, match="images must hold at least one"):
        parity.compare(NET, QNET, IMAGES[:0])


def test_sqnr():
    signal = np.float32([1, -1, 1, -1])
    assert parity.sqnr_db(signal, signal * np.float32(1.5)) == pytest.approx(6.0206, abs=1e-4)
    assert parity.sqnr_db(signal, signal) == float("inf")


def test_bench_counts_what_the_ledger_counts():
    rows = bench(QNET, IMAGES[:1], repeats=1)
    ledger = {row.name: row for row in QNET.ledger()}
    assert [row.name for row in rows] == list(ledger)[1:]
    for row in rows:
        booked = ledger[row.name]
        assert (row.weight_bytes, row.activation_bytes) == (
            booked.weight_bytes,
            booked.activation_bytes,
        )


@pytest.mark.parametrize("name", plots.__all__)
def test_every_figure_function_says_what_it_draws(name):
    assert getattr(plots, name).__doc__.strip()


def test_a_figure_leaves_pyplots_list():
    figure = plots.parity(parity.compare(NET, QNET, IMAGES), sample=2)
    assert not plt.get_fignums()
    left, right = figure.axes
    crosses = left.lines[1].get_ydata()
    assert crosses.tolist() == QNET.dequantize(QNET(IMAGES))[2].tolist()
    heights = [bar.get_height() for bar in right.patches]
    assert heights == pytest.approx(np.abs(crosses - NET(IMAGES)[2]).tolist())


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
