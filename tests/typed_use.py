"""What a user writes, for mypy alone: it must find no fault here, and refuse each marked line.

A marked line that mypy accepts is a fault too: strict mode reports an ignore that is not needed.
"""

from functools import partial
from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import tinyq
from tinyq import analysis
from tinyq.floatref import Dense, ReLU
from tinyq.methods.adaround import round_up_or_down
from tinyq.methods.correction import correct_biases
from tinyq.methods.equalization import equalize_network
from tinyq.methods.finetune import finetune
from tinyq.models.onnx_network import ONNXNetwork
from tinyq.models.tflite_network import TFLiteNetwork
from tinyq.observers import Observer

Floats = NDArray[np.float32]
Codes = NDArray[np.int8]


class Symmetric(tinyq.MinMax):
    """An observer of the user's own: the methods that return self keep its type."""


def every_observer(net: tinyq.Network, images: Floats) -> None:
    net.quantize(images)
    net.quantize(images, observer=tinyq.MinMax)
    net.quantize(images, observer=tinyq.MSE)
    net.quantize(images, observer=tinyq.Entropy)
    net.quantize(images, observer=tinyq.Percentile)
    net.quantize(images, observer=tinyq.MovingAverage)
    net.quantize(images, observer=Symmetric)
    net.quantize(images, observer=partial(tinyq.Percentile, percent=99.9))
    net.calibrate([images, images], observer=tinyq.MSE)
    assert_type(net.calibrate(images)["input"], Observer)
    assert_type(Symmetric().observe(images).merge(Symmetric()), Symmetric)

    net.quantize(images, observer=tinyq.MSE())  # type: ignore[arg-type]
    net.quantize(images, observer="mse")  # type: ignore[arg-type]
    net.quantize(images, observer=tinyq.Grid)  # type: ignore[arg-type]
    tinyq.MSE().merge(tinyq.Entropy())  # type: ignore[arg-type]


def results(net: tinyq.Network, images: Floats, labels: NDArray[np.int64]) -> None:
    qnet = net.quantize(images, scheme=tinyq.Scheme(weight_bits=4, rounding=tinyq.Rounding.UP))
    assert_type(net(images), Floats)
    assert_type(qnet(images), Codes)
    assert_type(qnet.trace(images), dict[str, Codes])
    assert_type(qnet.dequantize(qnet(images)), Floats)
    assert_type(qnet.grids["input"], tinyq.Grid)
    assert_type(tinyq.parity.compare(net, qnet, images).worst, float)
    assert_type(analysis.accuracy(qnet(images), labels), float)
    assert_type(analysis.tensor_errors(analysis.run_both(net, qnet, images))[0].max_codes, float)

    net.quantize(images, scheme=4)  # type: ignore[arg-type]
    qnet.grids["input"].zero_point = 3  # type: ignore[misc]


def methods(net: tinyq.Network, images: Floats, labels: NDArray[np.int64]) -> None:
    net = equalize_network(net)
    net = finetune(net, images, labels, images, observer=tinyq.MSE)
    qnet = correct_biases(net, net.quantize(images), images)
    qnet = round_up_or_down(net, qnet, images)
    tinyq.export.npz(qnet, Path("net.npz"))
    assert_type(tinyq.export.load("net.npz")(images), Codes)


def arithmetic() -> None:
    grid = tinyq.Grid.from_range(-1.0, 2.0)
    assert_type(grid.quantize([0.0, 0.7]), Codes)
    assert_type(grid.dequantize(grid.quantize([0.5])), Floats)
    requantizer = tinyq.Requantizer(0.25)
    tinyq.Requantizer([0.25, 0.5], tinyq.Rounding.UP)
    assert_type(requantizer.requantize(np.arange(8), grid), Codes)
    assert_type(requantizer.multiplier, NDArray[np.int32])

    tinyq.Requantizer(0.25, "up")  # type: ignore[arg-type]


def networks() -> None:
    weights, biases, images = tinyq.resnet.seed()
    assert_type(tinyq.resnet.stem_block(weights, biases), tinyq.Network)
    assert_type(tinyq.digits.load().images, Floats)
    assert_type(tinyq.load_torch({}), tinyq.Network)
    assert_type(tinyq.load_onnx("net.onnx"), ONNXNetwork)
    assert_type(tinyq.load_tflite("net.tflite"), TFLiteNetwork)
    dense = Dense(np.ones((2, 3), np.float32), np.zeros(2, np.float32))
    nodes = (tinyq.Node("dense", dense, ("input",), "relu"), tinyq.Node("relu", ReLU(), ("dense",)))
    tinyq.Network(nodes, channels=3)
