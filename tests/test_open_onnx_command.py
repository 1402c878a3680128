"""`python -m tinyq open` and `compare` of an .onnx: the ledger, the codes, the refusals, a dump."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)

from export_networks import random_codes, random_qnet  # noqa: E402

import tinyq  # noqa: E402
from tinyq import Rounding, export  # noqa: E402
from tinyq.__main__ import main  # noqa: E402
from tinyq.runtimes import trace  # noqa: E402

QNET = random_qnet(3, (Rounding.DOUBLE,), (8,))


@pytest.fixture(params=["qlinear", "qdq"])
def path(request, tmp_path):
    export.onnx(QNET, tmp_path / "net.onnx", form=request.param)
    return tmp_path / "net.onnx"


def test_the_ledger_has_a_line_for_each_operator(path, capsys):
    assert main(["open", str(path)]) == 0
    first, titles, source, *lines = capsys.readouterr().out.splitlines()
    network = tinyq.load_onnx(path)
    assert first == str(path) and titles.split()[:2] == ["operator", "tensor"]
    assert (
        source.split()[:2] == ["input", "input"] and f"int8 ('N', {QNET.image_shape[2]}, " in source
    )
    told = [int(line.split()[0]) for line in lines]
    assert told == sorted(told) and {*network.operator_indices.values()} == {*told}


def test_json_has_the_names_and_the_output(path, tmp_path, capsys):
    np.save(tmp_path / "x.npy", random_codes(QNET, 2))
    assert main(["open", str(path), "--input", str(tmp_path / "x.npy"), "--json"]) == 0
    told, network = json.loads(capsys.readouterr().out), tinyq.load_onnx(path)
    assert told["output"] == QNET(random_codes(QNET, 2)).tolist()
    assert told["tensor_names"] == network.tensor_names and told["refused"] == []
    nodes = [name for row in told["operators"] for name in row["nodes"]]
    assert nodes == [node.name for node in network.nodes]
    for row in told["operators"]:
        for name in row["nodes"]:
            if name in network.tensor_names:
                assert row["tensor"] == network.tensor_names[name]
                assert row["scales"] == [network.grids[name].scale]


def test_what_is_refused_is_told_below_the_ledger_of_the_rest(path, capsys):
    import onnx

    made = onnx.load(path)
    last = made.graph.node[-1]
    last.op_type = "Selu"
    onnx.save(made, path)
    assert main(["open", str(path)]) == 1
    *lines, line = capsys.readouterr().out.splitlines()
    assert line == f"node {len(made.graph.node) - 1}, Selu {last.name!r}: not supported"
    assert sum("QConv2D" in one for one in lines) >= 2
    assert any(one.endswith("refused: not supported") for one in lines)


def test_compare_names_the_tensor_of_the_file(path, tmp_path, capsys):
    network, codes = tinyq.load_onnx(path), random_codes(QNET, 4)
    np.save(tmp_path / "x.npy", codes)
    dump = {
        network.tensor_names[name]: made
        for name, made in trace(network, codes, "onnxruntime").items()
        if name in network.tensor_names
    }
    command = ["compare", str(path), "--input", str(tmp_path / "x.npy"), "--runtime", "onnxruntime"]
    np.savez(tmp_path / "dump.npz", **dump)
    assert main([*command, "--dump", str(tmp_path / "dump.npz")]) == 0
    name = network.tensor_names[network.nodes[-1].name]
    dump[name] = dump[name] ^ 1
    np.savez(tmp_path / "dump.npz", **dump)
    capsys.readouterr()
    assert main([*command, "--dump", str(tmp_path / "dump.npz"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["found"]
    assert (found["tensor"], found["node"]) == (name, network.nodes[-1].name)


def test_a_file_that_cannot_be_read_is_an_error(path, capsys):
    path.write_bytes(b"no model")
    assert main(["open", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "net.onnx is not an .onnx that tinyq can read: model: it is no prot" in err
