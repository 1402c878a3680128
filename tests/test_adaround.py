"""AdaRound against every way of rounding, where there are few enough to try them all."""

import itertools
import math

import numpy as np
import pytest
from test_digits import DIGITS

from tinyq.layers.linear import Linear
from tinyq.layers.scheme import Scheme
from tinyq.methods.adaround import adaround, bits_of, round_up_or_down
from tinyq.methods.in_order import input_steps
from tinyq.network import Network
from tinyq.weights import quantize_weights, weight_max, weight_scales

CALIBRATION = DIGITS.images[DIGITS.calibration]


def row_error(codes, weights, scale, inputs) -> float:
    """Mean squared error of one output, a sum at a time."""
    errors = [
        math.fsum((scale * q - w) * x for q, w, x in zip(codes, weights, row, strict=True))
        for row in inputs
    ]
    return math.fsum(error**2 for error in errors) / len(errors)


def best_error(weights, scale, inputs, most) -> float:
    """The least error of all ways to round each weight down or up."""
    ways = [{max(-most, min(most, math.floor(w / scale) + up)) for up in (0, 1)} for w in weights]
    return min(row_error(codes, weights, scale, inputs) for codes in itertools.product(*ways))


def random_case(seed, bits, per_channel=True):
    """Five outputs of five correlated inputs: weights float32, scales, inputs."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(5, 5)).astype(np.float32)
    inputs = np.abs(rng.normal(size=(12, 5)) + 2 * rng.normal(size=(12, 1)))
    return weights, weight_scales(weights, per_channel, bits), inputs


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_between_the_best_and_the_nearest_of_all_roundings(bits):
    found, most = [], weight_max(bits)
    for seed in range(8):
        weights, scales, inputs = random_case(seed, bits, per_channel=bool(seed % 2))
        codes = adaround(weights, scales, inputs, bits)
        nearest = quantize_weights(weights, scales, bits)
        for o, scale in enumerate(np.broadcast_to(scales, len(weights)).astype(float)):
            row = weights[o].astype(float)
            got, near = (row_error(q[o], row, scale, inputs) for q in (codes, nearest))
            best = best_error(row, scale, inputs, most)
            assert best * (1 - 1e-9) <= got <= near * (1 + 1e-9), (seed, o)
            found.append((got <= best * (1 + 1e-9), got < near * (1 - 1e-9)))
    assert np.mean([is_best for is_best, _ in found]) > 0.6
    assert np.mean([is_better for _, is_better in found]) > 0.2


def test_each_code_is_one_of_the_two_neighbours_and_on_the_grid():
    weights, _, inputs = random_case(9, 3)
    scales = np.float32([0.1])  # many weights lie beyond the last code, 3
    codes = adaround(weights, scales, inputs, weight_bits=3)
    exact = np.clip(weights.astype(float) / float(scales[0]), -3, 3)
    assert (np.abs(codes - exact) < 1).all() and np.abs(codes).max() == 3


def test_one_input_alone_rounds_to_nearest():
    weights = np.float32([[0.2], [0.8], [-0.3], [-0.9]])
    assert adaround(weights, [1.0], [[3.0]]).ravel().tolist() == [0, 1, 0, -1]


def test_inputs_of_zero_round_to_nearest():
    weights, scales, inputs = random_case(3, 4)
    codes = adaround(weights, scales, 0 * inputs, weight_bits=4)
    assert np.array_equal(codes, quantize_weights(weights, scales, 4))


def test_the_unit_of_the_inputs_does_not_count():
    weights, scales, inputs = random_case(4, 4)
    codes = adaround(weights, scales, inputs, 4)
    assert np.array_equal(codes, adaround(weights, scales, inputs * 2.0**-9, 4))


def dense_case(bits):
    """The digit network's dense layer: weights, scales, and what it reads."""
    qnet = DIGITS.net.quantize(CALIBRATION, scheme=Scheme(bits, bits))
    layer, original = qnet.nodes[-1].layer, DIGITS.net.nodes[-1].layer
    steps = input_steps(layer, qnet.trace(CALIBRATION)["global_avgpool"])
    return original.weights, layer.weight_scale, steps


@pytest.mark.parametrize("bits", [4, 3])
def test_the_dense_layers_80_weights_come_near_the_best_of_all_roundings(bits):
    weights, scales, steps = dense_case(bits)
    gram = steps.T.astype(float) @ steps / len(steps)  # of integers: exact
    exact = weights.astype(float) / float(scales[0])
    most = weight_max(bits)

    def errors(codes):
        return np.einsum("oj,jk,ok->o", codes - exact, gram, codes - exact)

    floor, ways = np.floor(exact), itertools.product((0, 1), repeat=8)
    best = np.min([errors(np.clip(floor + up, -most, most)) for up in ways], axis=0)
    nearest = errors(quantize_weights(weights, scales, bits))
    got = errors(adaround(weights, scales, steps, bits))
    assert (best <= got + 1e-9).all() and (got <= nearest).all()
    assert got.sum() <= 1.5 * best.sum()
    assert got.sum() <= 0.5 * nearest.sum()


def test_a_whole_network_keeps_its_grids_and_moves_each_code_by_at_most_one():
    net = Network(DIGITS.net.nodes[:3], channels=3)  # the stem
    images = CALIBRATION[:20]
    qnet = net.quantize(images, scheme=Scheme(weight_bits=4))
    rounded = round_up_or_down(net, qnet, images)
    assert all(rounded.grids[name] is grid for name, grid in qnet.grids.items())
    for node, old in zip(rounded.nodes, qnet.nodes, strict=True):
        if isinstance(node.layer, Linear):
            assert np.abs(node.layer.weight).max() <= 7
            moved = np.abs(node.layer.weight.astype(int) - old.layer.weight)
            assert moved.max() == 1 and 0.05 < moved.mean() < 0.6


@pytest.mark.parametrize("bits", range(2, 9))
def test_the_codes_tell_their_bits(bits):
    for per_channel in (True, False):
        qnet = DIGITS.wide_net.quantize(CALIBRATION[:2], scheme=Scheme(bits, 8, per_channel))
        layers = [node.layer for node in qnet.nodes if isinstance(node.layer, Linear)]
        assert [bits_of(layer) for layer in layers] == [bits] * 4


WEIGHTS, SCALES, INPUTS = random_case(5, 8)
REFUSED = {
    "NaN weights": ({"weights": WEIGHTS * np.nan}, "weights must be finite"),
    "infinite inputs": ({"inputs": INPUTS * np.inf}, "inputs must be finite"),
    "no inputs": ({"inputs": INPUTS[:0]}, r"inputs must be \(N, 5\), N >= 1, got \(0, 5\)"),
    "narrow inputs": ({"inputs": INPUTS[:, 1:]}, r"inputs must be \(N, 5\), N >= 1, got \(12, 4\)"),
    "scale 0": ({"scales": SCALES * 0}, "scales must be > 0, got 0.0"),
    "two scales": ({"scales": SCALES[:2]}, r"scales \(O,\) or \(1,\), got \(5, 5\), \(2,\)"),
    "1 bit": ({"weight_bits": 1}, r"bits must be an integer in 2\.\.8, got 1"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals_name_the_argument(changes, message):
    good = {"weights": WEIGHTS, "scales": SCALES, "inputs": INPUTS}
    with pytest.raises(ValueError, match=message):
        adaround(**good | changes)
