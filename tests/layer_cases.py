"""A case of each layer of tinyq.layers: the layer, one image's shapes, and its float original."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tinyq import Grid, Scheme, floatref, layers
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import INPUT, Node
from tinyq.network import QNetwork

SHARES = Grid(1 / 256, -128)  # what a softmax makes, and a logistic
A, B, OUT = Grid(0.02, -128), Grid(0.0784, 5), Grid(0.06, 10, -100, 90)
IMAGE = (5, 6, 3)
RNG = np.random.default_rng(3)


class LayerCase(NamedTuple):
    """layer: an int8 layer; shapes: of what it reads, without N; original: the float layer."""

    layer: Layer
    shapes: tuple[Shape, ...]
    original: object


def real(*shape: int) -> np.ndarray:
    """Random float32 weights, the same in each run."""
    return RNG.uniform(-1, 1, shape).astype(np.float32)


def case(original, *in_grids: Grid, out_grid=None, shape=IMAGE, per_channel=True) -> LayerCase:
    """The case of the int8 layer that a float layer becomes."""
    layer = original.quantize(*in_grids, out_grid, Scheme(per_channel=per_channel))
    return LayerCase(layer, (shape,) * len(in_grids), original)


CONV = floatref.Conv2D(real(4, 2, 3, 3), real(4), (2, 1))
DILATED = replace(CONV, dilation=(2, 1))
DENSE = floatref.Dense(real(4, 7), real(4))
CONSTANT = floatref.Constant(real(5, 1, 3))
DEPTHWISE = floatref.DepthwiseConv2D(real(6, 2, 3), real(6), 2, (2, 1), (3, 1))

# one line a layer: its name in tinyq.layers, and a case
LAYER_CASES: dict[str, LayerCase] = {
    "QAdd": case(floatref.Add(), A, B, out_grid=OUT),
    "QAvgPool2D": case(floatref.AvgPool2D((2, 3), (2, 1), (0, 1, 1, 1)), B),
    "QClamp": LayerCase(layers.QClamp(B, 5, 82), (IMAGE,), floatref.ReLU6()),
    "QConstant": LayerCase(CONSTANT.quantize(OUT, Scheme()), (), CONSTANT),
    "QConcat": LayerCase(layers.QConcat((B, B), 0), (IMAGE, IMAGE), floatref.Concat(0)),
    "QConv2D": case(CONV, A, out_grid=OUT, per_channel=False),
    "QConv2DPerChannel": case(DILATED, A, out_grid=OUT),
    "QDense": case(DENSE, A, out_grid=OUT, shape=(7,)),
    "QDepthwiseConv2D": case(DEPTHWISE, A, out_grid=OUT),
    "QGlobalAvgPool2D": case(floatref.GlobalAvgPool2D(), B),
    "QMaxPool2D": case(floatref.MaxPool2D((2, 3), (2, 1), (1, 0, 0, 2)), B),
    "QMean": case(floatref.Mean((0, 1)), A, out_grid=OUT),
    "QMeanPool2D": LayerCase(
        layers.QMeanPool2D.from_float(B, OUT, (1, 2), (2, 1)),
        (IMAGE,),
        floatref.AvgPool2D((1, 2), (2, 1)),
    ),
    "QMul": case(floatref.Mul(), A, B, out_grid=OUT),
    "QPad": case(floatref.Pad(((1, 0), (0, 0), (2, 3))), B),
    "QPad2D": case(floatref.Pad2D((1, 0, 2, 3)), B),
    "QRescale": case(floatref.Rescale(), B, out_grid=OUT),
    "QReshape": case(floatref.Reshape((3, -1)), B),
    "QSoftmax": case(floatref.Softmax(), B, out_grid=SHARES),
    "QSoftmaxToGrid": LayerCase(
        layers.QSoftmaxToGrid.from_float(B, SHARES), (IMAGE,), floatref.Softmax()
    ),
    "QSub": case(floatref.Sub(), A, B, out_grid=OUT),
    "QTable": case(floatref.Logistic(), B, out_grid=SHARES),
    "QTranspose": case(floatref.Transpose((2, 0, 1)), B),
    "qrelu": case(floatref.ReLU(), B),
    "qrelu6": case(floatref.ReLU6(), B),
}


def alone(case: LayerCase) -> QNetwork:
    """A network with the case's layer, "made", at its end; what it reads is made of one sample.

    What a layer makes that reads nothing is added to the sample.
    """
    if not case.shapes:
        return added(case.layer)
    (grid, *others), shape = case.layer.in_grids, case.shapes[0]
    nodes, reads = [], [INPUT]
    for other in others:
        same = np.eye(shape[-1], dtype=np.float32)[:, None, None, :]
        original = floatref.Conv2D(same, np.zeros(len(same), np.float32))
        nodes.append(Node("other", original.quantize(grid, other, Scheme()), (INPUT,)))
        reads.append("other")
    nodes.append(Node("made", case.layer, tuple(reads)))
    grids = {INPUT: grid} | {node.name: node.layer.out_grid for node in nodes}
    return QNetwork(tuple(nodes), grids, {}, shape)


def added(layer: Layer) -> QNetwork:
    """A network that adds what a layer makes, which reads nothing, to an image of its shape."""
    total = layers.QAdd.from_float(A, layer.out_grid, OUT)
    nodes = (Node("made", layer, ()), Node("sum", total, (INPUT, "made")))
    return QNetwork(nodes, {INPUT: A, "made": layer.out_grid, "sum": OUT}, {}, layer.out_shape())
