"""stem_block on the seed and on other weights, biases and images, against the second road."""

import numpy as np
import pytest
from reference import GOLDEN, float64_tensors, grid_from, oracle_trace, random_network

from tinyq.models import resnet

CASES = {
    "the seed": None,
    "seed's shape": {"seed": 1},
    "another draw": {"seed": 2},
    "other widths": {"seed": 3, "filters": 5, "inner": 3, "classes": 7, "channels": 1},
    "oblong image": {"seed": 4, "filters": 2, "inner": 4, "channels": 2, "size": (9, 14)},
    "one pixel left": {"seed": 5, "filters": 3, "inner": 3, "classes": 1, "size": (3, 4)},
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    draw = CASES[request.param]
    weights, biases, images = random_network(**draw) if draw else resnet.seed()
    net = resnet.stem_block(weights, biases)
    return weights, biases, images, net, net.quantize(images)


def test_float_tensors_equal_float64_einsum(case):
    weights, biases, images, net, _ = case
    got = net.trace(images)
    for name, want in float64_tensors(weights, biases, images).items():
        # float32 sums of up to 147 products, each of order 1: a few ulps of the largest partial sum
        assert np.abs(got[name] - want).max() < 2e-5, name


def test_grids_follow_from_the_ranges(case):
    *_, images, net, qnet = case
    trace = net.trace(images)
    for name, observed in owners(qnet).items():
        grid = qnet.grids[name]
        tensor = trace[observed]
        assert (grid.scale, grid.zero_point) == grid_from(tensor.min(), tensor.max()), name


def test_every_tensor_equals_the_oracle(case):
    weights, biases, images, _, qnet = case
    # the last image is far too bright: it clips at the input
    wild = np.concatenate([images[:2], 40 * images[1:2]])
    got = qnet.trace(wild)
    for i, image in enumerate(wild):
        for name, want in oracle_trace(weights, biases, scales_of(qnet), image).items():
            name = qnet.nodes[-1].name if name == "logits" else name
            assert got[name][i].tolist() == np.asarray(want).tolist(), (name, i)


def test_the_golden_logits_come_out_of_the_loops():
    weights, biases, images = resnet.seed()
    qnet = resnet.stem_block(weights, biases).quantize(images)
    for line, image in zip(GOLDEN.splitlines()[2:], images, strict=False):
        logits = oracle_trace(weights, biases, scales_of(qnet), image)["logits"]
        assert line.endswith(": " + " ".join(map(str, logits)))


def scales_of(qnet):
    """Return (scale, zero_point) by the name of the layer that owns the grid."""
    return {name: (qnet.grids[name].scale, qnet.grids[name].zero_point) for name in owners(qnet)}


def owners(qnet):
    """Return the layers that own a grid, and the tensor whose range made it."""
    names = ["input", "stem_conv7x7_s2", "block_conv3x3_a", "block_conv3x3_b"]
    return {name: name for name in names} | {
        "block_add": "block_relu_b",
        qnet.nodes[-1].name: qnet.nodes[-1].name,
    }


def test_an_all_zero_channel_and_dead_block_still_run():
    weights, biases, images = random_network(seed=6)
    weights["stem"][2] = 0
    weights["block2"][:] = 0
    biases["block2"][:] = 0
    qnet = resnet.stem_block(weights, biases).quantize(images)
    assert (qnet.grids["block_conv3x3_b"].scale, qnet.grids["block_conv3x3_b"].zero_point) == (
        1.0,
        -128,
    )
    want = oracle_trace(weights, biases, scales_of(qnet), images[0])["logits"]
    assert qnet(images[:1])[0].tolist() == want
