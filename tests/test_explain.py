"""Why a place has its code: each number against fractions, the loop nests, and the runtimes."""

from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from layer_cases import LAYER_CASES

from tinyq import Grid, Requantizer, Rounding, layers, loops
from tinyq.layers.linear import Linear
from tinyq.loops.conv import accumulate
from tinyq.runtimes import RUNTIMES, QMean, forward
from tinyq.runtimes.explain import Spot, decimal, explain, rounding_steps
from tools.agreement.cases import OPERATORS, cases

INT32 = st.integers(-(2**31), 2**31 - 1)
PAIRS = st.tuples(st.integers(2**30, 2**31 - 1), st.integers(-30, 31))
CODES = st.integers(-128, 127)
NAMES = list(RUNTIMES)


def requantizers(multiplier, shift):
    return [Requantizer.from_pair(multiplier, shift, rounding=rounding) for rounding in Rounding]


@given(INT32, PAIRS, CODES)
@example(7984, (1583594044, 9), -3)
@example(-77602, (1700242573, 13), -1)
def test_each_rounding_ends_where_the_requantizer_does(acc, pair, zero_point):
    grid = Grid(1.0, zero_point)
    for step, requantizer in zip(
        rounding_steps(acc, requantizers(*pair), grid), requantizers(*pair), strict=True
    ):
        assert step.rule == requantizer.rounding.name
        assert step.rounded == requantizer.rescale([acc])[0]
        if abs(step.rounded + zero_point) < 2**31:
            assert step.with_zero_point == step.rounded + zero_point
            assert step.code == requantizer.requantize([acc], grid)[0]


@given(st.integers(-(2**20), 2**20), PAIRS.filter(lambda pair: pair[1] >= 0))
def test_the_numbers_between_lie_where_fractions_say(acc, pair):
    exact = Fraction(acc * pair[0], 2 ** (31 + pair[1]))
    steps = {step.rule: step for step in rounding_steps(acc, requantizers(*pair), Grid(1.0, 0))}
    for rule in ("DOUBLE", "UP"):
        numbers = steps[rule].numbers
        assert abs(numbers["high"] - exact * 2 ** pair[1]) <= Fraction(1, 2)
        assert numbers["shifted"] == decimal(Fraction(numbers["high"], 2 ** pair[1]))
        assert abs(steps[rule].rounded - Fraction(numbers["high"], 2 ** pair[1])) <= Fraction(1, 2)
    assert steps["SINGLE"].numbers["product"] == decimal(exact)
    for rule, bits in (("FLOAT32", 24), ("FLOAT64", 53)):
        numbers = steps[rule].numbers
        assert abs(Fraction(numbers["product"]) - exact) <= abs(exact) * Fraction(
            1, 2 ** (bits - 2)
        )
        assert abs(steps[rule].rounded - Fraction(numbers["product"])) <= Fraction(1, 2)


# What MODELS.md's ResNet-8 did on TFLite Micro, XNNPACK and LiteRT optimized.
@pytest.mark.parametrize(
    ("acc", "pair", "exact", "double", "other", "rule"),
    [
        (15392, (1464338136, 9), "20.499185", 21, 20, "FLOAT32"),
        (-6872, (1639979363, 8), "-20.499898", -21, -20, "UP"),
    ],
)
def test_two_bytes_at_which_runtimes_parted(acc, pair, exact, double, other, rule):
    steps = {step.rule: step for step in rounding_steps(acc, requantizers(*pair), Grid(1.0, 0))}
    assert steps["SINGLE"].numbers["product"].startswith(exact)
    assert steps["DOUBLE"].rounded == double and steps[rule].rounded == other


@given(st.fractions(max_denominator=10**9))
@example(Fraction(1, 2) - Fraction(1, 10**8))
@example(Fraction(-1, 10**8))
def test_a_decimal_is_cut_and_says_so(real):
    text = decimal(real)
    shown, cut = Fraction(text.removesuffix("...")), text.endswith("...")
    assert cut == (shown != real)
    assert abs(shown) == Fraction(floor(abs(real) * 10**6), 10**6)


def places(shape, count, rng):
    """Some indices of a tensor, its first and last among them."""
    inner = [tuple(rng.integers(0, shape).tolist()) for _ in range(count)]
    return [(0,) * len(shape), tuple(size - 1 for size in shape), *inner]


def check_spot(layer, inputs, place, clamps=()):
    """Hold the steps of a place against the runtimes' codes there; return the explanation."""
    why = explain(Spot(layer, inputs, place, clamps))
    told = {name: step.code for step in why.steps for name in step.runtimes}
    grid = layer.out_grid
    for name, runtime in RUNTIMES.items():
        try:
            want = int(forward(layer, *inputs, runtime=runtime)[place])
        except (TypeError, ValueError):
            assert name not in told
            continue
        for low, high in clamps:
            want = min(max(want, low), high)
        assert told[name] == want, name
    for step in why.steps:
        if step.rounded is not None:
            code = step.with_zero_point
            for low, high in [(grid.qmin, grid.qmax), *clamps]:
                code = min(max(code, low), high)
            wide = abs(step.with_zero_point) > 2**15  # LiteRT's add wraps there
            assert code == step.code or (isinstance(layer, layers.QAdd) and wide), step
    return why


def random_inputs(case, rng, count=2):
    grids = zip(case.layer.in_grids, case.shapes, strict=True)
    return [rng.integers(g.qmin, g.qmax + 1, (count, *s)).astype(np.int8) for g, s in grids]


@pytest.mark.parametrize("name", LAYER_CASES)
def test_every_layer_is_explained_with_the_runtimes_own_codes(name):
    case, rng = LAYER_CASES[name], np.random.default_rng(5)
    inputs = random_inputs(case, rng)
    for place in places(case.layer.forward(*inputs).shape, 12, rng):
        why = check_spot(case.layer, inputs, place)
        check_spot(case.layer, inputs, place, [(-20, 30), (-10, 40)])
        if isinstance(case.layer, Linear):
            check_accumulator(case.layer, inputs[0], place, why.facts)


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_cases_of_make_agreement_are_explained(operator):
    rng = np.random.default_rng(1)
    for case in cases(operator, 25, seed=4):
        shape = case.layer.forward(*case.inputs).shape
        for place in places(shape, 2, rng):
            check_spot(case.layer, list(case.inputs), place)


def zero_weights(in_scale, bias, weight_scale, zero_point) -> layers.QDense:
    """A dense layer whose accumulators are its biases."""
    one, scales = Grid(in_scale, 3), np.float32(weight_scale)
    out = Grid(0.05, zero_point)
    weight = np.zeros((len(bias), 1), np.int8)
    ratios = Requantizer.from_scales(one.scale, scales, out.scale)
    return layers.QDense(one, out, weight, np.array(bias, np.int32), scales, ratios)


def disputed(in_scale, bias, weight_scale, zero_point, most=25) -> layers.QDense:
    """The layer of those channels alone at which the runtimes' codes are the rarest pattern."""
    layer = zero_weights(in_scale, bias, weight_scale, zero_point)
    codes = np.zeros((1, 1), np.int8)
    under = [forward(layer, codes, runtime=runtime)[0] for runtime in RUNTIMES.values()]
    differ = under[0][:, None] != np.array(under).T
    patterns, which, counts = np.unique(differ, axis=0, return_inverse=True, return_counts=True)
    assert len(patterns) > 3, "the runtimes agree nearly everywhere: nothing is told apart"
    rarest = np.argsort(counts[which.ravel()], kind="stable")[:most]
    return zero_weights(in_scale, bias[rarest], weight_scale[rarest], zero_point)


@pytest.mark.parametrize("zero_point", [-128, -1, 0, 127])
@pytest.mark.parametrize("where", ["ties", "ends"])
def test_accumulators_next_to_ties_and_to_the_ends_of_int32(where, zero_point):
    rng, in_scale = np.random.default_rng(8), 0.121 if where == "ties" else 0.0625
    if where == "ties":
        scale = np.float32(10 ** rng.uniform(-5, -3, 4000))
        ratio = in_scale * scale / np.float64(np.float32(0.05))
        bias = np.rint((rng.integers(-120, 120, 4000) + 0.5) / ratio).astype(int)
    else:
        scale = np.float32(2.0 ** rng.integers(-2, 3, 400) * rng.choice([0.8, 0.8000001, 1], 400))
        bias = rng.choice([-1, 1], 400) * (2**31 - 1 - rng.integers(0, 400, 400))
    layer = disputed(in_scale, bias, scale, zero_point)
    for channel in range(len(layer.bias)):
        why = check_spot(layer, [np.zeros((2, 1), np.int8)], (1, channel))
        check_accumulator(layer, np.full((2, 1), 3, np.int8), (1, channel), why.facts)


def check_accumulator(layer, codes, place, facts):
    """Hold the facts of a sum against the loop nest and fractions."""
    n, channel = place[0], place[-1]
    weight, bias = layer.weight[channel].tolist(), int(layer.bias[channel])
    zero_point, image = layer.in_grid.zero_point, codes[n].tolist()
    if isinstance(layer, layers.QDense):
        acc = bias + sum(w * (q - zero_point) for w, q in zip(weight, image, strict=True))
    else:
        top, left = (i * s for i, s in zip(place[1:3], layer.stride, strict=True))
        if isinstance(layer, layers.QDepthwiseConv2D):
            source = channel // layer.depth_multiplier
            image = [[[pixel[source]] for pixel in row] for row in image]
            weight = [[[w] for w in row] for row in weight]
        acc = accumulate(image, weight, bias, zero_point, top, left, layer.dilation)
    scale = float(layer.weight_scale[channel % len(layer.weight_scale)])
    real = Fraction(layer.in_grid.scale) * Fraction(scale) / Fraction(layer.out_grid.scale)
    multiplier, shift = loops.quantize_multiplier(
        layer.in_grid.scale * scale / layer.out_grid.scale
    )
    assert (facts["accumulator"], facts["bias"]) == (acc, bias)
    assert (facts["multiplier"], facts["shift"]) == (multiplier, shift)
    assert facts["ratio"] == f"{multiplier} * 2**{-31 - shift}"
    assert facts["exact"] == decimal(acc * real)


@given(st.sampled_from([1, 16, 37, 70]), st.integers(0, 99), CODES, CODES, st.data())
@settings(max_examples=60, deadline=None)
def test_a_sums_sides_and_exact_number(count, seed, zero_a, zero_b, data):
    codes = np.random.default_rng(seed).integers(-128, 128, (count, 2)).tolist()
    grids, out = (Grid(0.05, zero_a), Grid(0.0313, zero_b)), Grid(0.061, 7)
    layer = layers.QAdd.from_float(*grids, out)
    inputs = [np.int8(side)[None] for side in zip(*codes, strict=True)]
    place = (0, data.draw(st.integers(0, len(codes) - 1)))
    why, pair = check_spot(layer, inputs, place), tuple(codes[place[1]])
    real = sum((c - g.zero_point) * Fraction(g.scale) for c, g in zip(pair, grids, strict=True))
    assert (why.facts["code a"], why.facts["code b"]) == pair
    assert why.facts["exact"] == decimal(real / Fraction(out.scale))
    check_sides(why.steps, layer, pair, place[1] < len(codes) // 16 * 16)
    for step in why.steps:
        total = step.numbers["sum"]
        if step.rule == "add_floats.onnx_runtime":
            assert step.code == np.clip(np.rint(total), -128, 127)
        elif step.rule == "add_floats.pytorch":
            assert step.code in {
                np.clip(np.rint(total + e) + 7, -128, 127) for e in (0, 1e-4, -1e-4)
            }
        else:
            assert total == step.numbers["a"] + step.numbers["b"]
            assert abs(step.rounded - real / Fraction(out.scale)) < Fraction(51, 100)


def check_sides(steps, layer, pair, in_block):
    """Hold the integer rules' sides against the loop nests."""
    grids, scales = layer.in_grids, [g.scale for g in (*layer.in_grids, layer.out_grid)]
    sides = [
        ((code - grid.zero_point) << 20, *loops.quantize_multiplier(ratio))
        for code, grid, ratio in zip(pair, grids, loops.add_ratios(*scales), strict=False)
    ]
    double = [loops.multiply_by_quantized_multiplier(*side) for side in sides]
    single = [loops.rescale_single(*side) for side in sides]
    numbers = {step.rule: step.numbers for step in steps}
    fixed, optimized = numbers["add.fixed"], numbers["add.litert_optimized"]
    assert [fixed["a"], fixed["b"]] == double
    assert [optimized["a"], optimized["b"]] == (single if in_block else double)


@pytest.mark.parametrize("place", range(70))
def test_pytorchs_sides_in_a_block_and_after_it(place):
    rng = np.random.default_rng(place)
    grids, out = (Grid(0.0513, -128), Grid(0.0317, 127)), Grid(0.061, 7)
    inputs = [rng.integers(-128, 128, (1, 70)).astype(np.int8) for _ in grids]
    spot = Spot(layers.QAdd.from_float(*grids, out), inputs, (0, place))
    numbers = next(s.numbers for s in explain(spot).steps if s.rule == "add_floats.pytorch")
    for side, grid, codes in zip("ab", grids, inputs, strict=True):
        code, scale = int(codes[0, place]), Fraction(grid.scale)
        real = scale * (code - grid.zero_point)
        if place < 64:
            zero = np.float32(grid.zero_point + 128) * np.float32(grid.scale)
            real = scale * (code + 128) - Fraction(float(zero))
        assert numbers[side] == loops.float32(abs(float(real))) * (1 if real >= 0 else -1)


@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 0, 0, 1)])
@pytest.mark.parametrize("kernel", [(2, 3), (2, 2), (3, 2)])
def test_a_pools_sum_and_count(kernel, pads):
    rng = np.random.default_rng(2)
    codes = rng.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
    layer = layers.QAvgPool2D(Grid(0.5, -3), kernel, (2, 1), pads)
    for n, y, x, c in places(layer.forward(codes).shape, 6, rng):
        facts = check_spot(layer, [codes], (n, y, x, c)).facts
        covered = ((2 * y + i - pads[0], x + j - pads[2]) for i, j in product(*map(range, kernel)))
        window = [int(codes[n, i, j, c]) for i, j in covered if 0 <= i < 5 and 0 <= j < 6]
        assert (facts["sum"], facts["count"]) == (sum(window), len(window))
        assert facts["exact"] == decimal(Fraction(sum(window), len(window)))


@pytest.mark.parametrize(
    ("axes", "keep_dims", "place"), [((2,), False, (1, 4, 3)), ((0, 2), True, (0, 0, 3, 0))]
)
def test_the_mean_over_any_axes(axes, keep_dims, place):
    rng = np.random.default_rng(2)
    codes = rng.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
    facts = check_spot(QMean(Grid(0.5, -3), Grid(0.3, 4), axes, keep_dims), [codes], place).facts
    window = codes[1, 4, 3] if axes == (2,) else codes[0, :, 3]
    assert (facts["sum"], facts["count"]) == (int(window.sum(dtype=int)), window.size)


def test_the_mean_of_an_image():
    rng = np.random.default_rng(2)
    codes = rng.integers(-128, 128, (2, 5, 6, 3)).astype(np.int8)
    layer = QMean(Grid(0.5, -3), Grid(0.3, 4))
    facts = check_spot(layer, [codes], (1, 2)).facts
    total = int(codes[1, :, :, 2].sum(dtype=int))
    real = (Fraction(total, 30) + 3) * Fraction(0.5) / Fraction(layer.out_grid.scale)
    assert (facts["sum"], facts["count"], facts["exact"]) == (total, 30, decimal(real))


class Unknown(layers.QClamp):
    """A layer that no table knows."""


def test_a_layer_without_a_line_has_its_codes():
    codes = np.int8([[[[3, 9]]]])
    why = explain(Spot(layers.QClamp(Grid(1.0, 0), 0, 6), [codes], (0, 0, 0, 1)))
    assert why.facts == {"input 0": 9}
    assert [(step.rule, step.code, step.runtimes) for step in why.steps] == [
        ("its own", 6, tuple(NAMES))
    ]
    assert explain(Spot(Unknown(Grid(1.0, 0), 0, 6), [codes], (0, 0, 0, 1))).facts == {"input 0": 9}


@pytest.mark.parametrize("kind", [layers.QAdd, layers.QSub, layers.QMul])
def test_a_pair_of_two_ranks_is_told_at_its_own_codes(kind):
    rng, grids, out = np.random.default_rng(4), (Grid(0.05, -7), Grid(0.03, 9)), Grid(0.4, 2)
    a, b = (rng.integers(-128, 128, shape).astype(np.int8) for shape in [(3, 2, 4, 3), (3, 3)])
    exact = {layers.QAdd: "__add__", layers.QSub: "__sub__", layers.QMul: "__mul__"}[kind]
    for n, y, x, c in places((3, 2, 4, 3), 6, rng):
        facts = check_spot(kind.from_float(*grids, out), [a, b], (n, y, x, c)).facts
        pair = int(a[n, y, x, c]), int(b[n, c])
        reals = [(q - g.zero_point) * Fraction(g.scale) for q, g in zip(pair, grids, strict=True)]
        assert (facts["code a"], facts["code b"]) == pair
        assert facts["exact"] == decimal(getattr(reals[0], exact)(reals[1]) / Fraction(out.scale))
