"""Eight small cases whose bytes were seen on the runtimes: on tinyq, and on the runtimes again.

Each case is one operator in a file of its own.  tinyq opens it and follows each runtime; the
runtimes run it.  Cases 3 (a dead channel), 7 (PyTorch) and 8 (a pair) have no file.
"""

from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from test_depthwise import W, X  # noqa: E402
from test_load_tflite_operators import SAME, File, i8, i32  # noqa: E402
from tflite_files import model, pack, quantization, tensor  # noqa: E402

from tinyq import Grid, Requantizer, layers  # noqa: E402
from tinyq.fixedpoint import quantize_multiplier  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.runtimes import RUNTIMES, forward, trace  # noqa: E402
from tools.agreement.every_tensor import RUNTIMES as ASKED  # noqa: E402
from tools.agreement.every_tensor import asker  # noqa: E402
from tools.agreement.held import opened  # noqa: E402

# --- cases 2, 4, 5 and 6: an operator between codes


@dataclass
class Case:
    """A file, the codes that it reads, those that every runtime gives."""

    file: File
    x: list
    want: list


def products(scales, grid) -> list[float]:
    """The scales of a bias."""
    return (np.float32(grid) * np.float32(scales)).tolist()


SCALE, SCALES = [0.05898105353116989], [0.01, 0.02, 0.004, 0.03]
STRIDES = {"padding": SAME, "strideH": 2, "strideW": 2, "depthMultiplier": 2}
ONE_BY_ONE = {"padding": SAME, "strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 3}
POOLED = [[10, -3, 7], [5, 120, -128], [0, 1, 2]]
ROW = [-54, -14, 21, 3, -79, -51, 38, -82, -40, -68]
BEHIND = [-128, -127, -90, -122, -128, -128, 82, -128, -128, -128]
DENSE = [
    (i8([[-2, 2], [-5, -9], [-56, -128]]), SCALE, 0, 0),
    (i32([-2052, -1540, 33551]), products(SCALE, 1 / 255), 0, 0),
]
DEPTHWISE = [
    (i8([W]), SCALES, 3, 0),
    (i32([300, -200, 0, 1000]), products(SCALES, 0.05), 0, 0),
]
CASES = {
    "2, a weight of -128": Case(
        File(
            *("FULLY_CONNECTED", (3, 2), (3, 3), 4, DENSE),
            grid=(float(np.float32(1 / 255)), -128),
            out=(0.0297, -128),
        ),
        [[127, -128], [-128, 127], [-128, -64]],
        [[-128, -128, 22], [-128, -128, -121], [-128, -128, 69]],
    ),
    **{
        f"4, softmax with zero_point {zero_point}": Case(
            File(
                *("SOFTMAX", (1, 10), (1, 10), 2, [], {"beta": 1.0}),
                grid=(0.1, zero_point),
                out=(1 / 256, -128),
            ),
            [ROW],
            [BEHIND],
        )
        for zero_point in (-128, -3, 127)
    },
    "5, an average of real pixels alone": Case(
        File("AVERAGE_POOL_2D", (1, 3, 3, 1), (1, 3, 3, 1), 2, [], ONE_BY_ONE, grid=(0.5, -10)),
        np.reshape(POOLED, (1, 3, 3, 1)).tolist(),
        np.reshape([[33, 2, -1], [22, 2, 0], [32, 0, -1]], (1, 3, 3, 1)).tolist(),
    ),
    "6, depthwise with a multiplier of 2": Case(
        File(
            *("DEPTHWISE_CONV_2D", (1, 4, 4, 2), (1, 2, 2, 4), 3, DEPTHWISE, STRIDES),
            out=(0.25, 4),
        ),
        [X],
        [[[[38, 14, 0, 49], [53, 50, 16, 100]], [[1, -128, 12, 113], [1, 30, 1, -52]]]],
    ),
}


@pytest.mark.parametrize("runtime", ASKED)
@pytest.mark.parametrize("name", list(CASES))
def test_the_bytes_of_a_case(name, runtime):
    case = CASES[name]
    content = case.file.content()
    read, x = parse(content), np.int8(case.x)
    assert asker(runtime, content, read)(x)[read.outputs[0]].tolist() == case.want
    network = opened(content).network
    assert trace(network, x, runtime)[network.nodes[-1].name].tolist() == case.want


def test_pad_and_then_pool_is_another_operator():
    codes = np.int8(POOLED)[None, ..., None]
    padded = layers.QPad2D(Grid(0.5, -10), (1, 1, 1, 1)).forward(codes)
    pool = layers.QAvgPool2D(Grid(0.5, -10), (3, 3), (1, 1))
    assert pool.forward(padded)[0, ..., 0].tolist() == [[9, -2, -6], [11, 2, -3], [8, -3, -6]]


# --- case 1: QUANTIZE, from real numbers

HALVES = Grid(0.007843137718737125, -1)
EDGE = 0.7490196228027344


def quantizer(grid: Grid, count: int) -> bytes:
    """A file that brings a row of real numbers to codes."""
    ends = [
        tensor((1, count), "FLOAT32"),
        tensor((1, count), quantization=quantization([grid.scale], [grid.zero_point])),
    ]
    code = schema.BuiltinOperator.QUANTIZE
    operator = schema.OperatorT(0, [0], [1])
    return pack(model(ends, [operator], [schema.OperatorCodeT(code, None, 1, code)], (), [0], [1]))


@pytest.mark.parametrize(
    ("grid", "x", "want", "others"),
    [
        (HALVES, [-EDGE] * 5, -97, {"litert-optimized": -96}),
        (HALVES, [EDGE] * 5, 95, {"litert-optimized": 94}),
        (HALVES, [-EDGE] * 8, -97, {}),  # a whole block
        (Grid(1.0, 0), [-20.5], -21, {"litert-xnnpack": -20}),
    ],
)
def test_case_1_quantize(grid, x, want, others):
    content = quantizer(grid, len(x))
    row = np.float32([x])
    for runtime in ASKED:
        got = asker(runtime, content, parse(content))(row)[1][0].tolist()
        assert set(got) == {others.get(runtime, want)}, runtime


def test_case_1_is_a_tie_in_float32_alone():
    """So the door of a network, whose quotient is in float64, gives the neighbour of the -97."""
    quotient = EDGE / HALVES.scale
    assert 95.499996 < quotient < 95.5 == np.float32(EDGE) / np.float32(HALVES.scale)
    assert HALVES.quantize([-EDGE, EDGE]).tolist() == [-96, 94]
    assert Grid(1.0, 0).quantize([-20.5]).tolist() == [-21]


# --- cases 3, 7 and 8


@pytest.mark.parametrize("runtime", ASKED)
def test_case_3_a_dead_channel_is_its_bias(runtime):
    """On the runtimes: test_widening.py."""
    weight = np.float32([0.5, 1e-20]).reshape(2, 1, 1, 1)
    bias = np.float32([0.1, -1.2156529426574707])
    conv = layers.QConv2DPerChannel.from_float(weight, bias, Grid(0.02, 0), Grid(0.1, 0))
    codes = np.arange(-128, 128).astype(i8).reshape(-1, 1, 1, 1)
    assert set(forward(conv, codes, runtime=RUNTIMES[runtime])[..., 1].ravel().tolist()) == {-12}


def test_case_7_an_add_of_pytorch():
    """fbgemm's 154, as the exact 154.4999978 wants; QNNPACK gave 155, a rule that none has here."""
    a, b = Grid(0.040562573820352554, 112 - 128), Grid(0.08881603181362152, 126 - 128)
    add = layers.QAdd.from_float(a, b, Grid(0.09029635787010193, 124 - 128))
    codes = (np.full((1, 1, 1, 1), code - 128, i8) for code in (158, 136))
    assert forward(add, *codes, runtime=RUNTIMES["pytorch"]).item() + 128 == 154
    exact = (158 - 112) * a.scale + (136 - 126) * b.scale
    assert exact / 0.09029635787010193 + 124 == pytest.approx(154.4999978, abs=1e-7)


def test_case_8_a_pair_of_sixteen_bits_and_ours():
    ratio = 2026365287 * 2.0**-37
    assert quantize_multiplier(ratio) == (2026365287, 6) and round(ratio * 2**16) == 966
    assert Requantizer.from_pair(2026365287, 6).rescale([5523]).tolist() == [81]
    assert (
        Requantizer.from_pair(966 << 21, 6).rescale([5523]).tolist() == [5523 * 966 >> 16] == [81]
    )
