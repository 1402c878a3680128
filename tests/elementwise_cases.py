"""The networks of elementwise layers that the tests try: random ones, and one by hand."""

import numpy as np
import pytest
from elementwise_networks import elementwise_qnet
from export_networks import INTEGER, random_codes

from tinyq import Grid, Node, layers
from tinyq.layers.functions import Function
from tinyq.network import QNetwork

IN, GATE, OUT = Grid(0.05, 3), Grid(1 / 256, -128), Grid(0.04, -20)


def squeeze_and_excite() -> QNetwork:
    """A constant, and a gate for each channel, which scales the image that it was made from."""
    nodes = (
        Node("shift", layers.QConstant(IN, np.int8([[[30, -20, 5]]])), ()),
        Node("moved", layers.QAdd.from_float(IN, IN, OUT), ("input", "shift")),
        Node("mean", layers.QGlobalAvgPool2D(OUT), ("moved",)),
        Node("gate", layers.QTable.of(Function.LOGISTIC, OUT, GATE), ("mean",)),
        Node("scaled", layers.QMul.from_float(OUT, GATE, OUT), ("moved", "gate")),
        Node("rest", layers.QSub.from_float(OUT, OUT, Grid(0.08, 0)), ("scaled", "mean")),
        Node("shares", layers.QSoftmax(Grid(0.08, 0), GATE), ("rest",)),
        Node("real", layers.QRescale.from_float(GATE, Grid(0.01, 0)), ("shares",)),
    )
    grids = {"input": IN} | {node.name: node.layer.out_grid for node in nodes}
    return QNetwork(nodes, grids, {}, (4, 6, 3))


QNET = squeeze_and_excite()
NETS = {seed: elementwise_qnet(seed, INTEGER, narrow=True) for seed in range(12)}
NETS["squeeze and excite"] = QNET
EVERY = pytest.mark.parametrize("name", NETS)


def drawn(name) -> tuple[QNetwork, np.ndarray]:
    return NETS[name], random_codes(NETS[name], 7)
