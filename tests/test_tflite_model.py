"""The .tflite writer: which operators stand in a model, and what may be fused into what."""

import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="the writer uses LiteRT's schema classes", exc_type=ImportError
)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402

from tinyq import Grid, floatref, layers  # noqa: E402
from tinyq.export.tflite_file import build, of_network  # noqa: E402
from tools.agreement import litert, networks  # noqa: E402

NAMES = {value: name for name, value in vars(schema.BuiltinOperator).items() if name[0] != "_"}
GRID = Grid(0.05, -7)


def read(model: bytes):
    """Return (operator names, tensors, operators) of a model."""
    parsed = schema.ModelT.InitFromPackedBuf(model)
    (graph,) = parsed.subgraphs
    codes = [NAMES[code.builtinCode] for code in parsed.operatorCodes]
    return [codes[op.opcodeIndex] for op in graph.operators], graph.tensors, graph.operators


@pytest.mark.parametrize("variant", networks.VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_is_written_as_its_name_says(variant):
    qnet = networks.network(np.random.default_rng(0), variant)
    model = of_network(qnet, 1, fuse_relu=variant.fuse_relu, fuse_pad=variant.fuse_pad)
    names, _, operators = read(model)
    assert names.count("RELU") == (0 if variant.fuse_relu else 3)
    assert names.count("PAD") == (0 if variant.fuse_pad else 3)
    assert names.count("MEAN") == variant.mean
    assert names.count("AVERAGE_POOL_2D") == (not variant.mean)
    assert (names.count("CONV_2D"), names.count("ADD"), names[-1]) == (3, 1, "FULLY_CONNECTED")
    convs = [
        op.builtinOptions for op, name in zip(operators, names, strict=True) if name == "CONV_2D"
    ]
    same = schema.Padding.SAME if variant.fuse_pad else schema.Padding.VALID
    assert [conv.padding for conv in convs] == [same] * 3
    relu = schema.ActivationFunctionType.RELU if variant.fuse_relu else 0
    assert [conv.fusedActivationFunction for conv in convs] == [relu, relu, 0]


def test_a_tensor_carries_its_grid():
    rng = np.random.default_rng(0)
    weights = np.float32(rng.normal(size=(3, 2, 2, 1)))
    conv = layers.QConv2DPerChannel.from_float(
        weights, np.float32([0, 1, -1]), GRID, Grid(0.125, 9)
    )
    _, tensors, _ = read(build([(conv, ["x"], "y")], {"x": (GRID, (2, 4, 5, 1))}, "y"))
    by_name = {tensor.name.decode(): tensor for tensor in tensors}
    x, weight, bias, y = (by_name[name] for name in ("x", "y/weight", "y/bias", "y"))
    assert (list(x.shape), list(y.shape)) == ([2, 4, 5, 1], [2, 3, 4, 3])
    assert (x.quantization.scale, x.quantization.zeroPoint) == ([np.float32(0.05)], [-7])
    assert (y.quantization.scale, y.quantization.zeroPoint) == ([np.float32(0.125)], [9])
    assert np.array_equal(weight.quantization.scale, conv.weight_scale)
    assert weight.quantization.quantizedDimension == 0
    assert np.array_equal(bias.quantization.scale, np.float32(0.05) * conv.weight_scale)


def test_a_relu_is_not_fused_into_a_layer_that_others_read():
    x = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    double = layers.QAdd.from_float(GRID, GRID, Grid(0.1, -7))
    both = layers.QAdd.from_float(double.out_grid, double.out_grid, Grid(0.2, 3))
    relu = layers.qrelu(double.out_grid)
    nodes = [
        (double, ["x", "x"], "sum"),
        (relu, ["sum"], "positive"),
        (both, ["sum", "positive"], "y"),
    ]
    model = build(nodes, {"x": (GRID, x.shape)}, "y", fuse_relu=True)
    assert read(model)[0] == ["ADD", "RELU", "ADD"]
    total = double.forward(x, x)
    want = both.forward(total, relu.forward(total))
    assert np.array_equal(litert.invoke(model, [x], "litert-reference"), want)


def test_a_pad_that_is_not_same_stays():
    conv = layers.QConv2D.from_float(
        np.float32(np.ones((1, 3, 3, 1))), np.float32([0]), GRID, GRID, stride=(2, 2)
    )
    for pads, names in (((1, 1, 1, 1), ["PAD", "CONV_2D"]), ((0, 1, 0, 1), ["CONV_2D"])):
        nodes = [(layers.QPad2D(GRID, pads), ["x"], "padded"), (conv, ["padded"], "y")]
        inputs = {"x": (GRID, (1, 8, 8, 1))}
        assert read(build(nodes, inputs, "y", fuse_pad=True))[0] == names


def test_what_tflite_has_no_operator_for_is_refused():
    clamp = layers.QClamp(GRID, -3, 5)
    with pytest.raises(ValueError, match="layer 'y': no TFLite operator clamps to -3..5"):
        build([(clamp, ["x"], "y")], {"x": (GRID, (1, 1, 1, 1))}, "y")
    with pytest.raises(TypeError, match="layer 'y': TFLite has no ReLU, only QAdd, "):
        build([(floatref.ReLU(), ["x"], "y")], {"x": (GRID, (1, 1, 1, 1))}, "y")
