"""analysis: the error of each tensor, on numbers small enough to follow."""

import math

import numpy as np
import pytest
from hand_network import IMAGES, NET, OWNERS, logits_by_hand

from tinyq import Rounding
from tinyq.analysis import run_both, tensor_errors
from tinyq.floatref import Pad2D, ReLU
from tinyq.layers.nodes import Node
from tinyq.layers.scheme import Scheme
from tinyq.models import resnet
from tinyq.network import Network


def pixels(*values):
    return np.float32(values).reshape(1, len(values), 1, 1)


def test_errors_of_one_tensor_by_hand():
    net = Network((Node("relu", ReLU(), ("input",)),), channels=1)
    qnet = net.quantize(pixels(0.0, 510.0, 0.0, 0.0))  # scale 2, zero_point -128
    runs = run_both(net, qnet, pixels(0.5, 3.0, 600.0, -1.5))
    first, second = tensor_errors(runs)
    # 0.5 -> 0, a tie of 1.5 steps -> 4, beyond the end -> 510, below the end -> 0
    assert runs.dequantized("input").ravel().tolist() == [0.0, 4.0, 510.0, 0.0]
    assert (first.name, second.name) == ("input", "relu")
    assert (first.max_abs, first.max_codes) == (90.0, 45.0)
    assert (first.mean_abs, first.mean_codes) == (93.0 / 4, 93.0 / 8)
    assert first.mean == (-0.5 + 1.0 - 90.0 + 1.5) / 4
    noise = 0.25 + 1.0 + 8100.0 + 2.25
    signal = 0.25 + 9.0 + 360000.0 + 2.25
    assert first.sqnr_db == pytest.approx(10 * math.log10(signal / noise), rel=1e-12)
    assert second.mean == (-0.5 + 1.0 - 90.0) / 4  # the ReLU takes the last one's error away
    assert first.grid is second.grid is qnet.grids["relu"]


def test_numbers_on_the_grid_have_no_error():
    net = Network((Node("pad", Pad2D((1, 0, 0, 2)), ("input",)),), channels=1)
    images = pixels(*range(256))
    for error in tensor_errors(run_both(net, net.quantize(images), images)):
        assert error.sqnr_db == float("inf")
        assert error.max_abs == error.mean_abs == error.mean == error.max_codes == 0


def test_the_logits_error_is_that_of_the_network_by_hand():
    qnet = NET.quantize(IMAGES, scheme=Scheme(rounding=Rounding.FLOAT64))
    error = tensor_errors(run_both(NET, qnet, IMAGES))[-1]
    by_hand = logits_by_hand(OWNERS, qnet.grids) - logits_by_hand((), qnet.grids)
    assert error.mean == pytest.approx(by_hand.mean(), abs=1e-6)
    assert error.mean_abs == pytest.approx(np.abs(by_hand).mean(), abs=1e-6)
    assert error.max_abs == pytest.approx(np.abs(by_hand).max(), abs=1e-6)


def test_run_both_refuses_what_does_not_belong_together():
    qnet = NET.quantize(IMAGES)
    with pytest.raises(ValueError, match=r"images must hold at least one, got .*\(0, 1, 1, 2\)"):
        run_both(NET, qnet, IMAGES[:0])
    with pytest.raises(ValueError, match="images must be finite"):
        run_both(NET, qnet, IMAGES * np.nan)
    with pytest.raises(TypeError, match="images must be"):
        run_both(NET, qnet, qnet.grids["input"].quantize(IMAGES))
    weights, biases, images = resnet.seed()
    other = resnet.stem_block(weights, biases)
    with pytest.raises(ValueError, match=r"must have the same layers, got \['stem_pad'.*'conv_a'"):
        run_both(other, qnet, images)
