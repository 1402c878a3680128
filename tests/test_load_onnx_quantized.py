"""Models that ONNX Runtime's own quantizer made are opened, and give ONNX Runtime's bytes."""

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)
pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)

import onnx  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from onnx_files import outcome  # noqa: E402
from onnx_graphs import images, quantized, random_graph  # noqa: E402

import tinyq  # noqa: E402
from tinyq.runtimes import trace  # noqa: E402

SEEDS = range(6)
CHANNELS = pytest.mark.parametrize("per_channel", [False, True])
IMAGES = 20


def channels_last(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if array.ndim == 4 else array


@CHANNELS
@pytest.mark.parametrize("seed", SEEDS)
def test_every_tensor_of_the_form_of_operators_on_codes(seed, per_channel, tmp_path):
    path = quantized(random_graph(seed), tmp_path, "QOperator", per_channel)
    network, x = tinyq.load_onnx(path), images(seed, IMAGES)
    asked = onnx.load(path)
    names = list(dict.fromkeys(network.tensor_names.values()))
    del asked.graph.output[:]
    asked.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.INT8, None) for name in names
    )
    want = dict(zip(names, outcome(asked, x), strict=True))
    made = trace(network, channels_last(x), "onnxruntime")
    for node, name in network.tensor_names.items():
        assert np.array_equal(made[node], channels_last(want[name])), (node, name)
    assert len(names) >= 7 and network.float_input and network.float_output


@CHANNELS
@pytest.mark.parametrize("seed", SEEDS)
def test_the_output_of_the_form_qdq(seed, per_channel, tmp_path):
    path = quantized(random_graph(seed), tmp_path, "QDQ", per_channel)
    network, x = tinyq.load_onnx(path), images(seed, IMAGES)
    last = network.nodes[-1].name
    made = trace(network, channels_last(x), "onnxruntime")[last]
    want = outcome(onnx.load(path), x)[0]
    assert np.array_equal(network.grids[last].dequantize(made), want)


def test_the_graphs_have_every_operator_between_them(tmp_path):
    met: Counter[str] = Counter()
    for seed in SEEDS:
        met.update(one.op_type for one in random_graph(seed).graph.node)
    assert min(met.values()) >= 1 and len(met) == 16, met


@pytest.mark.parametrize("form", ["QOperator", "QDQ"])
def test_what_is_opened_is_what_onnx_runtime_runs(form, tmp_path):
    """Its optimized graph has the same operators, and no number in between is float32."""
    import onnxruntime

    path = quantized(random_graph(0), tmp_path, form, per_channel=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    run = Counter(one.op_type for one in onnx.load(tmp_path / "optimized.onnx").graph.node)
    del run["Transpose"]
    operators = tinyq.load_onnx(path).operator_indices
    names = {index: node.split(".")[0] for node, index in operators.items()}
    opened = Counter(name.rpartition("_")[0] for name in names.values())
    ends = {"quantizelinear": 1, "dequantizelinear": 1}
    assert opened + Counter(ends) == Counter(
        {name.lower().removeprefix("nhwc"): count for name, count in run.items()}
    )


def test_the_file_s_own_quantize_linear_is_onnx_runtime_s(tmp_path):
    """Its quotient is float32: some codes of a float64 quotient are off by one."""
    path = quantized(random_graph(1), tmp_path, "QOperator", per_channel=False)
    network, asked = tinyq.load_onnx(path), onnx.load(path)
    grid = network.grids["input"]
    ties = (np.arange(-130.5, 130) * np.float64(grid.scale)).astype(np.float32)
    x = np.resize(np.r_[ties, np.nextafter(ties, np.float32(9))], (4, 3, 12, 12))
    asked.graph.output[0].CopyFrom(
        helper.make_tensor_value_info(network.tensor_names["input"], TensorProto.INT8, None)
    )
    (want,) = outcome(asked, x)
    made = trace(network, channels_last(x), "onnxruntime")["input"]
    assert np.array_equal(made, channels_last(want))
    assert not np.array_equal(network.trace(channels_last(x))["input"], made)
