"""analysis: runs that are part int8 and part float, and each layer alone."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hand_network import IMAGES, LABELS, NET, OWNERS, logits_by_hand
from reference import random_network

from tinyq import Rounding
from tinyq.analysis import grid_owners, mixed_logits, mixed_trace, one_at_a_time, run_both
from tinyq.analysis.mixed import on_weight_grid
from tinyq.floatref import Conv2D, ReLU
from tinyq.layers.nodes import Node
from tinyq.layers.scheme import Scheme
from tinyq.models import digits, resnet
from tinyq.network import Network

# one rounding a rescale, so that Python's floats can follow it
QNET = NET.quantize(IMAGES, scheme=Scheme(rounding=Rounding.FLOAT64))
SUBSETS = [set(chosen) for size in range(6) for chosen in itertools.combinations(OWNERS, size)]
BLOCK = resnet.stem_block(*random_network(seed=50)[:2])
BLOCK_IMAGES = random_network(seed=50)[2]
DIGITS = digits.load()


def same_tensors(got, want):
    return list(got) == list(want) and all(
        got[name].dtype == want[name].dtype and got[name].tobytes() == want[name].tobytes()
        for name in want
    )


@pytest.mark.parametrize("on", SUBSETS, ids=lambda on: "+".join(sorted(on)) or "none")
def test_every_mixture_equals_the_network_by_hand(on):
    got = mixed_logits(NET, QNET, IMAGES, on)
    assert got.dtype == np.float32
    # a code more or less would be a hundred times as much
    assert np.abs(got - logits_by_hand(on, QNET.grids)).max() < 5e-6


@pytest.mark.parametrize(
    "scheme", [Scheme(), Scheme(weight_bits=4, activation_bits=3, per_channel=False)], ids=str
)
def test_all_or_nothing_is_the_int8_or_the_float_network_byte_for_byte(scheme):
    qnet = BLOCK.quantize(BLOCK_IMAGES, scheme=scheme)
    everything = mixed_trace(BLOCK, qnet, BLOCK_IMAGES, grid_owners(qnet))
    assert same_tensors(everything, qnet.trace(BLOCK_IMAGES))
    assert same_tensors(mixed_trace(BLOCK, qnet, BLOCK_IMAGES, ()), BLOCK.trace(BLOCK_IMAGES))


def test_owners_are_the_layers_that_make_a_grid():
    assert grid_owners(QNET) == OWNERS
    qnet = BLOCK.quantize(BLOCK_IMAGES)
    owners = grid_owners(qnet)
    observed = [node.name for node in BLOCK.nodes if node.observe]
    assert owners == ("input", *observed) and len(owners) == 6
    same = Conv2D(np.float32([[[[1.0]]]]), np.zeros(1, np.float32))
    images = BLOCK_IMAGES[..., :1]
    same = Network((Node("same", same, ("input",), observe="same"),), channels=1).quantize(images)
    assert same.grids["same"] == same.grids["input"]  # equal, but a grid of its own
    assert grid_owners(same) == ("input", "same")
    relu = Network((Node("relu", ReLU(), ("input",)),), channels=3)
    assert grid_owners(relu.quantize(BLOCK_IMAGES)) == ("input",)


def test_pass_through_layers_take_what_they_get():
    tensors = mixed_trace(NET, QNET, IMAGES, {"conv_a", "add"})
    kinds = {name: tensor.dtype.name for name, tensor in tensors.items()}
    codes = {"conv_a", "relu_a", "add", "relu", "mean"}
    assert kinds == {n: "int8" if n in codes else "float32" for n in kinds}
    assert tensors["relu_a"].min() == QNET.grids["conv_a"].zero_point


@pytest.mark.parametrize("name", ["net", "wide_net"])
@pytest.mark.parametrize(
    ("rounding", "share"),
    # the two roundings of DOUBLE part from one where a ratio is near 1: few bits to round away
    [(Rounding.FLOAT64, 1e-3), (Rounding.DOUBLE, 0.2)],
    ids=["FLOAT64", "DOUBLE"],
)
def test_the_float_road_to_a_code_is_at_most_one_code_off(name, rounding, share):
    net, images = getattr(DIGITS, name), DIGITS.images[DIGITS.test[:100]]
    calibration = DIGITS.images[DIGITS.calibration]
    qnet = net.quantize(calibration, scheme=Scheme(rounding=rounding))
    codes = qnet.trace(images)
    for node, qnode in zip(net.nodes, qnet.nodes, strict=True):
        if node.name not in grid_owners(qnet):
            continue
        reals = [qnet.grids[source].dequantize(codes[source]) for source in node.inputs]
        floats = on_weight_grid(node.layer, qnode.layer).forward(*reals)
        road = qnode.layer.out_grid.quantize(floats).astype(int)
        apart = np.abs(road - codes[node.name])
        assert apart.max() <= 1 and (apart > 0).mean() <= share, node.name


def test_other_names_images_and_networks_are_refused():
    with pytest.raises(ValueError, match=r"quantized must be names out of \['input', 'conv_a'"):
        mixed_trace(NET, QNET, IMAGES, {"relu_a"})
    with pytest.raises(TypeError, match="quantized .* got 'input'"):
        mixed_trace(NET, QNET, IMAGES, "input")
    with pytest.raises(TypeError, match="images must be real numbers"):
        mixed_trace(NET, QNET, IMAGES.astype(np.int8), ())
    with pytest.raises(ValueError, match=r"images must have shape \(N, 1, 1, 2\)"):
        mixed_trace(NET, QNET, np.zeros((1, 2, 1, 2), np.float32), ())
    with pytest.raises(ValueError, match="must have the same layers"):
        mixed_trace(BLOCK, QNET, IMAGES, ())


def test_a_layers_error_names_the_layer():
    nodes = list(NET.nodes)
    odd = replace(nodes[2].layer, weights=nodes[2].layer.weights[..., :1])
    nodes[2] = replace(nodes[2], layer=odd)
    with pytest.raises(ValueError, match="layer 'conv_b': Conv2D.forward: x must have C = 1"):
        mixed_trace(replace(NET, nodes=nodes), QNET, IMAGES, ())


def sqnr_by_hand(reference, logits):
    noise = sum((a - b) ** 2 for a, b in zip(reference.flat, logits.flat, strict=True))
    return 10 * math.log10(sum(a * a for a in reference.flat) / noise)


def test_one_at_a_time_scores_each_layer_as_by_hand():
    found = one_at_a_time(run_both(NET, QNET, IMAGES), LABELS)
    reference = logits_by_hand((), QNET.grids)
    assert list(found.alone_on) == list(found.alone_off) == list(OWNERS)
    for name in OWNERS:
        for got, on in (
            (found.alone_on[name], {name}),
            (found.alone_off[name], {*OWNERS} - {name}),
        ):
            want = logits_by_hand(on, QNET.grids)
            assert got.sqnr_db == pytest.approx(sqnr_by_hand(reference, want), abs=1e-2)
            answers = want.argmax(axis=1)
            assert got.accuracy == (answers == LABELS).mean()
            assert got.agreement == (answers == reference.argmax(axis=1)).mean()
    assert found.all_off.sqnr_db == float("inf") and found.all_off.agreement == 1
    everything = logits_by_hand(OWNERS, QNET.grids)
    assert found.all_on.sqnr_db == pytest.approx(sqnr_by_hand(reference, everything), abs=1e-2)


def test_images_on_the_grid_cost_nothing():
    images = QNET.grids["input"].dequantize(QNET.grids["input"].quantize(IMAGES))
    found = one_at_a_time(run_both(NET, QNET, images), LABELS)
    assert found.alone_on["input"].sqnr_db == float("inf")
    assert found.alone_off["input"] == found.all_on


def test_labels_are_checked_before_any_run(monkeypatch):
    monkeypatch.setattr("tinyq.analysis.alone.mixed_logits", None)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.2"):
        one_at_a_time(run_both(NET, QNET, IMAGES), LABELS + 1)


def test_the_wide_sibling_is_broken_in_one_place():
    net, test = DIGITS.wide_net, DIGITS.test[:100]
    runs = run_both(net, net.quantize(DIGITS.images[DIGITS.calibration]), DIGITS.images[test])
    found = one_at_a_time(runs, DIGITS.labels[test])
    worst = min(found.alone_on, key=lambda name: found.alone_on[name].sqnr_db)
    spared = max(found.alone_off, key=lambda name: found.alone_off[name].sqnr_db)
    assert worst == spared == "block_conv3x3_a"
    assert found.alone_off[spared].accuracy > found.all_on.accuracy + 0.02
