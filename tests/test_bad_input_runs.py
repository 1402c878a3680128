"""What a careless caller hands to tinyq.runtimes, .export and .analysis is refused by name."""

import numpy as np
import pytest
from bad_input import arguments_of, public, refuses_all
from bad_input_networks import IMAGES, LABELS, NET, QNET, RUNS

from tinyq.affine import Grid
from tinyq.analysis import accuracy_table, bench, bits, parity, runs
from tinyq.export import archive, c_source, onnx_file, tflite_file
from tinyq.layers import QMaxPool2D
from tinyq.layers.scheme import INT8
from tinyq.observers import MinMax
from tinyq.runtimes import RUNTIMES, QMean, oracle, run, table

LITERT = RUNTIMES["litert-optimized"]
DENSE = QNET.nodes[-1].layer
ACC = np.zeros((1, 4), np.int32)
POOL = QMaxPool2D(Grid(1.0, 0), (1, 1), (1, 1))
RESULT = parity.compare(NET, QNET, IMAGES)
METHOD = accuracy_table.METHODS[0]
SWEPT = {
    **{"net": NET, "calibration": IMAGES, "images": IMAGES, "labels": LABELS},
    **{"bits": [8], "observer": MinMax, "scheme": INT8},
}
FILE = {"qnet": QNET, "path": "never-written", "force": False}


def fields(made):
    return {name: getattr(made, name) for name in type(made).__dataclass_fields__}


CALLS = {
    table.Runtime: fields(LITERT),
    QMean: {"in_grid": Grid(0.5, 0), "out_grid": Grid(1.0, 0), "keep_dims": False},
    run.finish: {"layer": DENSE, "acc": ACC, "runtime": LITERT},
    run.trace: {"qnet": QNET, "images": IMAGES, "runtime": LITERT},
    oracle.trace: {"qnet": QNET, "image": np.zeros((16, 16, 3), np.int8)},
    archive.npz: FILE,
    archive.load: {"path": "never-written"},
    c_source.c: {"qnet": QNET, "folder": "never-written", "images": IMAGES, "force": False},
    onnx_file.onnx: {**FILE, "form": "qdq"},
    tflite_file.tflite: {**FILE, "count": 1, "fuse_relu": False, "fuse_pad": False},
    bench.bench: {"qnet": QNET, "image": IMAGES[:1], "repeats": 1},
    runs.run_both: {"net": NET, "qnet": QNET, "images": IMAGES},
    runs.Runs: fields(RUNS),
    parity.compare: {"net": NET, "qnet": QNET, "images": IMAGES, "tolerance": 0.4},
    parity.Parity: fields(RESULT),
    parity.sqnr_db: {"reference": RESULT.reference, "approximation": RESULT.dequantized},
    bits.sweep_bits: SWEPT,
    bits.sweep_layer_bits: SWEPT,
    accuracy_table.Method: fields(METHOD),
    METHOD.quantize: {"net": NET, "images": IMAGES, "bits": 8},
    accuracy_table.Row: {"network": "trained", "method": "float", "percent": {8: 99.0}},
    accuracy_table.table: {"bits": [8], "methods": [METHOD], "progress": None},
    accuracy_table.format_table: {"rows": [accuracy_table.Row("trained", "float", {8: 99.0})]},
}
# What gets only what one of the calls has checked, and what a call returns.
INNER = {
    *("forward", "pairs_of", "tensors", "named"),
    *("to_bytes", "pack", "sign", "from_bytes", "c_files", "of_network", "channels_first", "build"),
    *("check_pair", "BenchRow", "BitSweep", "LayerBitSweep"),
}


@pytest.mark.parametrize(("function", "arguments", "name"), arguments_of(CALLS))
def test_each_wrong_value_is_refused_by_name(function, arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refuses_all(function, arguments, name)
    assert not list(tmp_path.iterdir()), "a file was written"


def test_no_public_function_is_left_out():
    modules = (run, oracle, table, archive, c_source, onnx_file, tflite_file)
    modules += (accuracy_table, bench, bits, parity, runs)
    names = {name for one in modules for name in public(one)}
    assert names == {function.__name__ for function in CALLS} - {"quantize", "QMean"} | INNER


WRONG = [
    (run.finish, {"acc": ACC[:, :3]}, "acc"),
    (run.trace, {"images": IMAGES[0]}, "images"),
    (oracle.trace, {"image": np.zeros((16, 16), np.int8)}, "image"),
    (tflite_file.tflite, {"count": 0}, "count"),
    (tflite_file.tflite, {"count": 2**31}, "count"),
    (onnx_file.onnx, {"form": "QDQ"}, "form"),
    (c_source.c, {"images": IMAGES[:0]}, "images"),
    (c_source.c, {"images": IMAGES[..., :2]}, "images"),
    (bench.bench, {"repeats": 0}, "repeats"),
    (bench.bench, {"repeats": -1}, "repeats"),
    (bench.bench, {"image": IMAGES[:0]}, "image"),
    (bench.bench, {"image": IMAGES}, "image"),
    (parity.sqnr_db, {"reference": np.full((2, 4), 1e200)}, "reference"),
    (runs.run_both, {"images": IMAGES[:0]}, "images"),
    (runs.Runs, {"floats": {}}, "floats"),
    (runs.Runs, {"codes": {}}, "codes"),
    (parity.compare, {"tolerance": -0.1}, "tolerance"),
    (parity.compare, {"images": IMAGES[:0]}, "images"),
    (parity.Parity, {"codes": RESULT.codes[:1]}, "codes"),
    (parity.sqnr_db, {"approximation": RESULT.dequantized[:1]}, "approximation"),
    (bits.sweep_bits, {"bits": []}, "bits"),
    (bits.sweep_bits, {"bits": (b for b in (2, 8))}, "bits"),
    (bits.sweep_bits, {"bits": [8, 9]}, "bits"),
    (bits.sweep_bits, {"calibration": 8}, "calibration"),
    (bits.sweep_bits, {"calibration": IMAGES[:0]}, "calibration"),
    (bits.sweep_bits, {"calibration": iter([])}, "calibration"),
    (bits.sweep_bits, {"labels": LABELS + 4}, "labels"),
    (accuracy_table.table, {"bits": [1]}, "bits"),
    (METHOD.quantize, {"bits": 9}, "bits"),
]


@pytest.mark.parametrize(("function", "changes", "name"), WRONG)
def test_limits_shapes_and_names_are_refused(function, changes, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=name):
        function(**{**CALLS[function], **changes})
    assert not list(tmp_path.iterdir()), "a file was written"


CODES = [np.int8([[[1]]]), [[[True]]], [[[0.5]]], [[[128]]], [[1]], [], "a", None, [[[1], [1, 2]]]]


@pytest.mark.parametrize("codes", CODES[1:], ids=repr)
def test_the_oracle_refuses_what_are_no_codes_of_the_layer(codes):
    assert oracle.forward(POOL, CODES[0]) == [[[1]]]
    with pytest.raises((TypeError, ValueError), match="codes"):
        oracle.forward(POOL, codes)


@pytest.mark.parametrize("codes", [(), (None,), ("a",), (CODES[0],), (CODES[0], CODES[0])])
def test_a_runtime_refuses_what_are_no_codes_of_the_layer(codes):
    with pytest.raises((TypeError, ValueError), match="codes"):
        run.forward(POOL, *codes, runtime=LITERT)


@pytest.mark.parametrize("layer", [None, "pool", NET.nodes[0].layer])
def test_no_other_layer_is_run(layer):
    for forward in (oracle.forward, lambda *given: run.forward(*given, runtime=LITERT)):
        with pytest.raises(TypeError, match="has no .*, only QAdd"):
            forward(layer, CODES[0])


def test_nothing_but_a_runtime_is_one():
    with pytest.raises(TypeError, match="runtime must be a Runtime, got 'pytorch'"):
        run.forward(POOL, CODES[0][None], runtime="pytorch")


def test_a_mean_whose_ratio_no_requantizer_has_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="ratio must be in"):
        QMean(Grid(1e30, 0), Grid(1e-30, 0), keep_dims=True)
