"""Networks with constants, broadcasts and functions: they run, compile, and are refused by name."""

import numpy as np
import pytest
from engine_networks import ENGINES

from tinyq import Grid, Node, export, layers
from tinyq.layers.functions import Function
from tinyq.network import QNetwork
from tinyq.runtimes import RUNTIMES, oracle, trace

IN, GATE, OUT = Grid(0.05, 3), Grid(1 / 256, -128), Grid(0.04, -20)
CODES = np.random.default_rng(2).integers(-128, 128, (5, 4, 6, 3)).astype(np.int8)


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


def test_the_tensors_have_their_shapes_and_are_those_of_the_oracle():
    tensors = QNET.trace(CODES)
    assert QNET.shapes()["scaled"] == (4, 6, 3) and QNET.shapes()["shift"] == (1, 1, 3)
    for place, image in enumerate(CODES):
        for name, want in oracle.trace(QNET, image).items():
            made = tensors[name]
            assert made[min(place, len(made) - 1)].tolist() == want, name


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_same_bytes(engine):
    assert np.array_equal(QNET.compile(engine, batch=5)(CODES), QNET(CODES))


def test_a_runtime_traces_it():
    micro = trace(QNET, CODES, RUNTIMES["tflite-micro"])
    assert all(np.array_equal(micro[name], made) for name, made in QNET.trace(CODES).items())
    with pytest.raises(ValueError, match="layer 'moved': .*must have one shape here"):
        trace(QNET, CODES, RUNTIMES["onnxruntime"])


def broadcast_alone() -> QNetwork:
    nodes = (
        Node("mean", layers.QGlobalAvgPool2D(IN), ("input",)),
        Node("sum", layers.QAdd.from_float(IN, IN, OUT), ("input", "mean")),
    )
    return QNetwork(nodes, {"input": IN, "mean": IN, "sum": OUT}, {}, (4, 6, 3))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda qnet, to: export.c(qnet, to), "its inputs must have one shape here"),
        (lambda qnet, to: export.onnx(qnet, to), "its inputs must have one shape here"),
        (lambda qnet, to: export.onnx(qnet, to, form="qdq"), "its inputs must have one shape here"),
        (lambda qnet, to: export.tflite(qnet, to), "a and b must have one rank in TFLite"),
    ],
    ids=["C", "ONNX", "QDQ", "TFLite"],
)
def test_an_add_that_repeats_an_axis_is_refused_where_it_would_be_another(write, message, tmp_path):
    with pytest.raises(ValueError, match=f"layer 'sum': {message}"):
        write(broadcast_alone(), tmp_path / "file")
    assert not list(tmp_path.iterdir())
