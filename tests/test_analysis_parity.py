"""analysis.parity: the worst error against one by hand, the pass mark, the noise in dB."""

import numpy as np
import pytest
from reference import random_network

from tinyq.analysis import parity
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
    with pytest.raises(ValueError, match="tolerance must be a finite number, got nan"):
        parity.compare(NET, QNET, IMAGES, tolerance=float("nan"))
    with pytest.raises(ValueError, match="images must hold at least one"):
        parity.compare(NET, QNET, IMAGES[:0])


def test_sqnr():
    signal = np.float32([1, -1, 1, -1])
    assert parity.sqnr_db(signal, signal * np.float32(1.5)) == pytest.approx(6.0206, abs=1e-4)
    assert parity.sqnr_db(signal, signal) == float("inf")
