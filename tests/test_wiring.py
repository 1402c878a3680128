"""What must hold before a network runs or leaves Python: wiring, shapes, sums that fit int32."""

from dataclasses import replace

import numpy as np
import pytest
from export_networks import random_codes, random_qnet

from tinyq import Grid, export, layers
from tinyq.layers.nodes import Node
from tinyq.layers.pool import LARGEST_MEAN
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, QMean, forward

GRID = Grid(0.5, -3)


def mean_of(image_shape, layer) -> QNetwork:
    nodes = (Node("mean", layer, ("input",)),)
    return QNetwork(nodes, {"input": GRID, "mean": GRID}, {}, image_shape)


@pytest.mark.parametrize("seed", range(12))
def test_shapes_are_those_of_a_run(seed):
    qnet = random_qnet(seed)
    run = qnet.trace(random_codes(qnet, 1))
    assert qnet.shapes() == {name: codes.shape[1:] for name, codes in run.items()}


def test_the_largest_mean_is_the_last_whose_sum_fits_int32():
    def worst(count):
        return 128 * count + count // 2

    assert worst(LARGEST_MEAN) <= 2**31 - 1 < worst(LARGEST_MEAN + 1)
    fits = mean_of((1, LARGEST_MEAN, 1), layers.QGlobalAvgPool2D(GRID))
    assert fits.shapes()["mean"] == (1,)
    most = "a mean must be of at most 16711935 codes, got 16711936"
    with pytest.raises(ValueError, match=f"'mean': QGlobalAvgPool2D: {most}"):
        mean_of((1, LARGEST_MEAN + 1, 1), layers.QGlobalAvgPool2D(GRID))
    with pytest.raises(ValueError, match=f"QAvgPool2D: {most}"):
        layers.QAvgPool2D(GRID, (1, LARGEST_MEAN + 1), (1, 1))


@pytest.mark.parametrize("layer", [layers.QGlobalAvgPool2D(GRID), QMean(GRID, GRID)])
def test_a_mean_whose_sum_could_leave_int32_is_refused(layer):
    codes = np.broadcast_to(np.int8(-128), (1, 4096, 4096, 1))
    with pytest.raises(ValueError, match="a mean must be of at most 16711935 codes, got 16777216"):
        layer.forward(codes) if hasattr(layer, "forward") else layer.total(codes)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_mean_of_rows_is_refused(runtime):
    with pytest.raises(ValueError, match="QMean.forward: codes must have shape .N, ...."):
        forward(QMean(GRID, GRID), np.zeros((1, 4), np.int8), runtime=RUNTIMES[runtime])


def test_the_c_of_a_tensor_beyond_31_bits_is_refused(tmp_path):
    pad = layers.QPad2D(GRID, (0, 0, 0, 1))
    with pytest.raises(ValueError, match="'mean': C must index it in 31 bits, got 2147483648"):
        export.c(mean_of((2**15, 2**16 - 1, 1), pad), tmp_path)
    with pytest.raises(ValueError, match="C must index the image in 31 bits"):
        export.c(mean_of((2**16, 2**15, 1), layers.qrelu(GRID)), tmp_path)


def test_a_network_whose_grids_say_something_else_is_refused():
    qnet = mean_of((2, 2, 1), layers.QGlobalAvgPool2D(GRID))
    with pytest.raises(ValueError, match="'mean': the network's grids must hold its out_grid"):
        replace(qnet, grids={"input": GRID, "mean": Grid(0.25, 0)})
    with pytest.raises(ValueError, match="'mean': its grid of 'input' must be"):
        replace(qnet, grids={"input": Grid(0.25, 0), "mean": GRID})


def test_weight_scales_must_be_numbers_above_zero():
    weights, bias = np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)
    conv = layers.QConv2D.from_float(weights, bias, GRID, GRID)
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="QConv2D: weight_scale must be finite"):
            replace(conv, weight_scale=np.float32([wrong]))


def right() -> dict:
    """The arguments of a network of two layers."""
    nodes = (
        Node("relu", layers.qrelu(GRID), ("input",)),
        Node("relu2", layers.qrelu(GRID), ("relu",)),
    )
    grids = dict.fromkeys(["input", "relu", "relu2"], GRID)
    return {"nodes": nodes, "grids": grids, "ranges": {}, "image_shape": (1, 1, 1)}


def with_grids(**grids) -> dict:
    return {"grids": {name: grid for name, grid in (right()["grids"] | grids).items() if grid}}


RELU, NODES = layers.qrelu(GRID), right()["nodes"]
WRONG = [
    ({"nodes": ()}, "the network must have at least one layer, got none"),
    ({"nodes": (NODES[0], NODES[0])}, "layer 'relu': it must have a name of its own"),
    (
        {"nodes": (Node("input", RELU, ("input",)),)},
        "layer 'input': it must have a name of its own",
    ),
    ({"nodes": NODES[::-1]}, r"layer 'relu2': inputs must be among \['input'\], got \['relu'\]"),
    ({"nodes": (Node("relu", RELU, ()),)}, r"layer 'relu': it must read 1 tensors, got \[\]"),
    ({"nodes": (Node("relu", RELU, ("input",) * 2),)}, "layer 'relu': it must read 1 tensors"),
    (with_grids(input=None), "layer 'relu': the network's grids must hold 'input', got"),
    (with_grids(input=Grid(0.5, -2)), "layer 'relu': its grid of 'input' must be Grid"),
    (with_grids(relu=None), "layer 'relu': the network's grids must hold its out_grid"),
    (with_grids(relu2=Grid(0.25, -3)), "layer 'relu2': the network's grids must hold its out_grid"),
    ({"image_shape": ()}, "image_shape must have an axis, as .H, W, C. or .C,. have, got .."),
    ({"image_shape": (1, 0)}, r"image_shape must be 2 integers >= 1, got \(1, 0\)"),
    ({"image_shape": (0, 1, 1)}, r"image_shape \(H, W, C\) must be 3 integers >= 1"),
    ({"image_shape": (1, 1, 0)}, r"image_shape \(H, W, C\) must be 3 integers >= 1"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_a_network_that_cannot_run_cannot_be_made(wrong, message):
    assert QNetwork(**right()).shapes() == dict.fromkeys(["input", "relu", "relu2"], (1, 1, 1))
    with pytest.raises(ValueError, match=f"^{message}"):
        QNetwork(**right() | wrong)


class Odd(layers.QClamp):
    """A layer of one's own, with attributes of its own making."""

    in_grids = property(lambda self: (self.in_grid,) if self.low else (None,))
    requantizers = property(lambda self: {"own": None} if self.low == 1 else {})


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (None, "its layer must be a Layer, got None"),
        (layers.QClamp, "its layer must be a Layer, got <class"),
        (Odd(GRID, 0, 1), "each of its grids must be a Grid, got None"),
        (Odd(GRID, 1, 1), "requantizer 'own' must be a Requantizer, got None"),
    ],
)
def test_what_keeps_no_contract_is_refused(layer, message):
    assert mean_of((1, 1, 1), Odd(GRID, 2, 2)).shapes()
    with pytest.raises(TypeError, match=f"^layer 'mean': {message}"):
        mean_of((1, 1, 1), layer)
