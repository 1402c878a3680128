"""Samples of any rank: the same bytes in loops, plans, files, C and the runtimes."""

from dataclasses import replace

import numpy as np
import pytest
from c_compilers import SANITIZE, assert_same_bytes
from engine_networks import ENGINES, differs
from export_networks import random_codes
from rank_networks import moving_qnet, reader_s_own, real
from test_digits import DIGITS

from tinyq import Grid, Network, Node, Scheme, export, floatref, layers
from tinyq.engines.steps import LayerStep
from tinyq.export.archive import from_bytes, to_bytes
from tinyq.layers.nodes import INPUT
from tinyq.network import QNetwork
from tinyq.runtimes import oracle

FEW = range(8)
MANY = [*range(4), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(4, 60))]
OWN = reader_s_own()
IMAGES = DIGITS.images[:40]
QOWN = OWN.quantize(IMAGES)


def test_the_networks_here_have_every_layer_that_moves_codes_and_every_rank():
    nets = [moving_qnet(seed) for seed in FEW]
    used = {type(node.layer) for net in nets for node in net.nodes}
    assert used == {layers.QConcat, layers.QDense, layers.QPad, layers.QReshape, layers.QTranspose}
    assert {len(shape) for net in nets for shape in net.shapes().values()} == {1, 2, 3, 4}


@pytest.mark.parametrize("seed", MANY)
def test_layers_equal_their_loop_nests_at_any_rank(seed):
    qnet = moving_qnet(seed)
    codes = random_codes(qnet, 2)
    got = qnet.trace(codes)
    for sample in range(2):
        want = oracle.trace(qnet, codes[sample])
        assert {name: tensor[sample].tolist() for name, tensor in got.items()} == want


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", FEW)
def test_a_plan_gives_the_same_bytes_at_any_rank(seed, engine):
    assert differs(moving_qnet(seed), random_codes(moving_qnet(seed), 3), engine) == ""


def test_a_reshape_in_a_plan_is_no_step_and_no_copy():
    plan = QOWN.compile(batch=2)
    tensors = plan._tensors
    assert np.shares_memory(tensors["flat"].codes, tensors["pool"].codes)
    assert len(plan._steps) == 2 and not any(isinstance(s, LayerStep) for s in plan._steps)


def test_a_reshape_of_what_has_a_border_is_copied():
    grid = Grid(0.1, 3)
    pads = layers.QPad2D(grid, (1, 1, 1, 1))
    conv = floatref.Conv2D(real(2, 3, 3, 2), real(2)).quantize(grid, Grid(0.2, 0), Scheme())
    flat = layers.QReshape(grid, (-1,))
    nodes = Node("pad", pads, (INPUT,)), Node("conv", conv, ("pad",)), Node("flat", flat, (INPUT,))
    grids = {INPUT: grid, "pad": grid, "conv": conv.out_grid, "flat": grid}
    qnet = QNetwork(nodes, grids, {}, (3, 3, 2))
    assert differs(qnet, random_codes(qnet, 2), "numpy") == ""


@pytest.mark.parametrize("seed", FEW)
def test_a_npz_keeps_it(seed):
    qnet = moving_qnet(seed)
    back = from_bytes(to_bytes(qnet))
    codes = random_codes(qnet, 2)
    assert back.image_shape == qnet.image_shape and (back(codes) == qnet(codes)).all()
    grids = [node.layer.out_grid for node in back.nodes]
    assert all(a is b for a, b in zip(grids, grids[1:], strict=False) if a == b)


@pytest.mark.parametrize("seed", MANY[2:24])
def test_c_gives_the_same_bytes_at_any_rank(seed, tmp_path):
    qnet = moving_qnet(seed)
    assert_same_bytes(qnet, random_codes(qnet, 5), tmp_path, "-O1", *SANITIZE)


def test_c_copies_no_reshape_that_may_stay_in_its_place(tmp_path):
    export.c(QOWN, tmp_path)
    assert "reshape" not in (tmp_path / "network.c").read_text()
    ends = (Node("flat", floatref.Flatten(), (INPUT,)),)
    export.c(Network(ends, 2).quantize(real(2, 3, 2)), tmp_path, force=True)
    assert "reshape(&n0_flat, input, output);" in (tmp_path / "network.c").read_text()


def test_rows_run_calibrate_and_stand_in_the_ledger():
    nodes = (
        Node("fc", floatref.Dense(real(6, 5), real(6)), (INPUT,), "relu"),
        Node("relu", floatref.ReLU(), ("fc",)),
        Node("out", floatref.Dense(real(3, 6), real(3)), ("relu",), "out"),
    )
    net, rows = Network(nodes, channels=5), real(40, 5)
    assert net.calibrate(rows) == net.calibrate([rows[:7], rows[7:]])
    qnet = net.quantize(rows)
    assert qnet.image_shape == (5,) and qnet(rows).shape == (40, 3)
    assert [row.activation_bytes for row in qnet.ledger()] == [5, 6, 6, 3]
    step = qnet.grids["out"].scale
    assert np.abs(qnet.dequantize(qnet(rows)) - net(rows)).max() < 6 * step


def test_the_reader_s_own_network_on_the_digits_images():
    wrong = QOWN(IMAGES).argmax(axis=1) != OWN(IMAGES).argmax(axis=1)
    assert wrong.mean() < 0.1  # of two classes that are nearly as likely
    want = oracle.trace(QOWN, QOWN.trace(IMAGES)[INPUT][0])
    assert {name: tensor[0].tolist() for name, tensor in QOWN.trace(IMAGES).items()} == want


def test_channels_last_is_the_order_that_a_flatten_keeps():
    image = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    assert floatref.Flatten().forward(image).tolist() == [list(range(12))]


REFUSED = [
    (real(4, 3), r"images must have shape \(N, ..., 5\), got \(4, 3\)"),
    (real(5), r"images must have shape \(N, ..., 5\), got \(5,\)"),
    ([real(4, 5), real(4, 2, 5)], r"batch 1: images must have shape \(N, 5\), got \(4, 2, 5\)"),
]


@pytest.mark.parametrize(("samples", "message"), REFUSED)
def test_samples_of_another_shape_are_refused(samples, message):
    net = Network((Node("relu", floatref.ReLU(), (INPUT,)),), channels=5)
    with pytest.raises(ValueError, match=f"^{message}"):
        net.calibrate(samples)


def test_layers_that_observe_a_concatenation_are_on_its_grid():
    nodes = (
        Node("a", floatref.Dense(real(2, 5), real(2)), (INPUT,), "both"),
        Node("b", floatref.Dense(9 * real(3, 5), real(3)), (INPUT,), "both"),
        Node("both", floatref.Concat(0), ("a", "b")),
    )
    net, rows = Network(nodes, channels=5), real(30, 5)
    qnet = net.quantize(rows)
    assert qnet.grids["both"] is qnet.grids["a"] and qnet.grids["a"] == qnet.grids["b"]
    assert np.abs(qnet.dequantize(qnet(rows)) - net(rows)).max() < 2 * qnet.grids["both"].scale
    apart = (replace(nodes[0], observe="a"), *nodes[1:])
    with pytest.raises(ValueError, match="layer .both.: QConcat: in_grids must be one or more"):
        Network(apart, channels=5).quantize(rows)


def test_c_copies_a_reshape_whose_input_is_read_again(tmp_path):
    nodes = (
        Node("conv", floatref.Conv2D(real(3, 1, 1, 2), real(3)), (INPUT,), "conv"),
        Node("flat", floatref.Flatten(), ("conv",)),
        Node("fc", floatref.Dense(real(3, 12), real(3)), ("flat",), "fc"),
        Node("mean", floatref.GlobalAvgPool2D(), ("conv",)),
        Node("sum", floatref.Add(), ("fc", "mean"), "sum"),
    )
    qnet = Network(nodes, channels=2).quantize(real(9, 2, 2, 2))
    assert_same_bytes(qnet, random_codes(qnet, 20), tmp_path, "-O1", *SANITIZE)
    assert "reshape(" in (tmp_path / "network.c").read_text()
