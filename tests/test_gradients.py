"""Slopes of each layer, and of a whole network, exact: integers, so that no tolerance is needed."""

from dataclasses import replace

import numpy as np
import pytest

from tinyq.affine import Grid
from tinyq.floatref import (
    Add,
    AvgPool2D,
    Conv2D,
    Dense,
    GlobalAvgPool2D,
    MaxPool2D,
    Pad2D,
    ReLU,
    ReLU6,
)
from tinyq.layers.nodes import INPUT, Node
from tinyq.methods.fakequant import backward, fake_forward
from tinyq.methods.gradients import input_slopes, weight_slopes
from tinyq.network import Network

RNG = np.random.default_rng(12)


def integers(*shape, most=9):
    return RNG.integers(-most, most, shape, endpoint=True).astype(np.float32)


CONV = Conv2D(integers(4, 3, 2, 3), np.zeros(4, np.float32), (2, 1))
LINEAR = {
    "pad": (Pad2D((1, 2, 0, 3)), (2, 4, 5, 3)),
    "no pad": (Pad2D((0, 0, 0, 0)), (2, 4, 5, 3)),
    "conv": (CONV, (2, 7, 5, 3)),
    "overlapping mean": (AvgPool2D((2, 4), (1, 2)), (2, 5, 8, 3)),
    "global mean": (GlobalAvgPool2D(), (2, 4, 2, 3)),
    "dense": (Dense(integers(6, 5), np.zeros(6, np.float32)), (3, 5)),
}


@pytest.mark.parametrize(("layer", "shape"), LINEAR.values(), ids=LINEAR)
def test_a_linear_layers_slope_is_its_transpose(layer, shape):
    """<f(x), g> = <x, slope of g>, for every x and g."""
    x = integers(*shape)
    y = layer.forward(x)
    g = integers(*y.shape)
    (back,) = input_slopes(layer, (x,), g)
    assert back.shape == x.shape and back.dtype == np.float32
    assert float((y * g).sum(dtype=float)) == float((x * back).sum(dtype=float))


@pytest.mark.parametrize("name", ["conv", "dense"])
def test_the_weights_slopes_are_the_transpose_by_the_weights(name):
    layer, shape = LINEAR[name]
    x = integers(*shape)
    y = layer.forward(x)
    g = integers(*y.shape)
    weights, bias = weight_slopes(layer, x, g)
    assert weights.shape == layer.weights.shape and weights.dtype == np.float32
    assert float((y * g).sum(dtype=float)) == float((layer.weights * weights).sum(dtype=float))
    assert bias.tolist() == g.reshape(-1, len(layer.bias)).sum(axis=0).tolist()


def test_add_gives_its_slope_to_both():
    g = integers(2, 3)
    assert all(back is g for back in input_slopes(Add(), (g + 1, g - 1), g))


@pytest.mark.parametrize(
    "layer",
    [
        ReLU(),
        MaxPool2D((2, 3), (1, 2)),
        MaxPool2D((2, 2), (2, 2)),
        MaxPool2D((3, 3), (2, 2), (1, 2, 0, 1)),
    ],
)
def test_a_kinked_layers_slope_is_the_change_of_its_output(layer):
    # distinct odd integers: a step of 1/2 crosses no kink
    x = (2 * RNG.permutation(2 * 6 * 7 * 2).reshape(2, 6, 7, 2) - 167).astype(np.float32)
    g = integers(*layer.forward(x).shape)
    (back,) = input_slopes(layer, (x,), g)
    for place in np.ndindex(*x.shape):
        moved = x.copy()
        moved[place] += 0.5
        change = ((layer.forward(moved) - layer.forward(x)) * g).sum(dtype=float) / 0.5
        assert back[place] == change, place


def test_the_first_of_equal_maxima_takes_the_slope():
    x = np.float32([3, 7, 7, 7]).reshape(1, 2, 2, 1)
    (back,) = input_slopes(MaxPool2D((2, 2), (2, 2)), (x,), np.float32([[[[5]]]]))
    assert back.ravel().tolist() == [0, 5, 0, 0]


def test_relu_gives_nothing_at_zero():
    (back,) = input_slopes(ReLU(), (np.float32([-1, 0, 1]),), np.float32([2, 2, 2]))
    assert back.tolist() == [0, 0, 2]


def test_an_unknown_layer_is_refused():
    with pytest.raises(TypeError, match="no gradient is known for a ReLU6"):
        input_slopes(ReLU6(), (np.float32([1]),), np.float32([1]))


def sparse(*shape):
    """Weights -1, 0, 1, mostly 0: sums stay small."""
    return RNG.choice(np.float32([-1, 0, 0, 0, 1]), size=shape)


def residual_network():
    """Two convolutions with a skip, then a convolution to one pixel and a dense layer.

    Inputs and weights are integers, the biases 1/4 and 3/8: all tensors are multiples of 1/8, and
    what enters a ReLU never is 0.
    """
    quarter = np.full(3, 0.25, np.float32)
    one = Pad2D((1, 1, 1, 1))
    nodes = (
        Node("pad1", one, (INPUT,)),
        Node("conv1", Conv2D(sparse(3, 3, 3, 2), quarter), ("pad1",), "conv1"),
        Node("relu1", ReLU(), ("conv1",)),
        Node("pad2", one, ("relu1",)),
        Node("conv2", Conv2D(sparse(3, 3, 3, 3), 1.5 * quarter), ("pad2",), "conv2"),
        Node("add", Add(), ("conv2", "relu1"), "relu2"),
        Node("relu2", ReLU(), ("add",)),
        Node("conv3", Conv2D(sparse(4, 3, 3, 3), integers(4, most=1)), ("relu2",), "conv3"),
        Node("mean", GlobalAvgPool2D(), ("conv3",)),
        Node("dense", Dense(sparse(3, 4), integers(3, most=1)), ("mean",), "dense"),
    )
    return Network(nodes, channels=2)


NET = residual_network()
IMAGES = integers(2, 3, 3, 2, most=1)
EIGHTHS = {name: Grid(0.125, 0) for name in (INPUT, *(node.name for node in NET.nodes))}


def test_a_whole_networks_slopes_are_the_changes_of_its_logits():
    run = fake_forward(NET, EIGHTHS, IMAGES)
    assert all(np.array_equal(run.tensors[name], run.raw[name]) for name in run.raw), "not exact"
    g = integers(*run.raw["dense"].shape)
    slopes = backward(NET, EIGHTHS, run, g)
    assert sorted(slopes) == ["conv1", "conv2", "conv3", "dense"]
    before = (NET(IMAGES) * g).sum(dtype=float)
    for node in NET.nodes:
        if node.name not in slopes:
            continue
        for part, slope in zip(("weights", "bias"), slopes[node.name], strict=True):
            for place in np.ndindex(*slope.shape):
                moved = getattr(node.layer, part).copy()
                moved[place] += np.float32(2**-10)  # crosses no kink, and every sum stays exact
                layer = replace(node.layer, **{part: moved})
                nodes = [replace(n, layer=layer) if n is node else n for n in NET.nodes]
                change = ((Network(nodes, 2)(IMAGES) * g).sum(dtype=float) - before) * 2**10
                assert slope[place] == change, (node.name, place)


def test_no_slope_passes_a_number_that_the_grid_cannot_reach():
    dense = Dense(np.float32([[1, 0], [0, 1]]), np.zeros(2, np.float32))
    mean = Node("mean", GlobalAvgPool2D(), (INPUT,))
    net = Network((mean, Node("dense", dense, ("mean",), "dense")), channels=2)
    grids = {INPUT: Grid(1.0, 0), "mean": Grid(1.0, 0), "dense": Grid(1.0, 0, -8, 7)}
    pixels = np.float32([[7, 8], [3, -9]])[:, None, None]
    run = fake_forward(net, grids, pixels)
    assert run.tensors["dense"].tolist() == [[7, 7], [3, -8]]
    weights, bias = backward(net, grids, run, np.ones((2, 2), np.float32))["dense"]
    assert weights.tolist() == [[10, -1], [0, 0]] and bias.tolist() == [2, 0]
