"""Networks with constants, broadcasts and functions: they run, compile, and runtimes run them."""

import numpy as np
import pytest
from elementwise_cases import EVERY, NETS, QNET, drawn
from elementwise_networks import USED, elementwise_qnet
from engine_networks import ENGINES, differs
from export_networks import INTEGER, random_codes

from tinyq import layers
from tinyq.engines import blas
from tinyq.export.c_kernels import kernel_of
from tinyq.layers.functions import Function
from tinyq.runtimes import RUNTIMES, oracle, trace

CODES = np.random.default_rng(2).integers(-128, 128, (5, 4, 6, 3)).astype(np.int8)


def test_the_tensors_have_their_shapes():
    assert QNET.shapes()["scaled"] == (4, 6, 3) and QNET.shapes()["shift"] == (1, 1, 3)


def test_the_random_networks_have_every_layer_rank_rounding_and_function():
    nodes = [node for qnet in NETS.values() for node in qnet.nodes]
    assert {type(node.layer) for node in nodes} >= USED
    assert {len(shape) for qnet in NETS.values() for shape in qnet.shapes().values()} == {
        1,
        2,
        3,
        4,
    }
    muls = [node.layer for node in nodes if isinstance(node.layer, layers.QMul)]
    assert {layer.requantizer.rounding for layer in muls} == set(INTEGER)
    tables = [node.layer for node in nodes if isinstance(node.layer, layers.QTable)]
    assert {layer.function for layer in tables} == set(Function)
    kernels = {
        kernel_of(node, qnet.shapes()).function for qnet in NETS.values() for node in qnet.nodes
    }
    assert kernels >= {"add_broadcast", "sub_broadcast", "mul_broadcast", "add", "sub", "mul"}


@EVERY
def test_the_layers_are_those_of_the_oracle(name):
    qnet, codes = drawn(name)
    tensors = qnet.trace(codes[:2])
    for place, sample in enumerate(codes[:2]):
        for tensor, want in oracle.trace(qnet, sample).items():
            made = tensors[tensor]
            assert made[min(place, len(made) - 1)].tolist() == want, tensor


@pytest.mark.parametrize("engine", ENGINES)
@EVERY
def test_an_engine_gives_the_same_bytes(name, engine, monkeypatch):
    assert differs(*drawn(name), engine) == ""
    monkeypatch.setattr(blas, "TABLE_ROOM", 0)  # a table for the pairs of small networks too
    assert differs(*drawn(name), engine) == ""


def test_a_runtime_traces_it():
    micro = trace(QNET, CODES, RUNTIMES["tflite-micro"])
    assert all(np.array_equal(micro[name], made) for name, made in QNET.trace(CODES).items())
    with pytest.raises(ValueError, match="layer 'rest': .*nobody has measured what onnx.* a QSub"):
        trace(QNET, CODES, RUNTIMES["onnxruntime"])


@pytest.mark.parametrize("seed", range(12))
def test_tflite_s_runtimes_give_the_predicted_bytes(seed):
    litert = pytest.importorskip("tools.agreement.litert", exc_type=ImportError)
    tflm = pytest.importorskip("tools.agreement.tflm", exc_type=ImportError)
    qnet = elementwise_qnet(seed)
    codes, last = random_codes(qnet, 4), qnet.nodes[-1].name
    want = {name: trace(qnet, codes, RUNTIMES[name])[last] for name in RUNTIMES if "lite" in name}
    for kernels in litert.KERNELS:
        assert np.array_equal(litert.pipeline(qnet, codes, kernels), want[kernels]), kernels
    for fuse in (False, True):
        got = tflm.pipeline(qnet, codes, fuse_relu=fuse, fuse_pad=fuse)
        assert np.array_equal(got, want["tflite-micro"]), fuse
