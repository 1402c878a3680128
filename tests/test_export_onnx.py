"""tinyq.export.onnx: the files are valid ONNX, and ONNX Runtime gives the bytes of its rules."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)
onnxruntime = pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)

from export_networks import random_codes, random_qnet  # noqa: E402

from tinyq import Grid, Requantizer, Rounding, export, layers  # noqa: E402
from tinyq.export.onnx_file import FORMS, channels_first  # noqa: E402
from tinyq.layers.functions import Function  # noqa: E402
from tinyq.layers.nodes import INPUT, Node  # noqa: E402
from tinyq.models import resnet  # noqa: E402
from tinyq.network import QNetwork  # noqa: E402
from tinyq.runtimes import RUNTIMES, forward, trace  # noqa: E402

GRID = Grid(0.05, -7)
RULES = RUNTIMES["onnxruntime"]
SEEDS, IMAGES = range(12), 5
MICROSOFTS = {"QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearGlobalAveragePool"}


@cache
def network(seed: int) -> QNetwork:
    return random_qnet(seed, (Rounding.DOUBLE,), bits=(8,))


def written(qnet: QNetwork, folder, form: str) -> onnx.ModelProto:
    export.onnx(qnet, folder / "net.onnx", form=form, force=True)
    return onnx.load(folder / "net.onnx")


def outcome(model: onnx.ModelProto, codes: np.ndarray, **config: str) -> list[np.ndarray]:
    """Return the model's outputs for images (N, H, W, C), images among them as NHWC too."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for key, value in config.items():
        options.add_session_config_entry(f"session.{key}", value)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"input": np.ascontiguousarray(codes.transpose(0, 3, 1, 2))})
    return [out.transpose(0, 2, 3, 1) if out.ndim == 4 else out for out in outputs]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_is_valid(seed, form, tmp_path):
    model = written(network(seed), tmp_path, form)
    onnx.checker.check_model(model, full_check=True)
    domains = {opset.domain for opset in model.opset_import}
    own = {node.op_type for node in model.graph.node if node.domain}
    assert own <= MICROSOFTS and ("com.microsoft" in domains) == bool(own)
    assert form == "qlinear" or not own
    named = [node.name for node in model.graph.node]
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("seed", SEEDS)
def test_shape_inference_finds_the_shapes_of_every_tensor(seed, tmp_path):
    """The form qdq is ONNX alone, so that every shape can be inferred without being declared."""
    qnet = network(seed)
    model = written(qnet, tmp_path, "qdq")
    del model.graph.value_info[:], model.graph.output[0].type.tensor_type.shape.dim[:]
    model.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    infos = [*inferred.value_info, *inferred.input, *inferred.output]
    types = {info.name: info.type.tensor_type for info in infos}
    for name, shape in qnet.shapes().items():
        dims = tuple(d.dim_param or d.dim_value for d in types[name].shape.dim)
        assert (types[name].elem_type, dims) == (onnx.TensorProto.INT8, channels_first(shape)), name


@pytest.mark.parametrize("form", FORMS)
def test_the_declared_shapes_are_those_of_the_network(form, tmp_path):
    model = written(network(3), tmp_path, form)
    infos = [*model.graph.value_info, *model.graph.input, *model.graph.output]
    declared = {
        info.name: tuple(d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim)
        for info in infos
    }
    shapes = network(3).shapes()
    assert declared == {name: channels_first(shape) for name, shape in shapes.items()}
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_onnx_runtime_gives_every_tensor_of_qlinear(seed, tmp_path):
    qnet, codes = network(seed), random_codes(network(seed), IMAGES)
    model = written(qnet, tmp_path, "qlinear")
    model.graph.output.extend(model.graph.value_info)
    names = [output.name for output in model.graph.output]
    want = trace(qnet, codes, RULES)
    assert {*names, "input"} == {*want, "input"} and len(names) > 10
    for name, got in zip(names, outcome(model, codes), strict=True):
        if name != "input":
            assert got.tobytes() == want[name].tobytes(), name


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_onnx_runtime_gives_the_logits_of_both_forms(seed, form, tmp_path):
    """On x86 it fuses int8 QDQ only where it is told that it may."""
    qnet, codes = network(seed), random_codes(network(seed), 64)
    (got,) = outcome(written(qnet, tmp_path, form), codes, qdqisint8allowed="1")
    want = trace(qnet, codes, RULES)[qnet.nodes[-1].name]
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_qdq_that_is_not_fused_is_within_one_code_a_layer(seed, tmp_path):
    """Without that leave it computes in float32: the same network, now and then another code."""
    qnet, codes = network(seed), random_codes(network(seed), 64)
    model = written(qnet, tmp_path, "qdq")
    model.graph.output.extend(model.graph.value_info)
    names = [output.name for output in model.graph.output]
    got = dict(zip(names, outcome(model, codes, disable_quant_qdq="1"), strict=True))
    got["input"] = codes
    for node in qnet.nodes:
        own = forward(node.layer, *(got[name] for name in node.inputs), runtime=RULES)
        difference = np.abs(got[node.name].astype(np.int32) - own)
        # a mean of few codes is often a tie, which float32 may round either way
        mean = isinstance(node.layer, layers.QAvgPool2D | layers.QGlobalAvgPool2D)
        assert difference.max() <= 1, node.name
        assert mean or (difference > 0).mean() < 0.01, node.name


@pytest.mark.parametrize("form", FORMS)
def test_a_clamp_of_any_ends(form, tmp_path):
    nodes = (Node("only", layers.QClamp(GRID, -3, 5), ("input",)),)
    qnet = QNetwork(nodes, {"input": GRID, "only": GRID}, {}, (16, 16, 1))
    codes = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    (got,) = outcome(written(qnet, tmp_path, form), codes)
    assert got.tobytes() == np.clip(codes, -3, 5).tobytes()


def test_what_a_file_cannot_say_is_refused(tmp_path):
    path, qnet = tmp_path / "net.onnx", network(0)
    with pytest.raises(ValueError, match=r"form must be one of \['qlinear', 'qdq'\], got 'qop'"):
        export.onnx(qnet, path, form="qop")
    with pytest.raises(ValueError, match="codes must be on the grid -128..127 of int8"):
        export.onnx(random_qnet(0, bits=(4,)), path)
    weights, biases, images = resnet.seed()
    seed = resnet.stem_block(weights, biases).quantize(images)
    *others, last = seed.nodes
    odd = replace(last, layer=replace(last.layer, requantizer=Requantizer(0.3)))
    with pytest.raises(ValueError, match="'dense_8x4': its ratios must be those of its scales"):
        export.onnx(replace(seed, nodes=(*others, odd)), path)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_force(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists and is kept"):
        export.onnx(network(0), path)
    assert path.read_bytes() == b"mine"
    export.onnx(network(0), path, force=True)
    assert onnx.load(path).producer_name == "tinyq"


@pytest.mark.parametrize("form", FORMS)
def test_the_same_network_gives_the_same_bytes(form, tmp_path):
    one, other = (written(network(1), tmp_path, form).SerializeToString() for _ in range(2))
    assert one == other


@pytest.mark.parametrize("name", ["", "b/0", "b/weight"])
def test_a_name_that_the_file_has_for_something_else_is_refused(name, tmp_path):
    conv = layers.QConv2D.from_float(
        np.ones((1, 1, 1, 1), np.float32), np.ones(1, np.float32), GRID, GRID
    )
    nodes = Node("b", conv, ("input",)), Node(name, layers.qrelu(GRID), ("b",))
    qnet = QNetwork(nodes, dict.fromkeys(["input", "b", name], GRID), {}, (2, 2, 1))
    try:
        export.onnx(qnet, tmp_path / "net.onnx")
    except ValueError as error:
        assert "layers must have names that no other tensor has" in str(error)
    else:
        model = onnx.load(tmp_path / "net.onnx")
        made = [one for node in model.graph.node for one in node.output]
        made += [one.name for one in model.graph.initializer]
        assert name and len(set(made)) == len(made)
        onnx.checker.check_model(model, full_check=True)


WIDE = Grid(0.06, 10)
ELEMENTWISE = [
    layers.QMeanPool2D.from_float(GRID, WIDE, (3, 2), (2, 1)),
    layers.QMul.from_float(GRID, GRID, WIDE),
    layers.QRescale.from_float(GRID, WIDE),
    layers.QSoftmax(GRID, Grid(1 / 256, -128)),
    layers.QSoftmaxToGrid.from_float(GRID, Grid(1 / 255, -128)),
    layers.QTable.of(Function.LOGISTIC, GRID, Grid(1 / 256, -128)),
    layers.QTable.of(Function.LEAKY_RELU, GRID, WIDE, 0.3),
]


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=lambda layer: type(layer).__name__)
def test_a_layer_of_images_gives_onnx_runtimes_bytes(layer, tmp_path):
    """Of images with more channels than pixels, and fewer: each axis is told from the others."""
    reads = (INPUT,) * len(layer.in_grids)
    grids = {INPUT: GRID, "y": layer.out_grid}
    for shape in ((4, 5, 7), (7, 6, 2)):
        qnet = QNetwork((Node("y", layer, reads),), grids, {}, shape)
        codes = random_codes(qnet, 3)
        (got,) = outcome(written(qnet, tmp_path, "qlinear"), codes)
        assert np.array_equal(got, trace(qnet, codes, RULES)["y"])
