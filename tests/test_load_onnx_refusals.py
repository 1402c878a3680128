"""Every way in which a node of an .onnx is refused: index, operator, name and the reason.

Each case is a sound file, which opens, and one thing that is changed in it.
"""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx_files import model, node, pair  # noqa: E402

from tinyq.models import understand_onnx  # noqa: E402
from tinyq.models.load_onnx import to_network  # noqa: E402
from tinyq.models.onnx import fused, parse  # noqa: E402
from tinyq.models.opened import understood as limits  # noqa: E402
from tinyq.models.understand_onnx import understand  # noqa: E402

FLOAT = TensorProto.FLOAT
NUMBERS = dict(zip(("s", "z", "s_out", "z_out"), (*pair(0.5, -3), *pair(0.1, 7)), strict=True))
NUMBERS |= {"sw": np.float32([0.1, 0.2, 0.3, 0.4]), "zw": np.zeros(4, np.int8)}
RNG = np.random.default_rng(0)
IN, OUT = ["x", "s", "z"], ["s_out", "z_out"]


def codes(*shape: int) -> np.ndarray:
    return RNG.integers(-128, 128, shape).astype(np.int8)


def held(*names: str, **constants: object) -> dict[str, object]:
    return {name: NUMBERS[name] for name in ("s", "z", "s_out", "z_out", *names)} | constants


def conv() -> onnx.ModelProto:
    inputs = [*IN, "w", "sw", "zw", *OUT, "b"]
    constants = held("sw", "zw", w=codes(4, 3, 3, 3), b=np.int32([1, 2, 3, 4]))
    one = node("QLinearConv", inputs, "y", pads=[1, 1, 0, 0])
    return model([one], {"x": ("N", 3, 6, 5)}, "y", constants)


def gemm() -> onnx.ModelProto:
    inputs = [*IN, "w", "sw", "zw", "b", *OUT]
    constants = held("sw", "zw", w=codes(6, 4), b=np.int32([1, 2, 3, 4]))
    one = node("QGemm", inputs, "y", alpha=1.0)
    return model([one], {"x": ("N", 6)}, "y", constants)


def moved(name: str, *more: str, **attributes: object) -> onnx.ModelProto:
    """A pool that keeps its grid, then an operator that moves codes."""
    pool = node("QLinearAveragePool", [*IN, "s", "z"], "p", kernel_shape=[1, 1])
    constants = {"shape": np.int64([0, -1]), "pads": np.int64([0, 0, 1, 1] * 2)}
    constants = {key: constants[key] for key in constants if key in more}
    nodes = [pool, node(name, ["p", *more], "y", **attributes)]
    return model(nodes, {"x": ("N", 3, 6, 5)}, "y", held(**constants))


def pooled() -> onnx.ModelProto:
    one = node("QLinearAveragePool", [*IN, *OUT], "y", kernel_shape=[2, 2])
    return model([one], {"x": ("N", 3, 6, 5)}, "y", held())


def added() -> onnx.ModelProto:
    first = node("QLinearAveragePool", [*IN, *OUT], "p", kernel_shape=[1, 1])
    second = node("QLinearAdd", [*IN, "p", *OUT, *OUT], "y")
    return model([first, second], {"x": ("N", 3, 6, 5)}, "y", held())


def soft() -> onnx.ModelProto:
    one = node("QLinearSoftmax", [*IN, *OUT], "y", axis=1, opset=13)
    return model([one], {"x": ("N", 6)}, "y", held())


def joined() -> onnx.ModelProto:
    one = node("QLinearConcat", [*OUT, *IN, *IN], "y", axis=1)
    return model([one], {"x": ("N", 3, 6, 5)}, "y", held())


def ends() -> onnx.ModelProto:
    nodes = [node("QuantizeLinear", IN, "q"), *gemm().graph.node]
    nodes[1].input[0], nodes[1].output[0] = "q", "c"
    nodes.append(node("DequantizeLinear", ["c", *OUT], "y"))
    constants = held("sw", "zw", w=codes(6, 4), b=np.int32([1, 2, 3, 4]))
    return model(nodes, {"x": ("N", 6)}, "y", constants, kinds=(FLOAT, FLOAT))


def qdq(name: str, **attributes: object) -> onnx.ModelProto:
    """An operator on real numbers between the two."""
    grid = ["s", "z"] if name in ("Relu", "Clip", "Pad", "MaxPool") else OUT
    inputs = ["r"]
    constants = held()
    nodes = [node("DequantizeLinear", IN, "r")]
    if name == "Conv":
        nodes.append(node("DequantizeLinear", ["w", "sw", "zw"], "rw", axis=0))
        nodes.append(node("DequantizeLinear", ["b", "sb", "zb"], "rb", axis=0))
        inputs += ["rw", "rb"]
        constants = held("sw", "zw", w=codes(4, 3, 3, 3), b=np.int32([1, 2, 3, 4]))
        constants |= {"sb": np.float32(0.5) * NUMBERS["sw"], "zb": np.zeros(4, np.int32)}
    if name == "Pad":
        constants["pads"], inputs = np.int64([0, 0, 1, 1] * 2), ["r", "pads", "zero"]
        constants["zero"] = np.float32(0)
    nodes += [node(name, inputs, "t", **attributes), node("QuantizeLinear", ["t", *grid], "y")]
    return model(nodes, {"x": ("N", 3, 6, 5)}, "y", constants)


SOUND = {
    "conv": conv,
    "gemm": gemm,
    "pool": pooled,
    "add": added,
    "softmax": soft,
    "concat": joined,
    "ends": ends,
    "flatten": lambda: moved("Flatten"),
    "reshape": lambda: moved("Reshape", "shape"),
    "transpose": lambda: moved("Transpose", perm=[0, 2, 3, 1]),
    "pad": lambda: moved("Pad", "pads", "z"),
    "max": lambda: moved("MaxPool", kernel_shape=[2, 2]),
    "qdq conv": lambda: qdq("Conv"),
    "qdq relu": lambda: qdq("Relu"),
    "qdq pad": lambda: qdq("Pad"),
    "qdq max": lambda: qdq("MaxPool", kernel_shape=[2, 2]),
}


def lines(made: onnx.ModelProto) -> list[str]:
    """What is refused; nothing where the model is a network, which then runs."""
    try:
        read = fused(parse(made.SerializeToString()))
    except ValueError as error:
        return [str(error)]
    try:
        network = to_network(read, understand(read))
    except ValueError as error:
        return str(error).splitlines()
    network(np.zeros((1, *network.image_shape), np.int8))
    return []


@pytest.mark.parametrize("kind", SOUND)
def test_the_sound_file_is_opened(kind):
    assert lines(SOUND[kind]()) == []


def constant(made: onnx.ModelProto, name: str, value: object) -> None:
    """Put another constant in the place of one, or add it."""
    for index, tensor in enumerate(made.graph.initializer):
        if tensor.name == name:
            del made.graph.initializer[index]
            break
    made.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))


def attribute(made: onnx.ModelProto, index: int, **attributes: object) -> None:
    for name, value in attributes.items():
        one = made.graph.node[index]
        kept = [old for old in one.attribute if old.name != name]
        del one.attribute[:]
        one.attribute.extend([*kept, helper.make_attribute(name, value)])


def renamed(made: onnx.ModelProto, index: int, op_type: str) -> None:
    made.graph.node[index].op_type = op_type


def dims(made: onnx.ModelProto, *sizes: object) -> None:
    shape = helper.make_tensor_value_info("x", TensorProto.INT8, sizes)
    made.graph.input[0].CopyFrom(shape)


def appended(made: onnx.ModelProto, *more: onnx.NodeProto) -> None:
    made.graph.node.extend(more)


REFUSED = {
    "conv": [
        (lambda m: renamed(m, 0, "ConvInteger"), "node 0, ConvInteger 'y': not supported"),
        (lambda m: setattr(m.graph.node[0], "domain", "other"), "node 0, 'other' QLinearConv 'y'"),
        (lambda m: attribute(m, 0, group=2), "its group must be 1, or 3, its channels, of one"),
        (lambda m: attribute(m, 0, channels_last=1), "its attribute 'channels_last' is not supp"),
        (lambda m: attribute(m, 0, pads=[1, 1]), "its pads must be four numbers, each 0 or more"),
        (lambda m: attribute(m, 0, strides=[0, 1]), "its strides must be two numbers, each 1 or"),
        (lambda m: attribute(m, 0, strides=2), "its strides must be tuple, got 2"),
        (lambda m: attribute(m, 0, auto_pad="SAME"), "its auto_pad 'SAME' is not supported"),
        (lambda m: attribute(m, 0, kernel_shape=[1, 1]), "its kernel_shape must be that of its w"),
        (lambda m: constant(m, "zw", np.int8([0, 0, 1, 0])), "zero_points of its weight must be 0"),
        (lambda m: constant(m, "sw", np.ones(2, np.float32)), "input 4 must be 1 or 4 scales, got"),
        (lambda m: constant(m, "w", codes(4, 3, 3)), "its weight must have shape (O, I, KH, KW)"),
        (lambda m: constant(m, "w", codes(4, 2, 3, 3)), "its weight needs C = 2, got"),
        (lambda m: constant(m, "b", np.int32([1])), "its bias must have 4 numbers, got 1"),
        (lambda m: constant(m, "b", np.int64([1] * 4)), "input 8 must be INT32, got INT64: 'b'"),
        (lambda m: constant(m, "z", np.uint8(3)), "input 2 must be INT8, got UINT8: 'z'"),
        (lambda m: constant(m, "s_out", np.float32(0)), "input 6: "),
        (lambda m: constant(m, "s_out", np.float32([1, 2])), "input 6 must be one number, got sh"),
        (lambda m: dims(m, "N", 3, "H", 5), "model: its input must have two axes or more, of "),
        (lambda m: dims(m, "N", 3, 6), "it must read (N, C, H, W), got (N, 3, 6)"),
        (lambda m: setattr(m.opset_import[0], "version", 9), "model: its opset must be in 10..28"),
        (lambda m: m.graph.output.append(m.graph.output[0]), "model: it must have one output, got"),
        (lambda m: setattr(m.graph.output[0], "name", "x"), "its output must be that of its last"),
        (lambda m: m.functions.add(), "model: its local functions are not read"),
        (lambda m: m.graph.sparse_initializer.add(), "model: its sparse_initializer is not read"),
        (
            lambda m: setattr(m.graph.initializer[0], "data_location", TensorProto.EXTERNAL),
            "model: the data of 's' lie in another file, which is not opened",
        ),
        (
            lambda m: appended(m, node("Clip", ["x"], "y")),
            "model: a tensor must be made once, got 'y' more often",
        ),
        (lambda m: appended(m, node("Exp", ["y"], "e")), "node 1, Exp 'e': not supported"),
        (
            lambda m: setattr(m.graph.initializer[4], "raw_data", b"12"),
            "initializer 'sw': (4,) of FLOAT must have 16 bytes, got 2",
        ),
        (
            lambda m: m.graph.output[0].CopyFrom(
                helper.make_tensor_value_info("y", TensorProto.INT8, ("N", 4, 9, 9))
            ),
            "its output must have shape (N, 4, 5, 4), got ('N', 4, 9, 9)",
        ),
        (
            lambda m: m.graph.input[0].CopyFrom(
                helper.make_tensor_value_info("x", TensorProto.UINT8, ("N", 3, 6, 5))
            ),
            "model: its input must be FLOAT or INT8, got UINT8",
        ),
    ],
    "gemm": [
        (lambda m: attribute(m, 0, transA=1), "its transA must be 0, got 1"),
        (lambda m: attribute(m, 0, alpha=2.0), "its alpha must be 1.0, got 2.0"),
        (lambda m: constant(m, "w", codes(6)), "input 3 must be a matrix, got shape (6,)"),
        (lambda m: dims(m, "N", 6, 1, 1), "it must read (N, C), got (N, 6, 1, 1)"),
        (lambda m: m.graph.node[0].input.pop(), "it must have 9 inputs, got 8"),
        (lambda m: m.graph.node[0].output.append("z2"), "it must have one output, got 2"),
        (lambda m: m.graph.node[0].input.__setitem__(3, "x"), "input 3 must be a constant of INT8"),
    ],
    "pool": [
        (lambda m: attribute(m, 0, pads=[1, 0, 0, 0]), "with pads that do not count it must keep"),
        (lambda m: attribute(m, 0, ceil_mode=1), "its ceil_mode must be 0, got 1"),
        (lambda m: attribute(m, 0, kernel_shape=[9, 9]), "(9, 9) must fit"),
        (lambda m: m.graph.node[0].ClearField("attribute"), "it must have a kernel_shape"),
    ],
    "add": [
        (
            lambda m: m.graph.node[1].input.__setitem__(4, "s"),
            "input 3 must be read on the grid it is made on, scale 0.100000001, zero_point 7, got ",
        ),
        (lambda m: m.graph.node[1].input.__setitem__(3, "nothing"), "is of what is not understood"),
        (lambda m: attribute(m, 0, kernel_shape=[2, 2]), "QAdd: a and b must have shapes that"),
    ],
    "softmax": [
        (lambda m: attribute(m, 0, axis=0), "its axis must be the last, -1 or 1, got 0"),
        (lambda m: dims(m, "N", 6, 2), "its axis must be the last, -1 or 2, got 1"),
    ],
    "concat": [
        (lambda m: attribute(m, 0, axis=0), "its axis must be in 1..3 or from the end, got 0"),
        (lambda m: m.graph.node[0].input.pop(), "its inputs must be two, and three for each"),
    ],
    "ends": [
        (
            lambda m: m.graph.node[0].input.__setitem__(0, "q2"),
            "node 0, QuantizeLinear 'q': it must be of the model's input, and alone there",
        ),
        (
            lambda m: appended(m, node("Abs", ["y"], "a")),
            "node 2, DequantizeLinear 'y': it must make the model's output, and nothing may read",
        ),
    ],
    "flatten": [(lambda m: attribute(m, 1, axis=2), "its axis must be 1, got 2")],
    "reshape": [
        (lambda m: constant(m, "shape", np.int64([2, -1])), "it must keep the batch axis, and sam"),
        (
            lambda m: constant(m, "shape", np.int64([-1, -1])),
            "its shape must have sizes and one",
        ),
        (
            lambda m: constant(m, "shape", np.int64([0, 7])),
            "it must keep the batch axis, and samp",
        ),
        (lambda m: attribute(m, 1, allowzero=1), "its allowzero must be 0, got 1"),
    ],
    "transpose": [
        (lambda m: attribute(m, 1, perm=[1, 0, 2, 3]), "it must keep the batch axis, 0 first, and"),
        (lambda m: attribute(m, 1, perm=[0, 2, 2, 3]), "it must keep the batch axis, 0 first, and"),
    ],
    "pad": [
        (lambda m: attribute(m, 1, mode="edge"), "its mode must be constant, got edge"),
        (lambda m: constant(m, "pads", np.int64([1] * 8)), "its pads must be 4 starts and ends, 0"),
        (lambda m: m.graph.node[1].input.pop(), "it must pad with the zero_point -3, got 0"),
    ],
    "max": [
        (lambda m: attribute(m, 1, dilations=[2, 2]), "its dilations must be (1, 1), got (2, 2)"),
        (lambda m: attribute(m, 1, pads=[2, 0, 0, 0]), "pads"),
    ],
    "qdq conv": [
        (
            lambda m: constant(m, "sb", NUMBERS["sw"]),
            "node 3, Conv 't': not fused: the scale of its bias must be in_scale * weight_scale",
        ),
        (
            lambda m: attribute(m, 1, axis=1),
            "not fused: the scales of its weight must be along axis 0, got 1",
        ),
        (
            lambda m: m.graph.node[3].input.__setitem__(1, "w"),
            "not fused: DequantizeLinear must make input 1",
        ),
        (
            lambda m: appended(m, node("Abs", ["t"], "a")),
            "not fused: one QuantizeLinear alone must read its output",
        ),
        (
            lambda m: renamed(m, 4, "Exp"),
            "not fused: QuantizeLinear must read its output, got 'Exp'",
        ),
        (lambda m: m.graph.node[4].input.pop(), "not fused: QuantizeLinear must have a scale and"),
    ],
    "qdq relu": [
        (
            lambda m: m.graph.node[2].input.__setitem__(1, "s_out"),
            "node 1, Relu 't': not fused: its grid must be one before and after it",
        ),
        (lambda m: renamed(m, 1, "Tanh"), "node 1, Tanh 't': not supported"),
    ],
    "qdq pad": [(lambda m: constant(m, "zero", np.float32(1)), "not fused: it must pad with 0")],
    "qdq max": [
        (
            lambda m: m.graph.node[2].input.__setitem__(2, "z_out"),
            "not fused: its grid must be one before and after it",
        ),
    ],
}
CASES = [
    pytest.param(kind, change, why, id=f"{kind}-{number}")
    for kind, cases in REFUSED.items()
    for number, (change, why) in enumerate(cases)
]


@pytest.mark.parametrize(("kind", "change", "why"), CASES)
def test_a_change_is_refused_with_its_place(kind, change, why):
    made = SOUND[kind]()
    change(made)
    told = lines(made)
    assert any(why in line for line in told), told


def test_all_refusals_are_said_at_once():
    made = ends()
    appended(made, node("Exp", ["x"], "e"), node("Selu", ["e"], "f"))
    told = lines(made)
    # what reads the first of them cannot be looked at
    wanted = ["node 0, QuantizeLinear", "node 3, Exp", "node 4, Selu"]
    assert [line.split(" '")[0] for line in told] == wanted


def test_an_activation_that_the_codes_do_not_clamp_is_not_fused():
    made = qdq("Conv")
    made.graph.node[4].input[0] = "u"
    made.graph.node.insert(4, node("Relu", ["t"], "u"))
    assert any("not go beyond the ends of the Relu" in line for line in lines(made))
    constant(made, "z_out", np.int8(-128))
    assert lines(made) == []


@pytest.mark.parametrize("grid", [["s_out", "z_out"], ["s", "z"]])
def test_two_pairs_of_quantize_and_dequantize_are_merged_where_their_grids_differ(grid):
    """ONNX Runtime 1.32 gave other bytes than either grid; one grid twice is that grid."""
    made = qdq("MaxPool", kernel_shape=[2, 2])
    end = ["s", "z"]
    more = [
        node("QuantizeLinear", ["t", *end], "q1"),
        node("DequantizeLinear", ["q1", *end], "r1"),
        node("QuantizeLinear", ["r1", *grid], "q2"),
        node("DequantizeLinear", ["q2", *grid], "r2"),
        node("MaxPool", ["r2"], "t2", kernel_shape=[2, 2]),
        node("QuantizeLinear", ["t2", *grid], "y"),
    ]
    del made.graph.node[2]
    made.graph.node.extend(more)
    told = lines(made)
    if grid == end:
        assert told == []
    else:
        assert told[0].startswith("node 4, QuantizeLinear 'q2': ONNX Runtime merges it with")


def test_an_activation_that_reads_itself_is_refused():
    made = qdq("Conv")
    made.graph.node[4].input[0] = "u"
    made.graph.node.insert(4, node("Relu", ["t"], "u"))
    made.graph.node[4].input.append("u")
    del made.graph.node[5]
    assert any("not fused: it must not read what it makes itself" in line for line in lines(made))


def test_constants_of_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(understand_onnx, "MOST_WEIGHTS", 100)
    assert limits.MOST_WEIGHTS > 100
    assert lines(conv()) == [
        "node 0, QLinearConv 'y': the constants must have 100 bytes together, got more"
    ]
