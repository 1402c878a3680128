"""tinyq.export.tflite: the files run on the runtimes themselves, and every byte is checked."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

for runtime in ("ai_edge_litert", "tflite_micro"):
    pytest.importorskip(runtime, reason=f"{runtime} is not installed", exc_type=ImportError)

from ai_edge_litert.interpreter import Interpreter as LiteRT  # noqa: E402
from export_networks import random_codes, random_qnet  # noqa: E402
from tflite_micro.python.tflite_micro import runtime as micro  # noqa: E402

from tinyq import Grid, Requantizer, Rounding, Scheme, export, layers  # noqa: E402
from tinyq.export import tflite_operators  # noqa: E402
from tinyq.layers.nodes import Node  # noqa: E402
from tinyq.models import resnet  # noqa: E402
from tinyq.network import QNetwork  # noqa: E402
from tinyq.runtimes import RUNTIMES, trace  # noqa: E402
from tools.agreement import adapters, resnets  # noqa: E402
from tools.agreement.cases import Case  # noqa: E402
from tools.agreement.litert import KERNELS, invoke  # noqa: E402

IMAGES, ARENA = 3, 1 << 22
GRID = Grid(0.05, -7)
SEEDS = range(12)


@cache
def network(seed: int) -> QNetwork:
    return random_qnet(seed, (Rounding.DOUBLE,), bits=(8,))


def one_layer(layer, shape: Sequence[int]) -> QNetwork:
    nodes = (Node("only", layer, ("input",)),)
    return QNetwork(nodes, {"input": GRID, "only": layer.out_grid}, {}, tuple(shape))


def names_and_operators(model: bytes) -> tuple[dict[str, int], list[str]]:
    """Return the index of each tensor by name, and the operators in running order."""
    interpreter = LiteRT(model_content=model)
    tensors = {tensor["name"]: tensor["index"] for tensor in interpreter.get_tensor_details()}
    return tensors, [op["op_name"] for op in interpreter._get_ops_details()]


def every_tensor(model: bytes, codes: np.ndarray) -> dict[str, np.ndarray]:
    """Return what TFLite Micro leaves in each tensor, by name."""
    keep = micro.InterpreterConfig.kPreserveAllTensors
    interpreter = micro.Interpreter.from_bytes(model, arena_size=ARENA, intrepreter_config=keep)
    interpreter.set_input(codes, 0)
    interpreter.invoke()
    tensors, _ = names_and_operators(model)
    return {name: interpreter.GetTensor(index, 0)["tensor_data"] for name, index in tensors.items()}


def written(qnet: QNetwork, folder, **options) -> bytes:
    export.tflite(qnet, folder / "net.tflite", force=True, **options)
    return (folder / "net.tflite").read_bytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_tflite_micro_gives_every_tensor(seed, tmp_path):
    qnet, codes = network(seed), random_codes(network(seed), IMAGES)
    got = every_tensor(written(qnet, tmp_path, count=IMAGES), codes)
    for name, want in qnet.trace(codes).items():
        assert got[name].tobytes() == want.tobytes(), name


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_fused_leaves_the_bytes(seed, tmp_path):
    qnet, codes = network(seed), random_codes(network(seed), IMAGES)
    want = qnet.trace(codes)
    for fuse in ({"fuse_relu": True}, {"fuse_pad": True}, {"fuse_relu": True, "fuse_pad": True}):
        got = every_tensor(written(qnet, tmp_path, count=IMAGES, **fuse), codes)
        assert qnet.nodes[-1].name in got
        for name in got.keys() & want.keys():
            assert got[name].tobytes() == want[name].tobytes(), (fuse, name)


@pytest.mark.parametrize("runtime", KERNELS)
def test_litert_gives_what_its_rules_say(runtime, tmp_path):
    for seed in SEEDS:
        qnet, codes = network(seed), random_codes(network(seed), IMAGES)
        got = invoke(written(qnet, tmp_path, count=IMAGES), [codes], runtime)
        want = trace(qnet, codes, RUNTIMES[runtime])[qnet.nodes[-1].name]
        assert got.tobytes() == want.tobytes(), seed


def test_the_seed_has_its_operators_and_its_golden(tmp_path):
    weights, biases, images = resnet.seed()
    qnet = resnet.stem_block(weights, biases).quantize(images)
    codes = qnet.grids["input"].quantize(images[:1])
    model = written(qnet, tmp_path)
    kinds = "PAD CONV_2D RELU MAX_POOL_2D PAD CONV_2D RELU PAD CONV_2D ADD RELU AVERAGE_POOL_2D"
    assert names_and_operators(model)[1] == [*kinds.split(), "FULLY_CONNECTED"]
    assert every_tensor(model, codes)["dense_8x4"].tolist() == [[-8, 102, 89, -41]]
    fused = written(qnet, tmp_path, fuse_relu=True, fuse_pad=True)
    kinds = "PAD CONV_2D MAX_POOL_2D CONV_2D CONV_2D ADD AVERAGE_POOL_2D FULLY_CONNECTED"
    # the stem's pad of 3 and 3 is not what SAME means on 16 pixels: that is 2 and 3
    assert names_and_operators(fused)[1] == kinds.split()


@pytest.mark.parametrize(
    ("size", "fuse", "operators"),
    [
        (8, False, ["PADV2", "MAX_POOL_2D"]),
        (8, True, ["PADV2", "MAX_POOL_2D"]),
        (9, False, ["PADV2", "MAX_POOL_2D"]),
        (9, True, ["MAX_POOL_2D"]),
    ],
)
def test_a_padded_max_pool(size, fuse, operators, tmp_path):
    pool = layers.QMaxPool2D(GRID, (3, 3), (2, 2), (1, 1, 1, 1))
    qnet = one_layer(pool, (size, size, 2))
    model = written(qnet, tmp_path, fuse_pad=fuse)
    assert names_and_operators(model)[1] == operators
    # all codes below the zero_point: a border of zero_points would win
    codes = np.random.default_rng(0).integers(-128, -7, (1, size, size, 2)).astype(np.int8)
    want = qnet(codes)
    assert want.max() < GRID.zero_point
    assert every_tensor(model, codes)["only"].tobytes() == want.tobytes()
    for runtime in KERNELS:
        assert invoke(model, [codes], runtime).tobytes() == want.tobytes(), runtime


@pytest.mark.parametrize("kind", [layers.QMaxPool2D, layers.QAvgPool2D])
def test_a_stride_beyond_the_image_and_beyond_int32(kind, tmp_path):
    qnet = one_layer(kind(GRID, (2, 2), (10**12, 2**31 - 1)), (5, 4, 2))
    codes = random_codes(qnet, 1)
    model = written(qnet, tmp_path)
    assert every_tensor(model, codes)["only"].tobytes() == qnet(codes).tobytes()
    for runtime in KERNELS:
        assert invoke(model, [codes], runtime).tobytes() == qnet(codes).tobytes(), runtime


def test_every_tensor_of_a_narrow_resnet(tmp_path):
    net = resnet.resnet18(resnets.state(4, (4, 6, 8, 10)))
    qnet = net.quantize(resnets.images(4, 4, (35, 30)))
    codes = qnet.grids["input"].quantize(resnets.images(5, 2, (35, 30)))
    want = qnet.trace(codes)
    for fuse in (False, True):
        got = every_tensor(written(qnet, tmp_path, count=2, fuse_relu=fuse, fuse_pad=fuse), codes)
        lost = want.keys() - got.keys()
        before_relus = {n.inputs[0] for n in qnet.nodes if isinstance(n.layer, layers.QClamp)}
        assert before_relus <= lost if fuse else not lost
        pads = lost - before_relus
        assert bool(pads) == fuse and all(name.endswith(".pad") for name in pads)
        for name in want.keys() - lost:
            assert got[name].tobytes() == want[name].tobytes(), name


def test_a_pad_that_another_layer_reads_stays(tmp_path):
    weights, bias = np.ones((1, 3, 3, 1), np.float32), np.zeros(1, np.float32)
    pad = layers.QPad2D(GRID, (1, 1, 1, 1))
    conv = layers.QConv2D.from_float(weights, bias, GRID, GRID)
    add = layers.QAdd.from_float(GRID, GRID, Grid(0.1, 0))
    nodes = (
        Node("pad", pad, ("input",)),
        Node("conv", conv, ("pad",)),
        Node("wide", layers.QPad2D(GRID, (1, 1, 1, 1)), ("conv",)),
        Node("add", add, ("pad", "wide")),
    )
    grids = {"input": GRID} | {node.name: node.layer.out_grid for node in nodes}
    qnet = QNetwork(nodes, grids, {}, (4, 4, 1))
    codes = random_codes(qnet, 1)
    got = every_tensor(written(qnet, tmp_path, fuse_pad=True), codes)
    assert got["add"].tobytes() == qnet(codes).tobytes()


def test_rows_of_a_mean_and_of_a_dense_layer_are_added(tmp_path):
    """TFLite's pool leaves (N, 1, 1, C), which would broadcast against (N, C)."""
    weights, bias = np.eye(4, dtype=np.float32), np.ones(4, np.float32)
    dense = layers.QDense.from_float(weights, bias, GRID, GRID)
    nodes = (
        Node("mean", layers.QGlobalAvgPool2D(GRID), ("input",)),
        Node("dense", dense, ("mean",)),
        Node("add", layers.QAdd.from_float(GRID, GRID, Grid(0.1, 0)), ("mean", "dense")),
    )
    grids = {"input": GRID} | {node.name: node.layer.out_grid for node in nodes}
    qnet = QNetwork(nodes, grids, {}, (3, 3, 4))
    codes = random_codes(qnet, 3)
    model = written(qnet, tmp_path, count=3)
    assert every_tensor(model, codes)["add"].tolist() == qnet(codes).tolist()
    alone = one_layer(nodes[0].layer, (3, 3, 4))
    got = every_tensor(written(alone, tmp_path, count=3), codes)["only"]
    assert got.tolist() == alone(codes).tolist()


def refused() -> dict[str, tuple[QNetwork, str]]:
    """Return networks that a .tflite cannot hold, and what is said of them."""
    conv = layers.QConv2D.from_float(
        np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32), GRID, GRID
    )
    add = layers.QAdd.from_float(GRID, GRID, GRID, left_shift=18)
    nodes = (Node("only", add, ("input", "input")),)
    clamp = layers.QClamp(GRID, -3, 5)
    odd = replace(conv, requantizer=Requantizer(0.3))
    return {
        "bits": (random_qnet(0, bits=(4,)), "layer 'input': codes must be on the grid -128..127"),
        "ratio": (one_layer(odd, (1, 1, 1)), "'only': its ratios must be those of its scales"),
        "shift": (
            QNetwork(nodes, {"input": GRID, "only": GRID}, {}, (1, 1, 1)),
            "layer 'only': left_shift must be 20, got 18",
        ),
        "clamp": (one_layer(clamp, (1, 1, 1)), "'only': no TFLite operator clamps to -3..5"),
    }


@pytest.mark.parametrize("why", refused())
def test_what_a_file_cannot_say_is_refused(why, tmp_path):
    qnet, message = refused()[why]
    with pytest.raises(ValueError, match=message):
        export.tflite(qnet, tmp_path / "net.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("runtime", ["tflite-micro", "litert-reference", "litert-optimized"])
def test_a_dense_output_is_as_fine_as_the_runtimes_take(runtime, monkeypatch):
    in_scale, weight_scale = np.float32(9.7), np.float32([8.3])
    exact = float(in_scale) * float(weight_scale[0])
    edge = abs(exact - float(np.float32(exact))) / 0.02

    def answer(out_scale: float) -> tuple[list, list]:
        grids = Grid(float(in_scale), -3), Grid(out_scale, 5)
        rescale = Requantizer.from_scales(in_scale, weight_scale, grids[1].scale)
        layer = layers.QDense(*grids, np.int8([[1]]), np.int32([0]), weight_scale, rescale)
        case = Case("dense", "wild", 0, 0, layer, (np.int8([[-3]]),))
        return adapters.load(runtime).run(case).tolist(), layer.forward(*case.inputs).tolist()

    got, want = answer(1.01 * edge)
    assert got == want
    with pytest.raises(ValueError, match="may round the bias scale by 0.02 .*, got 0.0202"):
        answer(0.99 * edge)
    monkeypatch.setattr(tflite_operators, "BIAS_SCALE_ERROR", np.inf)
    with pytest.raises(RuntimeError):
        answer(0.99 * edge)


def test_count_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="count must be an integer in 1..2147483647, got 0"):
        export.tflite(network(0), tmp_path / "net.tflite", count=0)


def test_an_existing_file_is_kept_unless_force(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="exists and is kept"):
        export.tflite(network(0), path)
    assert path.read_bytes() == b"mine"
    export.tflite(network(0), path, force=True)
    assert path.read_bytes()[4:8] == b"TFL3"


def test_the_same_network_gives_the_same_bytes(tmp_path):
    assert written(network(1), tmp_path) == written(network(1), tmp_path)


@pytest.mark.parametrize(("kind", "package"), [("tflite", "ai_edge_litert"), ("onnx", "onnx")])
def test_a_missing_package_is_named_with_what_to_install(kind, package, tmp_path, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"needs {package}: pip install '.\[runtimes\]' in"):
        export.FORMATS[kind](network(0), tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_per_tensor_weights_and_few_weight_bits(tmp_path):
    weights, biases, images = resnet.seed()
    scheme = Scheme(per_channel=False, weight_bits=4)
    qnet = resnet.stem_block(weights, biases).quantize(images, scheme=scheme)
    codes = qnet.grids["input"].quantize(images[:2])
    got = every_tensor(written(qnet, tmp_path, count=2), codes)
    for name, want in qnet.trace(codes).items():
        assert got[name].tobytes() == want.tobytes(), name


def test_a_name_that_the_file_has_for_something_else_is_refused(tmp_path):
    pool = layers.QMaxPool2D(GRID, (3, 3), (1, 1), (1, 1, 1, 1))
    nodes = Node("x", pool, ("input",)), Node("x/PADV2", layers.qrelu(GRID), ("input",))
    qnet = QNetwork(nodes, dict.fromkeys(["input", "x", "x/PADV2"], GRID), {}, (4, 4, 1))
    with pytest.raises(ValueError, match="names that no other tensor has, got 'x/PADV2'"):
        export.tflite(qnet, tmp_path / "net.tflite")
