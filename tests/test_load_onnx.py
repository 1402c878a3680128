"""What tinyq writes as .onnx is opened in both forms with the same bytes; layouts; small files."""

from functools import cache

import numpy as np
import pytest

pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)

from export_networks import random_codes, random_qnet  # noqa: E402
from onnx_files import model, node, outcome, pair  # noqa: E402
from rank_networks import moving_qnet  # noqa: E402

import tinyq  # noqa: E402
from tinyq import Grid, Rounding, export  # noqa: E402
from tinyq.models.load_onnx import to_network  # noqa: E402
from tinyq.models.onnx import fused, parse  # noqa: E402
from tinyq.models.onnx_network import ONNXNetwork  # noqa: E402
from tinyq.models.understand_onnx import understand  # noqa: E402
from tinyq.runtimes import trace  # noqa: E402

FORMS = pytest.mark.parametrize("form", ["qlinear", "qdq"])
ONE, FINE = Grid(0.5, -3), Grid(float(np.float32(0.1)), 7)
NUMBERS = dict(zip(("s", "z", "s_out", "z_out"), (*pair(0.5, -3), *pair(0.1, 7)), strict=True))


@cache
def own(kind: str, seed: int):
    return moving_qnet(seed) if kind == "any rank" else random_qnet(seed, (Rounding.DOUBLE,), (8,))


def opened(made) -> ONNXNetwork:
    """The network of a model of onnx's."""
    read = fused(parse(made.SerializeToString()))
    return to_network(read, understand(read))


def second(codes: np.ndarray) -> np.ndarray:
    """tinyq's codes as the file has them, the last axis second; images stay."""
    return codes if codes.ndim in (2, 4) else np.moveaxis(codes, -1, 1)


@FORMS
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["images", "any rank"])
def test_what_tinyq_writes_is_opened_with_the_same_bytes(kind, seed, form, tmp_path):
    qnet = own(kind, seed)
    export.onnx(qnet, tmp_path / "net.onnx", form=form)
    network, codes = tinyq.load_onnx(tmp_path / "net.onnx"), random_codes(qnet, 4)
    assert np.array_equal(network(second(codes)), second(qnet(codes)))
    for runtime in ("onnxruntime", "tflite-micro"):
        want = second(trace(qnet, codes, runtime)[qnet.nodes[-1].name])
        assert np.array_equal(trace(network, second(codes), runtime)[network.nodes[-1].name], want)
    assert not network.float_input and not network.float_output


@FORMS
@pytest.mark.parametrize("seed", range(4))
def test_a_node_knows_the_tensor_that_it_makes(seed, form, tmp_path):
    """tinyq gives a layer's tensor the layer's name, so each can be found by it."""
    qnet = own("images", seed)
    export.onnx(qnet, tmp_path / "net.onnx", form=form)
    network, codes = tinyq.load_onnx(tmp_path / "net.onnx"), random_codes(qnet, 3)
    made, want, found = network.trace(codes), qnet.trace(codes), 0
    for name, tensor in network.tensor_names.items():
        if tensor in want and made[name].shape == want[tensor].shape:
            assert np.array_equal(made[name], want[tensor]), name
            found += 1
    assert found > len(qnet.nodes) - 3 and set(network.operator_indices) == {
        node.name for node in network.nodes
    }


def alone(*nodes, shape=("N", 3, 4, 5), output="y", **constants):
    """A model of nodes on int8 codes; the first input is x."""
    return model(nodes, {"x": shape}, output, NUMBERS | constants)


SAME = node("QLinearAveragePool", ["x", "s", "z", "s", "z"], "p", kernel_shape=[1, 1])
MOVES = {
    "flatten": [node("Flatten", ["p"], "y")],
    "reshape": [node("Reshape", ["p", "rows"], "y")],
    "to an image": [node("Reshape", ["p", "image"], "y")],
    "transpose": [node("Transpose", ["p"], "y", perm=[0, 3, 1, 2])],
    "pad": [node("Pad", ["p", "widths", "z"], "y")],
    "concat": [node("Concat", ["p", "p"], "y", axis=2)],
    "concat of channels": [node("Concat", ["p", "p"], "y", axis=-3)],
    "clip": [node("Clip", ["p", "low", "high"], "y")],
    "unsqueeze": [node("Unsqueeze", ["p", "axes"], "y")],
    "there and back": [node("Flatten", ["p"], "f"), node("Reshape", ["f", "image"], "y")],
    "softmax": [node("QLinearSoftmax", ["p", "s", "z", "share", "least"], "y", axis=3, opset=13)],
    "softmax of channels": [
        node("QLinearSoftmax", ["p", "s", "z", "share", "least"], "y", axis=1, opset=13)
    ],
    "matmul": [
        node("QLinearMatMul", ["p", "s", "z", "matrix", "s", "zero", "s_out", "z_out"], "y")
    ],
    "max pool": [node("MaxPool", ["p"], "y", kernel_shape=[2, 3], pads=[1, 0, 0, 2])],
    "counted pads": [
        node(
            "QLinearAveragePool",
            ["p", "s", "z", "s_out", "z_out"],
            "y",
            kernel_shape=[2, 3],
            pads=[1, 0, 0, 2],
            count_include_pad=1,
        )
    ],
    "a constant": [node("QLinearMul", ["p", "s", "z", "side", "s", "z", "s_out", "z_out"], "y")],
    "per channel": [node("QLinearAdd", ["line", "s", "z", "p", "s", "z", "s_out", "z_out"], "y")],
}


@pytest.mark.parametrize("case", MOVES)
def test_an_order_of_axes_is_the_file_s(case):
    pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)
    rng = np.random.default_rng(0)
    parts = {
        "rows": np.int64([0, 6, -1]),
        "image": np.int64([-1, 5, 2, 6]),
        "widths": np.int64([0, 1, 0, 2, 0, 0, 3, 1]),
        "axes": np.int64([-1]),
        "low": np.int8(-20),
        "high": np.int8(30),
        "share": np.float32(1 / 256),
        "least": np.int8(-128),
        "matrix": rng.integers(-128, 128, (5, 6)).astype(np.int8),
        "zero": np.int8(0),
        "side": rng.integers(-128, 128, (1, 3, 1, 5)).astype(np.int8),
        "line": rng.integers(-128, 128, (3, 1, 1)).astype(np.int8),
    }
    read = {name for one in MOVES[case] for name in one.input}
    made = alone(SAME, *MOVES[case], **{name: parts[name] for name in parts if name in read})
    x = rng.integers(-128, 128, (2, 3, 4, 5)).astype(np.int8)
    network = opened(made)
    codes = trace(network, np.ascontiguousarray(x.transpose(0, 2, 3, 1)), "onnxruntime")
    given = codes[network.nodes[-1].name]
    (want,) = outcome(made, x)
    assert np.array_equal(given.transpose(0, 3, 1, 2) if given.ndim == 4 else given, want)
    assert network.grids["input"] == ONE


def test_a_flatten_of_single_pixels_moves_nothing():
    nodes = [SAME, node("QLinearGlobalAveragePool", ["p", "s", "z", "s", "z"], "g")]
    network = opened(alone(*nodes, node("Flatten", ["g"], "y")))
    assert [type(one.layer).__name__ for one in network.nodes] == [
        "QAvgPool2D",
        "QAvgPool2D",
        "QReshape",
    ]


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    import sys

    (tmp_path / "net.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="this format needs onnx: pip install '.\\[runtimes]'"):
        tinyq.load_onnx(tmp_path / "net.onnx")


@pytest.mark.parametrize("content", [b"no model", b"", b"\x08\x0a"])
def test_a_file_that_is_no_model_is_refused(content, tmp_path):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match="net.onnx is not an .onnx that tinyq can read: model: "):
        tinyq.load_onnx(tmp_path / "net.onnx")
