"""What a file leaves to the runtime: SAME padding and fused activations, against the runtimes."""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from tflite_files import pack  # noqa: E402
from tflite_tensors import RUNTIMES as ASK  # noqa: E402

from tinyq import Grid, layers  # noqa: E402
from tinyq.export.tflite_file import build  # noqa: E402
from tinyq.models.load_tflite import to_network  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.models.tflite_network import TFLiteNetwork  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402


def file(layer, shape, **options) -> bytes:
    """A file of one layer, whose operator then says something else in its options."""
    content = build([(layer, ["x"], "y")], {"x": (layer.in_grid, (1, *shape))}, "y")
    changed = schema.ModelT.InitFromPackedBuf(content)
    graph = changed.subgraphs[0]
    for name, value in options.items():
        setattr(graph.operators[0].builtinOptions, name, value)
    if options.get("padding") == schema.Padding.SAME:
        made = graph.tensors[graph.outputs[0]]
        steps = zip(shape[:2], layer.stride, strict=True)
        sizes = [-(-size // step) for size, step in steps]
        made.shape = [1, *sizes, made.shape[3]]
    return pack(changed)


def opened(content: bytes) -> TFLiteNetwork:
    model = parse(content)
    return to_network(model, understand(model))


def assert_as_the_runtimes(content: bytes, x: np.ndarray) -> None:
    network, model = opened(content), parse(content)
    for name, ask in ASK.items():
        theirs = ask(content, model, x)[model.outputs[0]]
        assert np.array_equal(network(x), theirs), name


@pytest.mark.parametrize("kind", ["conv", "max"])
@pytest.mark.parametrize("seed", range(20))
def test_same_is_padded_as_the_runtimes_pad(kind, seed):
    rng = np.random.default_rng(seed)
    kernel = tuple(rng.integers(1, 5, 2).tolist())
    stride = tuple(rng.integers(1, 4, 2).tolist())
    shape = (*rng.integers(4, 10, 2).tolist(), 2)
    grid = Grid(0.05, int(rng.integers(-128, 128)))
    layer = layers.QMaxPool2D(grid, kernel, stride)
    if kind == "conv":
        weights = np.float32(rng.normal(size=(3, *kernel, 2)))
        bias = np.float32(rng.normal(size=3))
        layer = layers.QConv2DPerChannel.from_float(weights, bias, grid, Grid(0.1, 5), stride)
    x = rng.integers(-128, 128, (1, *shape)).astype(np.int8)
    assert_as_the_runtimes(file(layer, shape, padding=schema.Padding.SAME), x)


# 6 / scale is a tie, as near as float32 comes to it, or anything
SCALES = [6 / (k + 0.5) for k in (1, 2, 6, 20, 50, 99, 150)] + [0.02, 0.047, 0.5, 11.0, 13.0, 1e-7]
SCALES += [1 / (k + 0.5) for k in (0, 1, 7, 30)]


@pytest.mark.parametrize("activation", ["RELU", "RELU6", "RELU_N1_TO_1"])
def test_a_fused_activation_clamps_as_the_runtimes_do(activation):
    x = np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16, 1)
    number = getattr(schema.ActivationFunctionType, activation)
    for scale in SCALES:
        for step in (-1, 0, 1):  # float32's neighbours too
            near = np.nextafter(np.float32(scale), np.float32(step * 1e9), dtype=np.float32)
            grid = Grid(float(near if step else scale), -128 if scale > 1 else -9)
            pool = layers.QAvgPool2D(grid, (1, 1), (1, 1))  # which changes no code
            content = file(pool, (16, 16, 1), fusedActivationFunction=number)
            assert [node.name for node in opened(content).nodes] == [
                "average_pool_2d_0",
                f"average_pool_2d_0.{activation.lower()}",
            ]
            assert_as_the_runtimes(content, x)
