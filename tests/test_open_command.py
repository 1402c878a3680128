"""`python -m tinyq open`: the ledger per operator, the output codes, all that is refused."""

import json

import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="the files are made with LiteRT's schema", exc_type=ImportError
)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from export_networks import random_codes, random_qnet  # noqa: E402
from tflite_files import FOLDER, need_others, own, pack  # noqa: E402

import tinyq  # noqa: E402
from tinyq import Rounding  # noqa: E402
from tinyq.__main__ import main  # noqa: E402


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(own(3, "relu pad"))
    return path


def test_the_ledger_has_a_line_for_each_operator(path, capsys):
    assert main(["open", str(path)]) == 0
    out, err = capsys.readouterr()
    first, titles, source, *lines = out.splitlines()
    assert (first, err) == (str(path), "")
    network = tinyq.load_tflite(path)
    assert titles.split()[:2] == ["operator", "tensor"] and source.split()[:2] == ["input", "0"]
    operators = sorted(set(network.operator_indices.values()))
    assert [int(line.split()[0]) for line in lines] == list(range(operators[-1] + 1))


def test_json_has_every_number_of_the_ledger(path, capsys):
    assert main(["open", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    network = tinyq.load_tflite(path)
    assert told["tensor_indices"] == network.tensor_indices and told["refused"] == []
    layers = {node.name: node.layer for node in network.nodes}
    source, *rows = told["operators"]
    grid = network.grids["input"]
    assert (source["scales"], source["zero_points"]) == ([grid.scale], [grid.zero_point])
    told_of = [name for row in rows for name in row["nodes"]]
    assert told_of == list(layers)
    for row in rows:
        assert row["refused"] == ""
        for name in row["nodes"]:
            layer = layers[name]
            assert type(layer).__name__ in row["layers"]
            for kind, one in layer.requantizers.items():
                assert row["multipliers"][kind] == one.multiplier.tolist()
                assert row["shifts"][kind] == one.shift.tolist()
            if hasattr(layer, "weight_scale"):
                assert row["weight_scales"] == layer.weight_scale.tolist()
            if name in network.tensor_indices:
                grid = network.grids[name]
                assert row["tensor"] == network.tensor_indices[name]
                assert (row["scales"], row["zero_points"]) == ([grid.scale], [grid.zero_point])


@pytest.mark.parametrize("as_json", [False, True])
def test_an_input_is_run(path, tmp_path, capsys, as_json):
    qnet = random_qnet(3, (Rounding.DOUBLE,), (8,))
    codes = random_codes(qnet, 2)
    np.save(tmp_path / "x.npy", codes)
    command = ["open", str(path), "--input", str(tmp_path / "x.npy")]
    assert main(command + ["--json"] * as_json) == 0
    out, want = capsys.readouterr().out, qnet(codes).tolist()
    if as_json:
        assert json.loads(out)["output"] == want
    else:
        lines = [f"output {i}: {' '.join(map(str, row))}" for i, row in enumerate(want)]
        assert out.splitlines()[-2:] == lines


def test_what_is_refused_is_told_below_the_ledger_of_the_rest(path, capsys):
    changed = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    code = next(c for c in changed.operatorCodes if c.builtinCode == schema.BuiltinOperator.ADD)
    code.version = 9
    path.write_bytes(pack(changed))
    assert main(["open", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["refused"] and all("ADD version 9: its version must" in r for r in told["refused"])
    assert "output" not in told and sum(not row["refused"] for row in told["operators"]) > 5
    assert main(["open", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    count = len(told["refused"])
    assert lines[-count:] == told["refused"] and lines[-count - 1] == f"refused: {count}"
    assert sum("refused: its version must be in 1..5" in line for line in lines) == count


def npy(tmp_path, content) -> str:
    path = tmp_path / "x.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    return str(path)


BAD_INPUTS = {
    "x.npy is no .npy or .npz that NumPy can read: ": b"hello",
    "nothing is unpickled": np.array([{}], dtype=object),
    "images must have shape (N, ": np.zeros((1, 2, 2, 2), np.int8),
    "images must be real numbers (float32), got an array of uint8": np.zeros(
        (1, 8, 8, 3), np.uint8
    ),
}


@pytest.mark.parametrize("message", list(BAD_INPUTS))
def test_an_input_that_cannot_be_run_is_an_error(message, path, tmp_path, capsys):
    command = ["open", str(path), "--input", npy(tmp_path, BAD_INPUTS[message])]
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("python -m tinyq open: error: ") and message in err


@pytest.mark.parametrize("content", [None, b"TFL3", b"\x1c\0\0\0TFL3" + bytes(20)])
def test_a_file_that_cannot_be_read_is_an_error(content, path, capsys):
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert main(["open", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("python -m tinyq open: error: ") and str(path) in err


def test_resnet_of_mlperf_is_told_to_its_softmax(capsys):
    need_others()
    assert main(["open", str(FOLDER / "mlc_resnet8.tflite")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("15 SOFTMAX v2") and lines[-1].endswith("QSoftmax")
    conv = next(line for line in lines if line.startswith("0 CONV_2D v3"))
    assert "int8 (1, 32, 32, 16)" in conv and "QPad2D QConv2DPerChannel QClamp" in conv
