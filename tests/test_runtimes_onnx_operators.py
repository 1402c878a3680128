"""ONNX Runtime's rules for products, pools, softmax and functions of one code: its own bytes."""

import numpy as np
import pytest

from tinyq import Grid, layers
from tinyq.layers.functions import Function
from tinyq.runtimes import RUNTIMES, forward

RULES = RUNTIMES["onnxruntime"]
SHARES = Grid(1 / 256, -128)
EVERY = np.arange(-128, 128, dtype=np.int8)[None]


# What onnxruntime 1.32.0 gave on x86-64 with AVX-512; a rule that rounds once more is wrong here.
@pytest.mark.parametrize(
    ("grids", "codes", "given"),
    [
        # the zero_point is added before the one rounding
        (((0.6969076, 107), (0.0060578445, -94), (0.9566274, 72)), (-24, -126), 90),
        # and the ratio is s_a * s_b / s_out, not a quotient of products with the codes
        (((0.030876296, 88), (0.014377881, 26), (0.035916403, 117)), (-87, 72), 18),
        (((1.2496434, -50), (0.17479171, -2), (29.52814, 91)), (-75, -75), 104),
    ],
)
def test_a_product_is_rounded_with_its_zero_point(grids, codes, given):
    a, b, out = (Grid(float(np.float32(scale)), zero) for scale, zero in grids)
    made = forward(layers.QMul.from_float(a, b, out), *np.int8(codes)[:, None, None], runtime=RULES)
    assert made.item() == given


def test_a_tie_of_a_softmax_goes_to_the_even_code():
    """A share of 1/512 is half a step; LiteRT has -127."""
    row = np.full((1, 512), 100, np.int8)
    made = forward(layers.QSoftmax(Grid(1.0, 0), SHARES), row, runtime=RULES)
    assert made.tolist() == [[-128] * 512]


def test_a_share_is_not_rounded_before_it_is_scaled():
    """The float32 sum of six is a little less than six: 62.5 steps and more, which is 63.

    A float32 sixth times 375 is 62.5, which would go to 62.
    """
    layer = layers.QSoftmaxToGrid.from_float(
        Grid(18.520658, 0), Grid(float(np.float32(0.002666)), -37)
    )
    assert forward(layer, np.int8([[100] * 6]), runtime=RULES).tolist() == [[63 - 37] * 6]


@pytest.mark.parametrize(
    ("x", "out", "code", "given"),
    [
        ((0.050895288586616516, 60), (0.00012253255408722907, 32), -109, 33),
        ((0.5757748484611511, 92), (0.0002849938755389303, -44), 80, -40),
        ((1.2907860279083252, -35), (0.0002382391394348815, 62), -42, 63),
    ],
)
def test_a_sigmoid_is_mlas_s_with_fused_steps(x, out, code, given):
    """Neither the exact function nor the same polynomials without fused steps."""
    layer = layers.QTable(Grid(*x), Grid(*out), np.zeros(256, np.int8), Function.LOGISTIC)
    assert forward(layer, np.int8([[code]]), runtime=RULES).item() == given


def test_a_global_pool_multiplies_the_count_with_the_output_s_scale():
    rows = [[-3, 49, -16, 101, 89, -37], [54, -124, 2, 86, 101, -99]]
    grids = Grid(0.014434841461479664, 117), Grid(0.01107039861381054, 71)
    layer = layers.QMeanPool2D.from_float(*grids, (2, 6), (1, 1))
    assert forward(layer, np.int8(rows)[None, ..., None], runtime=RULES).item() == -60


def grid(rng: np.random.Generator, low: float = -3, high: float = 0) -> Grid:
    return Grid(float(np.float32(10 ** rng.uniform(low, high))), int(rng.integers(-128, 128)))


def asked(operator: str, arrays, grids, **attributes) -> np.ndarray:
    """What ONNX Runtime makes of arrays on grids, the last that of the output."""
    pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)
    pytest.importorskip("onnx", reason="not installed", exc_type=ImportError)
    from onnx_files import model, node, outcome, pair

    names, constants = list[str](), dict[str, object]()
    for number, one in enumerate(grids):
        if number < len(arrays):
            names.append(f"x{number}")
        parts = [f"scale{number}", f"zero_point{number}"]
        constants |= dict(zip(parts, pair(one.scale, one.zero_point), strict=True))
        names += parts
    shapes = {f"x{number}": array.shape for number, array in enumerate(arrays)}
    made = model([node(operator, names, "y", **attributes)], shapes, "y", constants)
    return outcome(made, *arrays)[0]


SEEDS = pytest.mark.parametrize("seed", range(4))
CASES = 12


@SEEDS
@pytest.mark.parametrize("operator", ["QLinearMul", "QLinearAdd"])
def test_two_tensors_that_broadcast_or_not(operator, seed):
    rng = np.random.default_rng(seed)
    for case in range(CASES):
        a, b = grid(rng), grid(rng)
        scale = a.scale * b.scale * 127 if operator == "QLinearMul" else a.scale + b.scale
        out = Grid(
            float(np.float32(scale * 10 ** rng.uniform(-1, 1))), int(rng.integers(-128, 128))
        )
        shapes = [(3, 7, 5), (3, 1, 5) if case % 3 == 0 else (3, 7, 5)][:: (-1) ** case]
        x, y = (rng.integers(-128, 128, shape).astype(np.int8) for shape in shapes)
        kind = layers.QMul if operator == "QLinearMul" else layers.QAdd
        want = asked(operator, (x, y), (a, b, out))
        assert np.array_equal(forward(kind.from_float(a, b, out), x, y, runtime=RULES), want)


@SEEDS
@pytest.mark.parametrize("function", ["LOGISTIC", "LEAKY_RELU"])
def test_functions_of_every_code(function, seed):
    rng = np.random.default_rng(seed)
    name = {"LOGISTIC": "QLinearSigmoid", "LEAKY_RELU": "QLinearLeakyRelu"}[function]
    for _ in range(CASES):
        x, out = grid(rng, -4, 0.5), grid(rng)
        alpha = float(np.float32(rng.uniform(-1, 2))) if function == "LEAKY_RELU" else None
        layer = layers.QTable(x, out, np.zeros(256, np.int8), Function[function], alpha)
        attributes = {} if alpha is None else {"alpha": alpha}
        want = asked(name, (EVERY,), (x, out), **attributes)
        assert np.array_equal(forward(layer, EVERY, runtime=RULES), want)


@SEEDS
def test_rows_of_softmax(seed):
    rng = np.random.default_rng(seed)
    for width in (1, 2, 3, 7, 9, 10, 12, 33, 40, 100, 257, 1000):
        x = grid(rng, -4, 1.2)
        few = rng.integers(-128, 128, 2 + width // 8)
        codes = rng.choice(few, (60, width)).astype(np.int8)
        other = [Grid(float(np.float32(1 / 255)), -128), grid(rng, -2.6, -1)][seed % 2]
        softmax = layers.QSoftmax(x, SHARES)
        for layer in (softmax, layers.QSoftmaxToGrid.from_float(x, other)):
            asked_of = codes, x, layer.out_grid
            want = asked("QLinearSoftmax", asked_of[:1], asked_of[1:], axis=-1, opset=17)
            assert np.array_equal(forward(layer, codes, runtime=RULES), want), width


@SEEDS
def test_average_pools_between_two_grids(seed):
    rng = np.random.default_rng(seed)
    for case in range(CASES):
        x, out = grid(rng, -2, 0), grid(rng, -2, 0)
        codes = rng.integers(-128, 128, (2, 3, 6, 5)).astype(np.int8)
        kernel, stride = rng.integers(1, 6, 2).tolist(), rng.integers(1, 3, 2).tolist()
        if case % 3 == 0:
            kernel, stride = [6, 5], [1, 1]
            want = asked("QLinearGlobalAveragePool", (codes,), (x, out))
        else:
            moves = {"kernel_shape": kernel, "strides": stride}
            want = asked("QLinearAveragePool", (codes,), (x, out), **moves)
        layer = layers.QMeanPool2D.from_float(x, out, tuple(kernel), tuple(stride))
        made = forward(layer, np.ascontiguousarray(codes.transpose(0, 2, 3, 1)), runtime=RULES)
        assert np.array_equal(made.transpose(0, 3, 1, 2), want)


@SEEDS
def test_codes_that_are_written_on_another_grid(seed):
    rng = np.random.default_rng(seed)
    for _ in range(CASES):
        x, out = grid(rng), grid(rng)
        want = joined(x, out)
        layer = layers.QRescale.from_float(x, out)
        assert np.array_equal(forward(layer, EVERY, runtime=RULES), want)


def joined(x: Grid, out: Grid) -> np.ndarray:
    """One tensor twice, of which ONNX Runtime writes each on the output's grid."""
    pytest.importorskip("onnxruntime", reason="not installed", exc_type=ImportError)
    from onnx_files import model, node, outcome, pair

    names = ["s_out", "z_out", *["x", "s", "z"] * 2]
    constants = dict(zip(names, pair(out.scale, out.zero_point), strict=False))
    constants |= dict(zip(("s", "z"), pair(x.scale, x.zero_point), strict=True))
    made = model([node("QLinearConcat", names, "y", axis=0)], {"x": (1, 256)}, "y", constants)
    return outcome(made, EVERY)[0][:1]
