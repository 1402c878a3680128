"""analysis: the sweeps quantize what they say, at each number of bits."""

import dataclasses

import numpy as np
import pytest
from hand_network import IMAGES, LABELS, NET, OWNERS

from tinyq import Grid, MinMax
from tinyq.analysis import score, sweep_bits, sweep_layer_bits
from tinyq.layers import QAdd, QConv2DPerChannel, QDense, QGlobalAvgPool2D, qrelu
from tinyq.layers.scheme import Scheme
from tinyq.models import digits
from tinyq.network import Network

DATA = IMAGES, IMAGES, LABELS


@dataclasses.dataclass(frozen=True, eq=False)
class Recorder(Network):
    """A network that notes how it is calibrated, and each scheme that it is quantized under."""

    calls: list = dataclasses.field(default_factory=list)
    tried: list = dataclasses.field(default_factory=list)

    def quantize(self, images, **how):
        self.calls.append(how)
        return super().quantize(images, **how)

    def quantize_on(self, ranges, image_shape, **how):
        self.tried.append(how.get("scheme"))
        return super().quantize_on(ranges, image_shape, **how)


def logits_built_by_hand(weight_bits, activation_bits):
    """Return NET's dequantized logits, each layer built here, with bits by layer name."""
    tensors = NET.trace(IMAGES)

    def grid(name, watched=None):
        lo, hi = (float(f(tensors[watched or name])) for f in (np.min, np.max))
        half = 2 ** (activation_bits.get(name, 8) - 1)
        return Grid.from_range(lo, hi, -half, half - 1)

    g = {name: grid(name, "relu" if name == "add" else None) for name in OWNERS}

    def linear(kind, name, source):
        layer = next(node.layer for node in NET.nodes if node.name == name)
        bits = weight_bits.get(name, 8)
        return kind.from_float(layer.weights, layer.bias, g[source], g[name], weight_bits=bits)

    skip = linear(QConv2DPerChannel, "conv_a", "input").forward(g["input"].quantize(IMAGES))
    skip = qrelu(g["conv_a"]).forward(skip)
    b = linear(QConv2DPerChannel, "conv_b", "conv_a").forward(skip)
    total = QAdd.from_float(g["conv_b"], g["conv_a"], g["add"]).forward(b, skip)
    mean = QGlobalAvgPool2D(g["add"]).forward(qrelu(g["add"]).forward(total))
    return g["dense"].dequantize(linear(QDense, "dense", "add").forward(mean))


def score_by_hand(weight_bits, activation_bits):
    return score(logits_built_by_hand(weight_bits, activation_bits), NET(IMAGES), LABELS)


def test_sweep_bits_equals_networks_built_by_hand():
    found = sweep_bits(NET, *DATA)
    assert list(found.weights) == list(found.activations) == [2, 3, 4, 5, 6, 7, 8]
    for bits in range(2, 9):
        everywhere = dict.fromkeys(OWNERS, bits)
        assert found.weights[bits] == score_by_hand(everywhere, {}), bits
        assert found.activations[bits] == score_by_hand({}, everywhere), bits


def test_sweep_layer_bits_equals_networks_built_by_hand():
    found = sweep_layer_bits(NET, *DATA, bits=[3, 8])
    assert list(found.weights) == ["conv_a", "conv_b", "dense"]
    assert list(found.activations) == list(OWNERS)
    for bits in (3, 8):
        for name in found.weights:
            assert found.weights[name][bits] == score_by_hand({name: bits}, {}), name
        for name in OWNERS:
            assert found.activations[name][bits] == score_by_hand({}, {name: bits}), name
    assert len({*(s[3] for s in found.weights.values())}) == 3, "each layer has a score of its own"


def test_observer_and_scheme_reach_every_network():
    net = Recorder(NET.nodes, NET.channels)
    base = Scheme(per_channel=False, activation_bits=7)
    once = {"observer": MinMax, "scheme": base}
    sweep_bits(net, *DATA, bits=[4], observer=MinMax, scheme=base)
    assert net.calls == [once]
    assert net.tried[1:] == [
        dataclasses.replace(base, weight_bits=4),
        dataclasses.replace(base, activation_bits=4),
    ]
    net.calls.clear(), net.tried.clear()
    sweep_layer_bits(net, *DATA, bits=[4], observer=MinMax, scheme=base)
    assert net.calls == [once]
    assert set(net.tried[1:]) == {base} and len(net.tried[1:]) == 3 + len(OWNERS)


def test_calibration_may_be_an_array_batches_or_a_generator():
    pieces = [IMAGES[:7], IMAGES[7:]]
    for sweep in (sweep_bits, sweep_layer_bits):
        want = sweep(NET, *DATA, bits=[5])
        assert sweep(NET, pieces, IMAGES, LABELS, bits=[5]) == want
        assert sweep(NET, (piece for piece in pieces), IMAGES, LABELS, bits=[5]) == want


@pytest.mark.parametrize("sweep", [sweep_bits, sweep_layer_bits])
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"bits": []}, ValueError, r"bits must hold at least one number in 2\.\.8"),
        ({"bits": [8, 9]}, ValueError, "bits must .*9"),
        ({"bits": [1]}, ValueError, "bits must .*1"),
        ({"bits": [4.5]}, TypeError, "bits.* must .*4.5"),
        ({"labels": LABELS[:3]}, ValueError, r"labels must have shape .* got \(3,\)"),
        ({"images": IMAGES * np.inf}, ValueError, "images must be finite"),
    ],
)
def test_bad_input_is_refused_before_any_network_is_made(sweep, change, error, message):
    net = Recorder(NET.nodes, NET.channels)
    given = {"calibration": IMAGES, "images": IMAGES, "labels": LABELS} | change
    with pytest.raises(error, match=message):
        sweep(net, **given)
    assert not net.calls and not net.tried


def test_the_digits_mind_2_bits_and_not_6():
    data = digits.load()
    calibration, test = data.images[data.calibration[:64]], data.test[:200]
    found = sweep_bits(data.net, calibration, data.images[test], data.labels[test], bits=[2, 6])
    for scores in (found.weights, found.activations):
        assert scores[2].accuracy < 0.6 and scores[6].accuracy > 0.98
        assert scores[6].sqnr_db > scores[2].sqnr_db + 20
