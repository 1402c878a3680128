"""The small model that other people's tools made: the committed files are what the record says."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import tinyq
from tinyq import Grid, digits, export
from tinyq.models import tflite
from tinyq.runtimes import trace

FOLDER = Path(__file__).resolve().parents[1] / "book" / "own_model"
RECORD = json.loads((FOLDER / "own_model.json").read_text())
FILES = {file["name"]: file for file in RECORD["files"]}
TFLITE, QOPERATOR, QDQ = "digits_int8.tflite", "digits_qoperator.onnx", "digits_qdq.onnx"
# The three files hold one network: depthwise separable, with a skip, a pool and a softmax.
BLOCK = ["DEPTHWISE_CONV_2D", "CONV_2D"]
OPERATORS = ["CONV_2D", *BLOCK, *BLOCK, "ADD", "MEAN", "FULLY_CONNECTED", "SOFTMAX"]
NODES = ["QuantizeLinear", *["QLinearConv"] * 5, "QLinearAdd", "QLinearGlobalAveragePool"]
NODES += ["Flatten", "QGemm", "QLinearSoftmax", "DequantizeLinear"]

DATA = digits.load()
LABELS = DATA.labels[DATA.test]
IMAGES = DATA.scans[DATA.test][..., None].astype(np.float32) / 16


def count(scores: NDArray) -> int:
    """How many of the test images have the right class."""
    return int((scores.argmax(axis=1) == LABELS).sum())


def test_the_folder_holds_the_files_of_the_record_and_they_are_small():
    assert list(FILES) == [TFLITE, QOPERATOR, QDQ]
    assert {path.name for path in FOLDER.iterdir()} == {*FILES, "own_model.json"}
    contents = {name: (FOLDER / name).read_bytes() for name in FILES}
    for name, content in contents.items():
        assert hashlib.sha256(content).hexdigest() == FILES[name]["sha256"], name
        assert len(content) == FILES[name]["bytes"], name
    assert 30_000 <= sum(map(len, contents.values())) <= 100_000


def test_the_record_is_of_the_committed_digits_and_int8_costs_one_image_in_a_hundred_at_most():
    assert RECORD["data"].endswith(digits.SOURCE)
    assert RECORD["images"] == {part: len(getattr(DATA, part)) for part in digits.PARTS}
    least = RECORD["right_in_float"] - 0.01 * len(LABELS)
    assert least >= 0.95 * len(LABELS)
    for name, file in FILES.items():
        assert min(file["right"].values()) >= least, name


def test_the_tflite_has_its_operators_and_is_int8_from_end_to_end():
    model = tflite.parse((FOLDER / TFLITE).read_bytes())
    assert [operator.name for operator in model.operators] == OPERATORS
    assert not model.unread
    (image,), (scores,) = model.inputs, model.outputs
    assert model.tensors[image].shape_signature == (-1, 8, 8, 1)
    made = [image, *(index for operator in model.operators for index in operator.outputs)]
    assert made[-1] == scores
    assert {model.tensors[index].type for index in made} == {tflite.TensorType.INT8}


def test_a_pad_is_asymmetric_and_the_grids_of_the_add_differ():
    """Else the example would not show what goes wrong in practice."""
    model = tflite.parse((FOLDER / TFLITE).read_bytes())
    depthwise, add = model.operators[1], model.operators[5]
    assert (depthwise.options.padding, depthwise.options.stride_h) == (tflite.Padding.SAME, 2)
    assert model.tensors[depthwise.inputs[0]].shape[1] % 2 == 0
    left, right = (model.tensors[index] for index in add.inputs)
    assert left.zero_points != right.zero_points and left.scales != right.scales
    assert add.options.fused_activation_function == tflite.Activation.RELU


@pytest.mark.parametrize("runtime", list(FILES[TFLITE]["right"]))
def test_litert_answers_as_tinyq_predicts_and_is_right_as_often_as_the_record_says(runtime: str):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed", exc_type=ImportError)
    from ai_edge_litert.interpreter import Interpreter

    from tools.agreement.litert import KERNELS

    assert list(FILES[TFLITE]["right"]) == list(KERNELS)
    interpreter = Interpreter(
        str(FOLDER / TFLITE), experimental_op_resolver_type=KERNELS[runtime], num_threads=1
    )
    interpreter.allocate_tensors()
    (image,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    codes, scores = Grid(*image["quantization"]).quantize(IMAGES), []
    for one in codes:  # the file's batch is 1
        interpreter.set_tensor(image["index"], one[None])
        interpreter.invoke()
        scores.append(interpreter.get_tensor(out["index"])[0])
    assert count(np.stack(scores)) == FILES[TFLITE]["right"][runtime]
    tinyqs = trace(tinyq.load_tflite(FOLDER / TFLITE), codes, runtime)
    assert np.array_equal(tinyqs["softmax_8"], scores)


@pytest.mark.parametrize("name", [QOPERATOR, QDQ])
def test_onnx_runtime_names_as_many_digits_rightly_as_the_record_says(name: str):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed", exc_type=ImportError)
    runtime = pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)
    model = onnx.load(FOLDER / name)
    onnx.checker.check_model(model)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds == NODES if name == QOPERATOR else {"QuantizeLinear", "Conv"} < set(kinds)
    session = runtime.InferenceSession(FOLDER / name, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"image": IMAGES.transpose(0, 3, 1, 2)})
    assert FILES[name]["right"] == {"onnxruntime": count(scores)}


@pytest.mark.parametrize("name", [QOPERATOR, QDQ])
def test_onnx_runtime_answers_as_tinyq_predicts_and_a_npz_keeps_the_network(name: str, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)
    options = runtime.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = runtime.InferenceSession(FOLDER / name, options, providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {"image": IMAGES.transpose(0, 3, 1, 2)})
    network = tinyq.load_onnx(FOLDER / name)
    tinyqs, last = trace(network, IMAGES, "onnxruntime"), network.nodes[-1]
    assert np.array_equal(last.layer.out_grid.dequantize(tinyqs[last.name]), scores)
    export.npz(network, tmp_path / "net.npz")
    again = export.load(tmp_path / "net.npz").trace(tinyqs["input"])
    for tensor, codes in network.trace(tinyqs["input"]).items():
        assert np.array_equal(again[tensor], codes), tensor
