"""Every way in which an operator of a .tflite is refused: index, name, version and the reason.

Each case is a sound file of one or two operators, which opens, and one thing that is changed in it.
"""

import numpy as np
import pytest

pytest.importorskip(
    "ai_edge_litert", reason="the files are made with LiteRT's schema", exc_type=ImportError
)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from tflite_files import pack, quantization, tensor  # noqa: E402

from tinyq import Grid, layers  # noqa: E402
from tinyq.export.tflite_file import build  # noqa: E402
from tinyq.models import understand_tflite as understanding  # noqa: E402
from tinyq.models.load_tflite import to_network  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402

GRID, FINE = Grid(0.5, -3), Grid(0.25, 7)


def sound(kind: str) -> schema.ModelT:
    """A file that opens."""
    rng = np.random.default_rng(0)
    image = {"x": (GRID, (1, 5, 5, 2))}
    weights = np.float32(rng.normal(size=(3, 3, 3, 2)))
    bias = np.float32([0, 1, -1])
    pool = layers.QMaxPool2D(GRID, (2, 2), (2, 2), (1, 0, 1, 0))
    match kind:
        case "conv":
            conv = layers.QConv2DPerChannel.from_float(weights, bias, GRID, FINE)
            content = build([(conv, ["x"], "y")], image, "y")
        case "dense":
            # (1, 1, 1, 2): flat rows are what FULLY_CONNECTED reads here
            dense = layers.QDense.from_float(weights[:, 0, 0], bias, GRID, FINE)
            nodes = [(layers.QGlobalAvgPool2D(GRID), ["x"], "m"), (dense, ["m"], "y")]
            content = build(nodes, image, "y")
        case "add":
            add = layers.QAdd.from_float(GRID, GRID, FINE)
            content = build([(add, ["x", "x"], "y")], image, "y")
        case "sum":
            small = layers.QAvgPool2D(GRID, (2, 2), (1, 1))
            add = layers.QAdd.from_float(GRID, GRID, FINE)
            content = build([(small, ["x"], "m"), (add, ["m", "m"], "y")], image, "y")
        case "pool":
            content = build([(layers.QAvgPool2D(GRID, (2, 2), (2, 2)), ["x"], "y")], image, "y")
        case "border":
            content = build([(pool, ["x"], "y")], image, "y")
        case "pad":
            content = build([(layers.QPad2D(GRID, (1, 1, 0, 0)), ["x"], "y")], image, "y")
        case "relu":
            content = build([(layers.qrelu(GRID), ["x"], "y")], image, "y")
        case "flat":
            content = build([(layers.QGlobalAvgPool2D(GRID), ["x"], "y")], image, "y")
        case "ends":
            return with_ends(sound("relu"))
    return schema.ModelT.InitFromPackedBuf(content)


def with_ends(model: schema.ModelT) -> schema.ModelT:
    """The same between QUANTIZE of real numbers and DEQUANTIZE to them."""
    graph = model.subgraphs[0]
    count, codes = len(graph.tensors), len(model.operatorCodes)
    for index, real in ((0, "x_real"), (1, "y_real")):
        graph.tensors.append(tensor(graph.tensors[index].shape, "FLOAT32", name=real))
    for name, version in (("QUANTIZE", 1), ("DEQUANTIZE", 2)):
        code = getattr(schema.BuiltinOperator, name)
        model.operatorCodes.append(schema.OperatorCodeT(code, None, version, code))
    first = schema.OperatorT(codes, [count], [graph.inputs[0]])
    last = schema.OperatorT(codes + 1, [graph.outputs[0]], [count + 1])
    graph.operators = [first, *graph.operators, last]
    graph.inputs, graph.outputs = [count], [count + 1]
    return model


def refused(model: schema.ModelT) -> str:
    parsed = parse(pack(model))
    with pytest.raises(ValueError) as error:
        to_network(parsed, understand(parsed))
    return str(error.value)


KINDS = ["conv", "dense", "add", "sum", "pool", "border", "pad", "relu", "flat", "ends"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_sound_before_it_is_changed(kind):
    parsed = parse(pack(sound(kind)))
    network = to_network(parsed, understand(parsed))
    codes = np.random.default_rng(1).integers(-128, 128, (2, 5, 5, 2)).astype(np.int8)
    assert len(network(codes)) == 2
    assert network.float_input == network.float_output == (kind == "ends")


class Edit:
    """What cases change: `part` of the first graph, its tensors by index, its operators."""

    def __init__(self, model: schema.ModelT):
        self.model, self.graph = model, model.subgraphs[0]
        self.tensors, self.operators = self.graph.tensors, self.graph.operators

    def option(self, name: str, value, operator: int = 0) -> None:
        setattr(self.operators[operator].builtinOptions, name, value)

    def code(self, name: str, version: int = 1, custom: str | None = None) -> None:
        code = getattr(schema.BuiltinOperator, name)
        self.model.operatorCodes[0] = schema.OperatorCodeT(min(code, 127), custom, version, code)
        self.operators[0].builtinOptionsType, self.operators[0].builtinOptions = 0, None

    def constant(self, index: int, array: np.ndarray, scales=(), zero_points=(), axis=0) -> None:
        """Make a tensor hold an array."""
        self.model.buffers.append(schema.BufferT(data=np.frombuffer(array.tobytes(), np.uint8)))
        place, grid = len(self.model.buffers) - 1, quantization(scales, zero_points, axis)
        new = tensor(array.shape, array.dtype.name.upper(), place, quantization=grid)
        while index >= len(self.tensors):
            self.tensors.append(None)
        self.tensors[index] = new

    def grid(self, index: int, scales, zero_points, axis=0) -> None:
        self.tensors[index].quantization = quantization(scales, zero_points, axis)


def kind_of(index: int, name: str):
    return lambda e: setattr(e.tensors[index], "type", getattr(schema.TensorType, name))


def set_option(name: str, value, operator: int = 0):
    return lambda e: e.option(name, value, operator)


def shape_of(index: int, *shape: int):
    return lambda e: setattr(e.tensors[index], "shape", list(shape))


def extra(index: int, kind: str = "INT8"):
    """Append a tensor that nothing makes, and let operator 0 have it as an input."""

    def change(e: Edit) -> None:
        e.tensors.append(tensor((1, 5, 5, 2), kind, quantization=quantization([0.5], [-3])))
        inputs = list(e.operators[0].inputs)
        inputs[index] = len(e.tensors) - 1
        e.operators[0].inputs = inputs

    return change


def inputs_of(*indices: int, operator: int = 0):
    return lambda e: setattr(e.operators[operator], "inputs", list(indices))


def outputs_of(*indices: int, operator: int = 0):
    return lambda e: setattr(e.operators[operator], "outputs", list(indices))


def ends_of(**ends):
    def change(e: Edit) -> None:
        for name, indices in ends.items():
            setattr(e.graph, name, indices)

    return change


SAME, TANH = schema.Padding.SAME, schema.ActivationFunctionType.TANH
SAME_STEPS = {"padding": SAME, "strideH": 1, "strideW": 1}
RELU6 = schema.ActivationFunctionType.RELU6
i32 = np.int32
C = "operator 0, CONV_2D version 3: "
F = "operator 1, FULLY_CONNECTED version 4: "
# In every file tensor 0 is the input x; of conv 1 is the weight, 2 the bias, 3 the output.
CASES = {
    # the model
    "two inputs": ("conv", ends_of(inputs=[0, 0]), "model: it must have one input, got 2"),
    "no output": ("conv", ends_of(outputs=[]), "model: it must have one output, got 0"),
    "another output": (
        "sum",
        ends_of(outputs=[1]),
        "model: its output must be that of its last operator, got tensor 1",
    ),
    "rank 1": ("relu", shape_of(0, 50), "model: its input must have two axes or more, each 1 or"),
    "empty": ("relu", shape_of(0, 1, 0, 5, 2), "model: its input must have two axes or more, "),
    "uint8": ("relu", kind_of(0, "UINT8"), "model: its input: tensor 0 must be INT8, got UINT8"),
    "no scale": (
        "relu",
        lambda e: e.grid(0, [], []),
        "model: its input: tensor 0 must have one scale, got 0",
    ),
    "zero_point": (
        "relu",
        lambda e: e.grid(0, [0.5], [128]),
        "model: its input: tensor 0: zero_point must be an integer in -128..127, got 128",
    ),
    "scale": ("relu", lambda e: e.grid(0, [0.0], [0]), "model: its input: tensor 0: scale must be"),
    "state": (
        "relu",
        lambda e: setattr(e.tensors[0], "isVariable", True),
        "model: tensor 0: is_variable: it keeps its values from one run to the next",
    ),
    "subgraphs": (
        "relu",
        lambda e: e.model.subgraphs.append(e.graph),
        "model: subgraphs: only the first of 2 is read",
    ),
    # any operator
    "unknown": ("conv", lambda e: e.code("SVDF", 3), "operator 0, SVDF version 3: not supported"),
    "custom": (
        "conv",
        lambda e: e.code("CUSTOM", 1, "My\nOp"),
        "operator 0, CUSTOM 'My\\nOp' version 1: not supported",
    ),
    "version": (
        "conv",
        lambda e: setattr(e.model.operatorCodes[0], "version", 9),
        "operator 0, CONV_2D version 9: its version must be in 1..8",
    ),
    "four inputs": ("conv", inputs_of(0, 1, 2, 2), C + "it must have 2..3 inputs, got 4"),
    "one input": ("add", inputs_of(0), "operator 0, ADD version 2: it must have 2 inputs, got 1"),
    "two outputs": ("conv", outputs_of(3, 3), C + "it must have one output, got 2"),
    "onto the input": ("conv", outputs_of(0), C + "its output, tensor 0, must be made by it alone"),
    "onto the weight": ("conv", outputs_of(1), C + "its output, tensor 1, must be made by it"),
    "before it is made": ("add", extra(1), "operator 0, ADD version 2: tensor 2 is read before"),
    "its own output": (
        "add",
        inputs_of(0, 1),
        "operator 0, ADD version 2: tensor 1 is read before",
    ),
    "int16": ("add", extra(1, "INT16"), "ADD version 2: tensor 2 must be INT8, got INT16"),
    "left out": ("add", inputs_of(0, -1), "operator 0, ADD version 2: input 1 must be there"),
    "int16 out": ("conv", kind_of(3, "INT16"), C + "tensor 3 must be INT8, got INT16"),
    "output's shape": (
        "conv",
        shape_of(3, 1, 3, 4, 3),
        C + "its output must have shape (1, 3, 3, 3), got (1, 3, 4, 3)",
    ),
    "batch moved": (
        "relu",
        shape_of(1, 5, 1, 5, 2),
        "operator 0, RELU version 2: its output must have shape (1, 5, 5, 2), got (5, 1, 5, 2)",
    ),
    # CONV_2D, and what it shares with FULLY_CONNECTED
    "dilation": ("conv", set_option("dilationWFactor", 0), C + "QConv2DPerChannel: dilation (DY"),
    "stride": ("conv", set_option("strideH", 0), C + "QConv2DPerChannel: stride (SY, SX) must be"),
    "tanh": ("conv", set_option("fusedActivationFunction", TANH), C + "its fused activation TANH"),
    "image": ("conv", shape_of(0, 1, 5, 10), C + "it must read (N, H, W, C), got (N, 5, 10)"),
    "channels": ("conv", shape_of(0, 1, 5, 5, 1), C + "its weight needs C = 2, got (5, 5, 1)"),
    "weight of int4": ("conv", kind_of(1, "INT4"), C + "tensor 1 must be INT8, got INT4"),
    "weight of uint8": ("conv", kind_of(1, "UINT8"), C + "tensor 1 must be INT8, got UINT8"),
    "weight's rank": ("conv", shape_of(1, 3, 18), C + "its weight must have 4 axes, got (3, 18)"),
    "weight at run time": (
        "conv",
        lambda e: setattr(e.tensors[1], "buffer", 0),
        C + "tensor 1 must be a constant",
    ),
    "weight's zero_points": (
        "conv",
        lambda e: e.grid(1, [1, 1, 1], [0, -9, 3]),
        C + "tensor 1: zero_point of a weight or bias must be 0, got -9",
    ),
    "weight's axis": (
        "conv",
        lambda e: e.grid(1, [1, 1], [0, 0], 3),
        C + "tensor 1: quantized_dimension must be 0, got 3",
    ),
    "weight without scales": ("conv", lambda e: e.grid(1, [], []), C + "tensor 1 must have a scal"),
    "weight's scale": ("conv", lambda e: e.grid(1, [1, 0, 1], [0, 0, 0]), C + "the scale of its b"),
    "bias of int64": (
        "conv",
        lambda e: e.constant(2, np.int64([0, 1, 2])),
        C + "tensor 2 must be INT32, got INT64",
    ),
    "bias too short": (
        "conv",
        lambda e: e.constant(2, i32([1, 2])),
        C + "its bias must have shape",
    ),
    "bias's scale": (
        "conv",
        lambda e: e.grid(2, [0.1], [0]),
        C + "the scale of its bias must be in_scale * weight_scale = ",
    ),
    "bias's zero_point": ("conv", lambda e: e.grid(2, [0.1], [1]), C + "tensor 2: zero_point of a"),
    "accumulator": (
        "conv",
        lambda e: e.constant(2, i32([2**31 - 1] * 3), e.tensors[2].quantization.scale, [0] * 3),
        C + "QConv2DPerChannel: the accumulator must fit int32",
    ),
    "ratio": (
        "conv",
        lambda e: (e.grid(3, [1e-12], [0]), inputs_of(0, 1)(e)),
        C + "ratio must be in 0..2**30, got ",
    ),
    "shuffled": ("dense", set_option("weightsFormat", 1, 1), F + "its weights_format SHUFFLED4x16"),
    "dense image": (
        "dense",
        inputs_of(0, 2, 3, operator=1),
        F + "it must keep the batch axis: rows of 2, got (5, 5, 2)",
    ),
    "too fine for RELU6": (
        "add",
        lambda e: (
            e.grid(0, [1e-30], [0]),
            e.grid(1, [1e-30], [0]),
            e.option("fusedActivationFunction", RELU6),
        ),
        "operator 0, ADD version 2: its scale 1e-30 is too fine for an activation up to 6.0",
    ),
    # the others
    "add of two shapes": (
        "sum",
        inputs_of(0, 1, operator=1),
        "operator 1, ADD version 2: QAdd: a and b must have shapes that broadcast, got (5, 5, 2)",
    ),
    "add too fine": (
        "add",
        lambda e: e.grid(1, [1e-7], [0]),
        "ADD version 2: QAdd: out_grid.scale",
    ),
    "pool's grid": (
        "pool",
        lambda e: e.grid(1, [0.25], [7]),
        "operator 0, AVERAGE_POOL_2D version 2: it must keep the grid of its input, "
        "scale 0.5, zero_point -3, got scale 0.25, zero_point 7",
    ),
    "pool's kernel": (
        "pool",
        set_option("filterWidth", 0),
        "kernel (KH, KW) must be 2 integers >= 1",
    ),
    "pool's image": ("pool", shape_of(0, 1, 50), "it must read (N, H, W, C), got (N, 50,)"),
    "border and SAME": (
        "border",
        lambda e: [e.option(name, value, 1) for name, value in SAME_STEPS.items()],
        "operator 1, MAX_POOL_2D version 2: its padding must be VALID after a border of the least",
    ),
    "pad the batch": (
        "pad",
        lambda e: e.constant(1, i32([[1, 0], [1, 1], [0, 0], [0, 0]])),
        "operator 0, PAD version 2: it must not pad the batch axis, got [[1, 0]",
    ),
    "pad of rank 3": (
        "pad",
        lambda e: e.constant(1, i32([[0, 0], [1, 1], [0, 0]])),
        "PAD version 2: it must read samples of rank 2, got (5, 5, 2)",
    ),
    "pad below 0": (
        "pad",
        lambda e: e.constant(1, i32([[0, 0], [-1, 1], [0, 0], [0, 0]])),
        "operator 0, PAD version 2: QPad2D: pads (top, bottom, left, right) must be 4 integers",
    ),
    "pad with 9": (
        "border",
        lambda e: e.constant(2, np.int8([9]), [0.5], [-3]),
        "operator 0, PADV2 version 2: it must pad with the zero_point -3, got 9",
    ),
    "pad with many": (
        "border",
        lambda e: e.constant(2, np.int8([9, 9]), [0.5], [-3]),
        "operator 0, PADV2 version 2: it must pad with one code, got 2",
    ),
    "reshape the batch": (
        "flat",
        lambda e: (e.constant(2, i32([2, 1])), shape_of(3, 2, 1)(e)),
        "operator 1, RESHAPE version 1: it must keep the batch axis, 1 first, got (2, 1)",
    ),
    "reshape otherwise": (
        "flat",
        lambda e: e.constant(2, i32([1, -1, 1])),
        "operator 1, RESHAPE version 1: its output must have the shape that it asks for, "
        "(1, 2, 1), got (1, 2)",
    ),
    "quantize a tensor": (
        "ends",
        kind_of(2, "UINT8"),
        "operator 0, QUANTIZE version 1: from UINT8 to INT8 is not supported",
    ),
    "quantize inside": (
        "ends",
        lambda e: (e.tensors.append(tensor((1, 5, 5, 2), "FLOAT32")), inputs_of(4)(e)),
        "operator 0, QUANTIZE version 1: from FLOAT32 it must be of the model's input, and alone",
    ),
    "dequantize inside": (
        "ends",
        ends_of(outputs=[1]),
        "operator 2, DEQUANTIZE version 2: it must make the model's output, and nothing may read",
    ),
    "dequantize to float16": (
        "ends",
        kind_of(3, "FLOAT16"),
        "operator 2, DEQUANTIZE version 2: to FLOAT16 is not supported",
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_changed_file_is_refused_with_place_and_reason(case):
    kind, change, message = CASES[case]
    model = sound(kind)
    change(Edit(model))
    assert any(message in line for line in refused(model).splitlines()), refused(model)


def test_all_refusals_of_a_file_come_at_once_and_the_rest_is_understood():
    model = sound("sum")
    edit = Edit(model)
    edit.option("padding", SAME)
    edit.code("EXP", 1)
    edit.grid(edit.graph.outputs[0], [1e-7], [0])
    edit.tensors[0].isVariable = True
    parsed = parse(pack(model))
    lines = list(map(str, understand(parsed).refusals))
    assert [line.split(":")[0] for line in lines] == [
        "model",
        "operator 0, EXP version 1",
        "operator 1, ADD version 2",
    ]
    # what reads the tensor of a refused operator is understood nevertheless
    edit.grid(edit.graph.outputs[0], [0.25], [7])
    parsed = parse(pack(model))
    understood = understand(parsed)
    assert [(node.name, node.inputs) for node in understood.nodes] == [
        ("add_1", ("exp_0", "exp_0"))
    ]


def test_one_weight_of_many_operators_takes_no_gigabytes(monkeypatch):
    """Each layer has a copy of its own of what the file holds once."""
    monkeypatch.setattr(understanding, "MOST_WEIGHTS", 100)
    model = sound("conv")
    edit = Edit(model)
    for _ in range(3):
        edit.tensors.append(tensor((1, 3, 3, 3), quantization=quantization([0.25], [7])))
        made = len(edit.tensors) - 1
        more = schema.OperatorT(0, [0, 1, 2], [made], 1, edit.operators[0].builtinOptions)
        edit.operators.append(more)
    lines = refused(model).splitlines()
    assert [line.split(",")[0] for line in lines] == ["operator 1", "operator 2", "operator 3"]
    assert lines[0].endswith("the constants must have 100 bytes together, got more")
