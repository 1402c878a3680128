"""tinyq.load_torch and resnet.resnet18 against PyTorch: its stored logits, and itself where it is.

The weights are random, made anew by tools.agreement.resnets; nothing else is shared with PyTorch.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import tinyq
from tinyq.floatref import MaxPool2D
from tinyq.models import resnet
from tinyq.runtimes import oracle
from tools.agreement import resnets

STORED = json.loads((Path(__file__).parent / "data" / "resnet18_logits.json").read_text())
TINY = (2, 3, 4, 5)


def tiny() -> dict[str, np.ndarray]:
    return resnets.state(3, TINY)


@pytest.mark.parametrize("name", STORED["cases"])
def test_the_float_network_gives_pytorchs_stored_logits(name):
    case = STORED["cases"][name]
    net = resnet.resnet18(resnets.state(STORED["seed"], case["widths"]))
    images = resnets.images(STORED["seed"], len(case["logits"]), case["size"])
    assert np.abs(net(images) - np.float32(case["logits"])).max() < 1e-4


def test_the_stored_logits_say_where_they_come_from():
    assert set(STORED) == {"made_by", "seed", "machine", "date", "version", "cases"}
    assert list(STORED["cases"]) == ["narrow", "whole"]
    assert STORED["cases"]["whole"]["widths"] == list(resnets.WIDTHS)


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 40)])
def test_the_float_network_gives_pytorchs_logits_now(size):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from tools.agreement import torch_resnet

    torch.set_num_threads(1)
    model = torch_resnet.model(resnets.state(11, resnets.NARROW))
    images = resnets.images(11, 2, size)
    # a state_dict of tensors; the parameters themselves, which want gradients, as well
    state = model.state_dict() | dict(model.named_parameters())
    want = torch_resnet.logits(model, images)
    assert np.abs(resnet.resnet18(state)(images) - want).max() < 1e-4


def test_tensors_of_few_bits_are_read():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    state = {name: torch.from_numpy(np.array(v)) for name, v in tiny().items()}
    half = {name: v.bfloat16() if v.is_floating_point() else v for name, v in state.items()}
    images = resnets.images(0, 1, (32, 32))
    rounded = {name: v.float().numpy() for name, v in half.items()}
    assert np.array_equal(tinyq.load_torch(half)(images), tinyq.load_torch(rounded)(images))
    state["fc.bias"] = torch.zeros(10, dtype=torch.int32)
    with pytest.raises(TypeError, match="fc.bias must be real numbers"):
        tinyq.load_torch(state)


def test_the_layers_are_torchvisions():
    net = resnet.resnet18(tiny())
    names = [node.name for node in net.nodes]
    assert names[:5] == ["conv1.pad", "conv1", "relu", "maxpool", "layer1.0.conv1.pad"]
    assert names[-4:] == ["layer4.1.add", "layer4.1.relu2", "avgpool", "fc"]
    projected = [name for name in names if "downsample" in name]
    assert projected == [f"layer{layer}.0.downsample.0" for layer in (2, 3, 4)]
    layers = {node.name: node.layer for node in net.nodes}
    strided = {n for n, layer in layers.items() if getattr(layer, "stride", (1, 1)) == (2, 2)}
    assert strided == {"conv1", "maxpool", *projected} | {f"layer{n}.0.conv1" for n in (2, 3, 4)}
    assert layers["maxpool"] == MaxPool2D((3, 3), (2, 2), (1, 1, 1, 1))
    assert net.channels == 3


def test_a_layer_before_a_relu_is_calibrated_after_it():
    net = resnet.resnet18(tiny())
    observed = {node.name: node.observe for node in net.nodes if node.observe}
    assert observed["conv1"] == "relu" and observed["layer1.0.add"] == "layer1.0.relu2"
    assert observed["layer1.0.conv2"] == "layer1.0.conv2"
    qnet = net.quantize(resnets.images(0, 2, (32, 32)))
    assert qnet.grids["conv1"].zero_point == -128
    assert qnet.grids["maxpool"] is qnet.grids["relu"] is qnet.grids["conv1"]


def test_the_int8_network_is_the_loop_nests():
    qnet = resnet.resnet18(tiny()).quantize(resnets.images(0, 4, (23, 18)))
    codes = qnet.grids["input"].quantize(resnets.images(1, 2, (23, 18)))
    got = qnet.trace(codes)
    for i, image in enumerate(codes):
        for name, want in oracle.trace(qnet, image).items():
            assert got[name][i].tolist() == want, name


def test_int8_stays_near_float():
    net = resnet.resnet18(resnets.state(5, resnets.NARROW))
    qnet = net.quantize(resnets.images(5, 8, (32, 32)))
    images = resnets.images(6, 8, (32, 32))
    want = net(images)
    # eight bits over twenty layers: a few percent of the logits' range
    assert np.abs(qnet.dequantize(qnet(images)) - want).max() < 0.1 * np.ptp(want)


def test_a_change_of_the_weights_does_not_reach_the_network():
    state, images = tiny(), resnets.images(0, 1, (32, 32))
    net = tinyq.load_torch(state)
    before = net(images)
    for array in state.values():
        array *= 0
    assert np.array_equal(net(images), before) and before.any()


def test_any_number_of_blocks():
    state = {n: v for n, v in tiny().items() if not n.startswith(("layer3", "layer4", "fc"))}
    state = {n: v for n, v in state.items() if not n.startswith("layer2.1")}
    state |= {"fc.weight": np.ones((2, 3), np.float32), "fc.bias": np.zeros(2, np.float32)}
    net = tinyq.load_torch(state)
    assert net(resnets.images(0, 2, (32, 32))).shape == (2, 2)
    with pytest.raises(ValueError, match="blocks 2, 2, 2, 2 of layer1 to layer4, got 2, 1"):
        resnet.resnet18(state)


def test_eps_is_that_of_the_batch_norms():
    state, images = tiny(), resnets.images(0, 1, (32, 32))
    shifted = dict(state)
    for name in state:
        if name.endswith("running_var"):
            shifted[name] = (state[name].astype(np.float64) + 0.5).astype(np.float32)
    wide = tinyq.load_torch(state, eps=0.5 + 1e-5)(images)
    assert np.abs(wide - tinyq.load_torch(shifted)(images)).max() < 1e-4
    assert np.abs(wide - tinyq.load_torch(state)(images)).max() > 1e-3


def changed(**parameters) -> dict[str, np.ndarray]:
    """Return a state with other parameters; None takes one out; "__" stands for a dot."""
    state = tiny() | {name.replace("__", "."): value for name, value in parameters.items()}
    return {name: value for name, value in state.items() if value is not None}


ONES = np.ones((2, 2, 3, 3), np.float32)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ([], TypeError, "state_dict must be a Mapping, got"),
        ({}, ValueError, "state_dict must have blocks: layer1.0.conv1.weight"),
        (changed(fc__bias=None), ValueError, "must have 'fc.bias', left are none"),
        (
            changed(layer2__0__downsample__1__bias=None),
            ValueError,
            "must have 'layer2.0.downsample.1.bias', left are",
        ),
        (
            {n: v for n, v in tiny().items() if "downsample" not in n},
            ValueError,
            "must have 'layer2.0.downsample.0.weight'",
        ),
        (
            {n: v for n, v in tiny().items() if not n.startswith("layer1.0")},
            ValueError,
            "has layer1.1 but not the block before it",
        ),
        (
            changed(layer1__0__conv3__weight=ONES),
            ValueError,
            "parameters that no layer takes: layer1.0.conv3.weight$",
        ),
        (changed(conv1__weight=ONES[:, :, :2]), ValueError, "conv1.weight must be .O, I, KH, KW.,"),
        (changed(conv1__weight=ONES[0, 0]), ValueError, "conv1.weight must be .O, I, KH, KW.,"),
        (changed(bn1__bias=np.ones(3)), ValueError, "conv1 with bn1: beta must have shape"),
        (changed(bn1__running_var=np.float32([-1, 1])), ValueError, "with bn1: var must be >= 0"),
        (changed(fc__bias=np.float32([np.nan] * 10)), ValueError, "fc.bias must be finite"),
        (changed(fc__bias=np.arange(10)), TypeError, "fc.bias must be real numbers"),
        (changed(fc__weight=np.ones((10, 4))), ValueError, "fc: it reads 4 channels, but avgpool"),
        (
            changed(layer1__1__conv1__weight=np.ones((2, 7, 3, 3))),
            ValueError,
            "layer1.1.conv1: it reads 7 channels, but layer1.0.relu2 has 2",
        ),
    ],
)
def test_what_is_no_resnet_is_refused(state, error, message):
    with pytest.raises(error, match=message):
        tinyq.load_torch(state)


def test_a_block_that_changes_the_channels_needs_a_projection():
    state = tiny()
    wide = resnets.conv(np.random.default_rng(0), "layer1.1.conv2", "layer1.1.bn2", 5, 2, 3)
    with pytest.raises(ValueError, match="layer1.1.add: it reads 5 channels, but layer1.0.relu2"):
        tinyq.load_torch(state | wide)


@pytest.mark.parametrize("eps", [0.0, -1.0, np.nan])
def test_eps_must_be_positive(eps):
    with pytest.raises(ValueError, match="eps must be .*finite"):
        tinyq.load_torch(tiny(), eps=eps)


def test_the_stem_of_small_images_is_refused():
    state = tiny()
    state["conv1.weight"] = state["conv1.weight"][:, :, 2:5, 2:5]
    with pytest.raises(
        ValueError, match=r"conv1.weight must be 7x7, ImageNet's stem, got \(3, 3\)"
    ):
        tinyq.load_torch(state)
