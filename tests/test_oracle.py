"""tinyq.runtimes.oracle: each kind of layer goes to its own loop nest, with its own arguments."""

from dataclasses import replace

import numpy as np
import pytest

from tinyq import Grid, Requantizer, Rounding, floatref, layers
from tinyq.layers.nodes import Node
from tinyq.models import resnet
from tinyq.network import QNetwork
from tinyq.runtimes import oracle

RNG = np.random.default_rng(3)
A, B, C = Grid(0.02, -128), Grid(0.0784, 5), Grid(0.06, 10, -100, 90)
IMAGES = RNG.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
ROWS = RNG.integers(-128, 128, (2, 20)).astype(np.int8)


def real(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


# Beside tests/layer_cases.py, which has a case of each layer.
CASES = {
    "dense": (layers.QDense.from_float(real(3, 20), real(3), A, C), ROWS),
    "conv": (layers.QConv2D.from_float(real(4, 2, 1, 3), real(4), A, B, (2, 1)), IMAGES),
    "dense, a scale a row": (
        replace(
            layers.QDense.from_float(real(3, 20), real(3), A, C),
            weight_scale=np.float32([0.001, 0.004, 0.02]),
            requantizer=Requantizer.from_scales(A.scale, [0.001, 0.004, 0.02], C.scale),
        ),
        ROWS,
    ),
    "add": (layers.QAdd.from_float(A, B, C), IMAGES, IMAGES[::-1]),
    "add rows": (layers.QAdd.from_float(A, B, C), ROWS, ROWS[::-1]),
    "clamp rows": (layers.QClamp(B, low=-3, high=90), ROWS),
    "conv per channel": (
        layers.QConv2DPerChannel.from_float(real(4, 1, 3, 3), real(4), A, C, (1, 2)),
        IMAGES,
    ),
    "add by 10 bits": (layers.QAdd.from_float(A, B, B, left_shift=10), IMAGES, IMAGES[::-1]),
}


@pytest.mark.parametrize("name", CASES)
def test_forward_gives_the_codes_of_the_layer(name):
    layer, *batches = CASES[name]
    want = layer.forward(*batches).tolist()
    assert [oracle.forward(layer, *inputs) for inputs in zip(*batches, strict=True)] == want
    assert len({code for code in layer.forward(*batches).ravel().tolist()}) > 1


def test_trace_gives_every_tensor_of_a_network():
    shapes = {"stem": (3, 7, 7, 2), "block1": (4, 3, 3, 3), "block2": (3, 3, 3, 4), "dense": (2, 3)}
    weights = {name: real(*shape) for name, shape in shapes.items()}
    biases = {name: real(shape[0]) for name, shape in shapes.items()}
    qnet = resnet.stem_block(weights, biases).quantize(real(4, 9, 12, 2))
    image = RNG.integers(-128, 128, (9, 12, 2)).astype(np.int8)
    want = {name: codes[0].tolist() for name, codes in qnet.trace(image[None]).items()}
    assert oracle.trace(qnet, image) == want


def under(rounding, kind):
    """A layer under a rounding and its inputs, whose codes under any other rounding are others."""
    if kind == "add":
        grids = Grid(1.0, -19), Grid(0.0625, 12), Grid(0.5843290090560913, -7)
        every = np.indices((256, 64)).reshape(2, 256, -1, 1).astype(np.uint8).view(np.int8)
        return layers.QAdd.from_float(*grids, 3, rounding), every[:1], every[1:]
    rng, scales = np.random.default_rng(0), np.float32([0.25, 0.125, 1 / 3])
    rows = rng.integers(-128, 128, (64, 20)).astype(np.int8)
    conv = layers.QConv2DPerChannel, (3, 1, 2, 3), IMAGES
    make, shape, batch = conv if kind == "conv" else (layers.QDense, (3, 20), rows)
    weight = rng.integers(-9, 10, shape).astype(np.int8)
    bias = rng.integers(-40, 40, 3).astype(np.int32)
    requantizer = Requantizer.from_scales(0.3, scales, 0.6, rounding)
    return make(Grid(0.3, 1), Grid(0.6, -2), weight, bias, scales, requantizer), batch


@pytest.mark.parametrize("kind", ["conv", "dense", "add"])
def test_forward_follows_the_rounding_of_the_layer(kind):
    answers = []
    for rounding in Rounding:
        layer, *batches = under(rounding, kind)
        answers.append(layer.forward(*batches).tolist())
        got = [oracle.forward(layer, *inputs) for inputs in zip(*batches, strict=True)]
        assert got == answers[-1], rounding
    assert all(answers.count(answer) == 1 for answer in answers)


def test_float32_multiplies_and_divides_the_scales_in_float32():
    scales = 0.05296124517917633, np.float32([0.024093778803944588]), 0.11484327912330627
    out, zero = Grid(scales[2], -126), np.zeros((1, 1), np.int8)  # tensorflow issue 102943
    for rounding, code in ((Rounding.DOUBLE, -119), (Rounding.FLOAT32, -120)):
        requantizer = Requantizer.from_scales(*scales, rounding)
        parts = Grid(scales[0], 0), out, zero, np.int32([585]), scales[1], requantizer
        assert oracle.forward(layers.QDense(*parts), [0]) == [code]


class Narrower(layers.QClamp):
    def forward(self, codes):
        return np.minimum(super().forward(codes), 0)


def test_a_layer_without_a_loop_nest_is_refused_by_name():
    layer = Narrower(B, -3, 90)
    for other in (layer, floatref.ReLU()):
        name = type(other).__name__
        with pytest.raises(TypeError, match=f"^the oracle has no {name}, only QAdd"):
            oracle.forward(other, [[[1]]])
    qnet = QNetwork((Node("last", layer, ("input",)),), {"input": B, "last": B}, {}, (1, 1, 1))
    with pytest.raises(TypeError, match="^layer 'last': the oracle has no Narrower, only QAdd"):
        oracle.trace(qnet, np.int8([[[1]]]))


def changed(layer, **attributes):
    """A layer whose own checks are gone round."""
    layer = replace(layer)
    for name, value in attributes.items():
        object.__setattr__(layer, name, value)
    return layer


@pytest.mark.parametrize(
    ("name", "attributes", "message"),
    [
        ("conv per channel", {"weight_scale": np.float32([0.1, 0.2])}, "4 channels need 1 or 4"),
        ("dense", {"weight_scale": np.float32([0.1, 0.2])}, "need 1 or 3 weight scales, got 2"),
        ("dense", {"weight_scale": np.float32([])}, "need 1 or 3 weight scales, got 0"),
        ("conv", {"bias": np.int32([1, 2, 3])}, "shorter"),
        ("dense", {"bias": np.int32([1, 2])}, "shorter"),
        ("add", {"in_grids": (A, B, C)}, "codes must be 3"),
        ("add", {"rescale_a": Requantizer(0.5, Rounding.UP)}, "must rescale by one rounding"),
    ],
)
def test_no_two_lengths_and_no_two_roundings_are_paired(name, attributes, message):
    layer, *batches = CASES[name]
    with pytest.raises((TypeError, ValueError), match=message):
        oracle.forward(changed(layer, **attributes), *(batch[0] for batch in batches))


def test_each_input_is_looked_at():
    layer, a, b = CASES["add"]
    for inputs in ([a[0]], [a[0], b[0], b[0]], [a[0], b[0, :, :5]], [a[0], b[0, :4]]):
        with pytest.raises((TypeError, ValueError)):
            oracle.forward(layer, *inputs)
