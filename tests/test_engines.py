"""Plans of whole networks have the bytes of their layers, by every engine."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from engine_networks import ENGINES, codes, differs, every_rounding
from export_networks import edge_qnet, random_qnet
from reference import GOLDEN, random_network

from tinyq import Rounding, Scheme
from tinyq.engines.fuse import fuse
from tinyq.engines.steps import LayerStep
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node
from tinyq.models import digits, resnet
from tools.agreement import resnets

SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)
ODD = {
    "odd sizes": {"seed": 3, "filters": 5, "inner": 3, "classes": 7, "size": (11, 17)},
    "oblong, one channel": {"seed": 4, "filters": 2, "inner": 4, "channels": 1, "size": (9, 14)},
    "one pixel left": {"seed": 5, "filters": 3, "inner": 3, "classes": 1, "size": (3, 4)},
    "one column left": {"seed": 6, "filters": 40, "inner": 9, "channels": 2, "size": (29, 4)},
}


@pytest.fixture(scope="module")
def seed():
    return NET.quantize(SEED.images)


@pytest.fixture(scope="module")
def trained():
    data = digits.load()
    scans = data.images[data.test[:65]]
    nets = {"trained": data.net, "wide": data.wide_net}
    return {
        name: (net, net.calibrate(data.images[data.calibration[:64]]), scans)
        for name, net in nets.items()
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_the_seed_gives_its_golden_bytes(engine, seed):
    logits = seed.compile(engine, batch=4)(SEED.images[:4]).tolist()
    rows = [f"sample {i}: {' '.join(map(str, row))}" for i, row in enumerate(logits)]
    assert "\n".join([*GOLDEN.splitlines()[:2], *rows, ""]) == GOLDEN


@pytest.mark.parametrize("engine", ENGINES)
def test_any_batch(engine, seed):
    for batch in (1, 2, 3, 33):
        assert not differs(seed, codes(seed, batch, seed=batch), engine), batch


@pytest.mark.parametrize("engine", ENGINES)
def test_the_engine_runs_the_seed_s_weights_itself(engine, seed):
    # bytes alone would also be right if every layer ran by its own forward
    steps = seed.compile(engine, batch=2)._steps
    assert [op.name for op in fuse(seed.nodes) if isinstance(op.layer, Linear)] == [
        "stem_maxpool2x2",
        "block_relu_a",
        "block_conv3x3_b",
        "dense_8x4",
    ]
    made_by = Counter(type(step).__module__ for step in steps if type(step) is not LayerStep)
    module = {"numpy": "blas", "vnni": "vnni"}[engine]
    assert made_by[f"tinyq.engines.{module}"] >= 4, made_by


@pytest.mark.parametrize("name", ["trained", "wide"])
@pytest.mark.parametrize("engine", ENGINES)
def test_real_scans(engine, name, trained):
    net, ranges, scans = trained[name]
    for per_channel in (True, False):
        qnet = net.quantize_on(ranges, scans.shape[1:], scheme=Scheme(per_channel=per_channel))
        assert not differs(qnet, scans, engine)


@pytest.mark.parametrize("rounding", every_rounding())
@pytest.mark.parametrize("engine", ENGINES)
def test_every_rounding(engine, rounding, trained):
    net, ranges, scans = trained["wide"]
    for per_channel in (True, False):
        scheme = Scheme(rounding=rounding, per_channel=per_channel)
        qnet = net.quantize_on(ranges, scans.shape[1:], scheme=scheme)
        images = np.concatenate([qnet.grids["input"].quantize(scans[:20]), codes(qnet, 20)])
        assert not differs(qnet, images, engine)


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("engine", ENGINES)
def test_every_number_of_bits(engine, bits, trained):
    net, ranges, scans = trained["trained"]
    for scheme in (Scheme(bits, bits), Scheme(bits, 10 - bits), Scheme(8, bits)):
        qnet = net.quantize_on(ranges, scans.shape[1:], scheme=scheme)
        images = np.concatenate([qnet.grids["input"].quantize(scans[:5]), codes(qnet, 4)])
        assert not differs(qnet, images, engine), scheme


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("engine", ENGINES)
def test_odd_sizes(engine, name):
    weights, biases, images = random_network(**ODD[name])
    net = resnet.stem_block(weights, biases)
    for rounding in (Rounding.DOUBLE, Rounding.SINGLE, Rounding.FLOAT32):
        qnet = net.quantize(images, scheme=Scheme(rounding=rounding))
        assert not differs(qnet, codes(qnet, 3), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_largest_weights_and_the_ends_of_the_grid(engine, seed):
    rng, nodes = np.random.default_rng(8), []
    for node in seed.nodes:
        layer = node.layer
        if isinstance(layer, Linear):
            ends = rng.choice(np.int8([-127, 127]), layer.weight.shape)
            ends[0] = 127  # a channel whose sum is as large as can be
            layer = replace(layer, weight=ends)
        nodes.append(Node(node.name, layer, node.inputs))
    qnet = replace(seed, nodes=tuple(nodes))
    images = rng.choice(np.int8([-128, -1, 127]), (9, 16, 16, 3))
    images[:2] = np.int8([-128, 127])[:, None, None, None]
    assert not differs(qnet, images, engine)


@pytest.mark.parametrize("rounding", every_rounding())
@pytest.mark.parametrize("engine", ENGINES)
def test_accumulators_at_both_ends_of_int32_under_ratios_of_every_size(engine, rounding):
    every = np.arange(-128, 128).astype(np.int8)[:, None, None, None]
    assert not differs(edge_qnet(rounding), every, engine)


@pytest.mark.parametrize("draw", range(24))
@pytest.mark.parametrize("engine", ENGINES)
def test_random_networks(engine, draw):
    qnet = random_qnet(draw, tuple(Rounding), bits=(2, 3, 4, 5, 6, 7, 8, 8, 8))
    for count in (2, 5):
        assert not differs(qnet, codes(qnet, count, seed=draw), engine)


@pytest.mark.parametrize("size", [(23, 18), (32, 32)])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_whole_resnet_18(engine, size):
    net = resnet.resnet18(resnets.state(3, (4, 6, 8, 10)))
    qnet = net.quantize(resnets.images(0, 4, size))
    assert not differs(qnet, codes(qnet, 2), engine)
    assert not differs(qnet, resnets.images(1, 3, size), engine)
