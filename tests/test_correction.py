"""Bias correction of a whole int8 network, against float sums over the very inputs."""

import numpy as np
import pytest
from test_digits import DIGITS
from test_fold import windows

from tinyq.layers.linear import Linear
from tinyq.layers.scheme import Scheme
from tinyq.methods.correction import correct_biases, real_weights
from tinyq.methods.in_order import input_steps
from tinyq.models import resnet

IMAGES = DIGITS.images[DIGITS.calibration]
NET = DIGITS.net
QNET = NET.quantize(IMAGES, scheme=Scheme(weight_bits=4))
CORRECTED = correct_biases(NET, QNET, IMAGES)


def inputs_of(qnet, images=IMAGES):
    """What each layer with weights reads, as real numbers float64: {name: (layer, original, x)}."""
    trace = qnet.trace(images)
    found = {}
    for node, original in zip(qnet.nodes, NET.nodes, strict=True):
        if isinstance(node.layer, Linear):
            grid = node.layer.in_grid
            steps = trace[node.inputs[0]].astype(np.float64) - grid.zero_point
            found[node.name] = node.layer, original.layer, grid.scale * steps
    return found


def mean_outputs(layer, x, weights, bias):
    """Mean over images and places of the float layer's outputs, (O,), by einsum."""
    if x.ndim == 2:
        return np.einsum("ni,oi->no", x, weights).mean(axis=0) + bias
    seen = windows(x, weights.shape[1], layer.stride[0])
    return np.einsum("nijyxc,oyxc->nijo", seen, weights).mean(axis=(0, 1, 2)) + bias


def mean_errors(qnet):
    """By layer: how far the mean of the rounded layer's sums is from the float layer's, in steps of
    the bias, and what half a step is."""
    for name, (layer, original, x) in inputs_of(qnet).items():
        step = layer.in_grid.scale * layer.weight_scale.astype(np.float64)
        rounded = mean_outputs(layer, x, real_weights(layer), layer.bias * step)
        wanted = mean_outputs(layer, x, original.weights.astype(np.float64), original.bias)
        yield name, np.abs(rounded - wanted) / step


def test_each_layers_mean_output_is_the_float_weights_to_half_a_step_of_the_bias():
    for name, error in mean_errors(CORRECTED):
        assert error.max() <= 0.501, name
    assert max(error.max() for _, error in mean_errors(QNET)) > 10


def test_only_biases_change():
    for node, old in zip(CORRECTED.nodes, QNET.nodes, strict=True):
        if isinstance(node.layer, Linear):
            assert np.array_equal(node.layer.weight, old.layer.weight)
            assert node.layer.requantizer is old.layer.requantizer
            assert not np.array_equal(node.layer.bias, old.layer.bias)
        else:
            assert node.layer is old.layer
    assert CORRECTED.grids == QNET.grids and CORRECTED.ranges == QNET.ranges
    assert all(CORRECTED.grids[name] is grid for name, grid in QNET.grids.items())
    assert not any(CORRECTED.ranges[name] is seen for name, seen in QNET.ranges.items())


def test_the_order_of_the_images_does_not_count():
    shuffled = correct_biases(NET, QNET, IMAGES[np.random.default_rng(1).permutation(len(IMAGES))])
    for node, other in zip(CORRECTED.nodes, shuffled.nodes, strict=True):
        if isinstance(node.layer, Linear):
            assert np.array_equal(node.layer.bias, other.layer.bias)


@pytest.mark.parametrize("name", ["stem_conv7x7_s2", "block_conv3x3_b", "dense_8x10"])
def test_input_steps_times_weights_are_the_accumulators(name):
    node = next(node for node in QNET.nodes if node.name == name)
    codes = QNET.trace(IMAGES[:3])[node.inputs[0]]
    rows = node.layer.weight.reshape(len(node.layer.bias), -1).astype(np.int32)
    sums = input_steps(node.layer, codes) @ rows.T + node.layer.bias
    assert np.array_equal(sums.reshape(-1), node.layer.accumulate(codes).reshape(-1))


seed = resnet.seed()
REFUSED = {
    "no images": (NET, IMAGES[:0], r"images must hold at least one, got shape \(0, 16, 16, 3\)"),
    "NaN": (NET, IMAGES * np.nan, "images must be finite float32"),
    "infinity": (NET, np.full_like(IMAGES, np.inf), "images must be finite float32"),
    "other size": (NET, IMAGES[:, :15], r"images must have shape \(N, 16, 16, 3\), got"),
    "other network": (
        resnet.stem_block(seed.weights, seed.biases),
        IMAGES,
        "net must be what qnet was quantized from",
    ),
}


@pytest.mark.parametrize(("net", "images", "message"), REFUSED.values(), ids=REFUSED)
def test_refusals(net, images, message):
    with pytest.raises(ValueError, match=message):
        correct_biases(net, QNET, images)
