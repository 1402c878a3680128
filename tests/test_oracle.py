"""tinyq.runtimes.oracle: each kind of layer goes to its own loop nest, with its own arguments."""

from dataclasses import replace

import numpy as np
import pytest

from tinyq import Grid, Requantizer, floatref, layers
from tinyq.models import resnet
from tinyq.runtimes import oracle

RNG = np.random.default_rng(3)
A, B, C = Grid(0.02, -128), Grid(0.0784, 5), Grid(0.06, 10, -100, 90)
IMAGES = RNG.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
ROWS = RNG.integers(-128, 128, (2, 20)).astype(np.int8)


def real(*shape):
    return RNG.uniform(-1, 1, shape).astype(np.float32)


CASES = {
    "conv": (layers.QConv2D.from_float(real(4, 2, 1, 3), real(4), A, B, (2, 1)), IMAGES),
    "conv per channel": (
        layers.QConv2DPerChannel.from_float(real(4, 1, 3, 3), real(4), A, C, (1, 2)),
        IMAGES,
    ),
    "dense": (layers.QDense.from_float(real(3, 20), real(3), A, C), ROWS),
    "dense, a scale a row": (
        replace(
            layers.QDense.from_float(real(3, 20), real(3), A, C),
            weight_scale=np.float32([0.001, 0.004, 0.02]),
            requantizer=Requantizer.from_scales(A.scale, [0.001, 0.004, 0.02], C.scale),
        ),
        ROWS,
    ),
    "add rows": (layers.QAdd.from_float(A, B, C), ROWS, ROWS[::-1]),
    "clamp rows": (layers.QClamp(B, low=-3, high=90), ROWS),
    "add": (layers.QAdd.from_float(A, B, C), IMAGES, IMAGES[::-1]),
    "add by 10 bits": (layers.QAdd.from_float(A, B, B, left_shift=10), IMAGES, IMAGES[::-1]),
    "pad": (layers.QPad2D(B, (0, 1, 2, 3)), IMAGES),
    "clamp": (layers.QClamp(B, low=-3, high=90), IMAGES),
    "max pool": (layers.QMaxPool2D(A, (2, 3), (1, 2)), IMAGES),
    "average pool": (layers.QAvgPool2D(A, (3, 2), (2, 1)), IMAGES),
    "global average pool": (layers.QGlobalAvgPool2D(A), IMAGES),
}


@pytest.mark.parametrize("name", CASES)
def test_forward_gives_the_codes_of_the_layer(name):
    layer, *batches = CASES[name]
    want = layer.forward(*batches).tolist()
    assert [oracle.forward(layer, *inputs) for inputs in zip(*batches, strict=True)] == want
    assert len({code for code in layer.forward(*batches).ravel().tolist()}) > 1


def test_every_public_layer_has_a_case():
    kinds = {type(layer).__name__ for layer, *_ in CASES.values()}
    assert kinds == {name for name in layers.__all__ if name.startswith("Q")}


def test_trace_gives_every_tensor_of_a_network():
    shapes = {"stem": (3, 7, 7, 2), "block1": (4, 3, 3, 3), "block2": (3, 3, 3, 4), "dense": (2, 3)}
    weights = {name: real(*shape) for name, shape in shapes.items()}
    biases = {name: real(shape[0]) for name, shape in shapes.items()}
    qnet = resnet.stem_block(weights, biases).quantize(real(4, 9, 12, 2))
    image = RNG.integers(-128, 128, (9, 12, 2)).astype(np.int8)
    want = {name: codes[0].tolist() for name, codes in qnet.trace(image[None]).items()}
    assert oracle.trace(qnet, image) == want


def test_a_layer_without_a_loop_nest_is_refused():
    with pytest.raises(TypeError, match="must be one of tinyq.layers, got ReLU"):
        oracle.forward(floatref.ReLU(), [[[1]]])
