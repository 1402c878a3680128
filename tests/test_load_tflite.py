"""`tinyq.load_tflite`: what tinyq writes is opened again as the same bytes, others as told."""

import re
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="the files are made with LiteRT's schema", exc_type=ImportError
)

from export_networks import random_codes, random_qnet  # noqa: E402
from tflite_files import FOLDER, OWN, need_others, own  # noqa: E402

import tinyq  # noqa: E402
from tinyq import Rounding  # noqa: E402
from tinyq.export.tflite_file import of_network  # noqa: E402
from tinyq.models.load_tflite import to_network  # noqa: E402
from tinyq.models.tflite import parse, read  # noqa: E402
from tinyq.models.tflite_network import TFLiteNetwork  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402


def opened(content: bytes) -> TFLiteNetwork:
    model = parse(content)
    return to_network(model, understand(model))


@pytest.mark.parametrize(("seed", "fuse"), OWN)
def test_what_tinyq_writes_comes_back(seed, fuse):
    qnet, content = random_qnet(seed, (Rounding.DOUBLE,), (8,)), own(seed, fuse)
    model, network = parse(content), opened(content)
    codes = random_codes(qnet, 3)
    want, got = qnet.trace(codes), network.trace(codes)
    names = [t.name.removesuffix("/AVERAGE_POOL_2D") for t in model.tensors]
    for name, index in network.tensor_indices.items():
        assert np.array_equal(got[name].ravel(), want[names[index]].ravel()), names[index]
    assert np.array_equal(network(codes), qnet(codes))
    assert not network.float_input and not network.float_output
    # each tensor that is made is a node's, but for a PADV2 before a max pool
    made = {operator.outputs[0]: operator.name for operator in model.operators}
    inside = {made[index] for index in made.keys() - set(network.tensor_indices.values())}
    assert inside <= {"PADV2"}
    again = opened(of_network(network, 2, **{f"fuse_{layer}": True for layer in fuse.split()}))
    assert np.array_equal(again(codes), qnet(codes))


@pytest.mark.parametrize(("seed", "fuse"), OWN[:8])
def test_nodes_are_named_after_their_operators_and_grids_are_passed_on(seed, fuse):
    content = own(seed, fuse)
    model, network = parse(content), opened(content)
    for node in network.nodes:
        operator = model.operators[network.operator_indices[node.name]]
        base, _, part = node.name.partition(".")
        assert base == f"{operator.name.lower()}_{operator.index}"
        assert part in ("", "pad", "relu", "rows")
        assert network.grids[node.name] is node.layer.out_grid
        for name, grid in zip(node.inputs, node.layer.in_grids, strict=True):
            assert network.grids[name] is grid
        if node.name in network.tensor_indices:
            assert network.tensor_indices[node.name] == operator.outputs[0]


def test_a_path_is_opened_and_named_where_it_is_refused(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(own(0, ""))
    network = tinyq.load_tflite(path)
    assert isinstance(network, TFLiteNetwork) and network.ranges == {}
    path.write_bytes(b"TFL3")
    with pytest.raises(ValueError, match=re.escape(f"{path} is not a .tflite")):
        tinyq.load_tflite(path)
    with pytest.raises(FileNotFoundError):
        tinyq.load_tflite(tmp_path / "none.tflite")
    with pytest.raises(TypeError, match="path must be str or Path, got 3"):
        tinyq.load_tflite(3)


def test_opening_needs_numpy_alone(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(own(0, ""))
    code = f"import sys, tinyq; tinyq.load_tflite({str(path)!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"numpy", "tinyq"} <= loaded
    assert loaded.isdisjoint({"flatbuffers", "ai_edge_litert", "tflite_micro", "onnx", "torch"})


def each(why: str, *indices: int) -> list[str]:
    return [f"operator {index}, {why}" for index in indices]


OPENED = ["aeq_mnist_a8w8", "mlc_ad01", "mlc_kws", "mlc_resnet8", "mltk_image_example1"]
OPENED += ["mltk_rps", "tflm_hello_world", "tflm_person_detect"]
# What is refused of the others: some of the lines.
REFUSED = {
    "coral_mbv1_uint8": [
        "model: its input: tensor 0 must be INT8, got UINT8",
        "operator 0, CONV_2D version 1: tensor 0 must be INT8, got UINT8",
    ],
    "mww_vad": [
        "model: subgraphs: only the first of 2 is read",
        *each("VAR_HANDLE version 1: not supported", 1, 2, 3, 4),
    ],
    "tflm_keyword_scrambled": [
        "model: tensor 4: is_variable: it keeps its values from one run to the next",
        "model: its input: tensor 52 must be INT8, got INT16",
        *each("SVDF version 3: not supported", 1, 3, 5, 7, 9, 10, 11),
    ],
}


def refusals(name: str) -> list[str]:
    need_others()
    with pytest.raises(ValueError) as refused:
        tinyq.load_tflite(FOLDER / f"{name}.tflite")
    return str(refused.value).splitlines()[1:]


@pytest.mark.parametrize("name", OPENED)
def test_a_model_that_others_made_opens_and_runs(name):
    need_others()
    network = tinyq.load_tflite(FOLDER / f"{name}.tflite")
    codes = random_codes(network, 2)
    trace = network.trace(codes)
    model = read(FOLDER / f"{name}.tflite")
    for tensor, index in network.tensor_indices.items():
        assert trace[tensor].shape[1:] == model.tensors[index].shape[1:]
    assert network.float_input == network.float_output == (name == "mltk_rps")


@pytest.mark.parametrize("name", REFUSED)
def test_what_stays_refused_is_said_by_name(name):
    assert set(REFUSED[name]) <= set(refusals(name))


def test_every_model_there_is_on_a_list():
    need_others()
    listed = {f"{name}.tflite" for name in (*OPENED, *REFUSED)}
    ours = {path.name for path in FOLDER.glob("*.tflite")}
    assert ours & listed == listed, "a model of the lists is missing"
    for name in ours - listed:
        model = read(FOLDER / name)
        try:  # any other model opens, or is refused by name
            to_network(model, understand(model))
        except ValueError as error:
            assert re.match(r"model: |operator \d+, ", str(error))
