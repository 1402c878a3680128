"""int8.js, layers.js, block.js and digits_data.js in V8, without a page: all bytes are tinyq's."""

import pytest
from int8_table import BUILDERS, DIGITS, PRELUDE, differences
from reference import GOLDEN
from widget_v8 import V8

from tinyq import Rounding
from tinyq.widgets.frame.scripts import FOLDER, text_of
from tools import widget_data

ROUNDINGS = [rounding.name for rounding in Rounding]


@pytest.fixture(scope="module")
def v8():
    one = V8([DIGITS])
    one.racer.eval(PRELUDE)
    return one.call


@pytest.mark.parametrize("builder", BUILDERS)
def test_equals_tinyq(v8, builder):
    wrong = differences(v8, seed=5, size=2000, builder=builder)
    assert not wrong, f"{len(wrong)} differ; the first: {wrong[0]}"


def test_the_golden_bytes(v8):
    logits = v8("""() => { const { weights, biases, images } = block.seed();
        const net = block.stemBlock(weights, biases);
        const qnet = block.quantizeNet(net, block.calibrate(net, images));
        return list(block.run(qnet, block.slice(images, 0, 4)).dense_8x4.data); }""")
    rows = [[int(x) for x in line.split(":")[1].split()] for line in GOLDEN.splitlines()[2:]]
    assert logits == [x for row in rows for x in row]


def steps_of(v8, acc: int, ratio: float, rounding: str) -> dict[str, str]:
    steps = v8("(c) => int8.rescaleSteps(...c)", [acc, ratio, rounding])
    assert all(float(step["text"]) == step["value"] for step in steps)
    return {step["name"]: step["text"] for step in steps}


def test_the_steps_have_every_digit(v8):
    """tensorflow issue 25087, worked with Python's integers."""
    acc, multiplier, shift = 7984, 1583594044, 9
    product = acc * multiplier
    ratio = multiplier * 2.0 ** (-31 - shift)
    common = {"multiplier": multiplier, "shift": shift, "product": product}
    two = {**common, "high": (product + 2**30) >> 31, "right": shift, "result": 12}
    single = {**common, "nudged": product + 2 ** (30 + shift), "result": 11}
    for rounding, want in (("DOUBLE", two), ("UP", two), ("SINGLE", single)):
        assert steps_of(v8, acc, ratio, rounding) == {k: str(v) for k, v in want.items()}


def test_the_steps_of_a_left_shift_and_of_a_product_beyond_float64(v8):
    acc, multiplier, shift = -(2**28) - 1, 2**31 - 1, -2
    steps = steps_of(v8, acc, multiplier * 2.0 ** (-31 - shift), "DOUBLE")
    product = (acc << 2) * multiplier
    assert abs(product) > 2**53
    assert [steps[name] for name in ("shifted", "product")] == [str(acc << 2), str(product)]


def test_no_result_is_minus_zero(v8):
    cases = [[-1, ratio, name] for name in ROUNDINGS for ratio in (1e-9, 0.1, 0.0)]
    assert not v8("cases => cases.some((c) => Object.is(int8.rescale(...c), -0))", cases)


def test_the_roundings_are_those_of_tinyq(v8):
    assert v8("() => int8.ROUNDINGS") == ROUNDINGS


GRID = "{ scale: 1, zero_point: 0, qmin: -128, qmax: 127 }"
IMAGE = "tensor([1, 2, 2, 1], [1, 2, 3, 4], grid)"
BAD = [
    ("int8.gridFromRange(2, 1)", "finite lo <= hi, got lo=2, hi=1"),
    ("int8.gridFromRange(NaN, 1)", "lo=NaN"),
    ("int8.gridFromRange(0, 1, -129, 127)", "-128 <= qmin < qmax <= 127"),
    (
        "int8.quantize({ ...grid, scale: 0 }, [1])",
        "finite float32 of 2**-126 or more, got 0",
    ),
    ("int8.quantize({ ...grid, scale: NaN }, [1])", "got NaN"),
    ("int8.quantize(grid, [0, Infinity])", "finite float32 numbers, got Infinity"),
    ("int8.quantizeMultiplier(-1)", "ratio must be in 0..2**30, got -1"),
    ("int8.quantizeMultiplier(NaN)", "got NaN"),
    ("int8.quantizeMultiplier(2 ** 30 - 2 ** -23)", "even rounded"),
    ("int8.rescale(2 ** 31, 0.5)", "acc must be an int32, got 2147483648"),
    ("int8.rescale(0.5, 0.5)", "acc must be an int32, got 0.5"),
    ("int8.rescale(1, 0.5, 'HALF')", "rounding must be one of DOUBLE, UP, SINGLE"),
    ("int8.multiplyByQuantizedMultiplier(1, 2 ** 30, 32)", "whole number in -30..31, got 32"),
    ("int8.roundingDivideByPot(1, -1)", "whole number in 0..31, got -1"),
    ("int8.saturatingRoundingDoublingHighMul(1, 2 ** 31)", "b must be an int32"),
    ("int8.requantizer(1, [1], 0)", "outScale must be a finite float32 of 2**-126"),
    ("int8.requantize([1], int8.requantizer(1, [1, 1], 1), grid, 3)", "1 or 3 ratios, got 2"),
    ("int8.multiplyByQuantizedMultiplier(1, -1, 0)", "multiplier must be >= 0, got -1"),
    ("int8.multiplyByQuantizedMultiplier(1, 2 ** 31, 0)", "b must be an int32, got 2147483648"),
    ("int8.multiplyByQuantizedMultiplier(1, 1, -31)", "whole number in -30..31, got -31"),
    ("int8.requantizerOf([])", "needs at least 1 ratio"),
    ("int8.requantizer(1, [0], 1)", "scales must be finite and above 0, got 0"),
    ("int8.requantizer(1, [1, NaN], 1)", "scales must be finite and above 0, got NaN"),
    ("int8.requantizer(1, [-1], 1)", "scales must be finite and above 0, got -1"),
    ("int8.weightScales([], 1, true)", "weights must be 1 channels, got 0"),
    ("int8.weightScales([1, 2, 3], 2, true)", "weights must be 2 channels, got 3"),
    ("int8.quantizeWeights([1], [1, 1])", "1 weights do not fit 2 scales"),
    ("int8.quantizeWeights([1], [])", "1 weights do not fit 0 scales"),
    ("int8.quantizeWeights([1], [0])", "scales must be finite and above 0, got 0"),
    ("int8.quantizeBias([1, 2, 3], 1, [1, 1])", "scales must be 1 or 3, one a channel, got 2"),
    ("int8.quantizeBias([1], 1, [NaN])", "scales must be finite and above 0, got NaN"),
    ("int8.quantizeBias([1], NaN, [1])", "inScale must be a finite float32 of 2**-126"),
    ("int8.quantizeBias([1], -1, [1])", "inScale must be a finite float32 of 2**-126"),
    ("int8.quantizeBias([NaN], 1, [1])", "bias must be finite float32 numbers, got NaN"),
    ("int8.weightScales([1e-45], 1, true)", "no float32 scale: too small"),
    ("int8.weightScales([NaN], 1, true)", "weights must be finite"),
    ("int8.weightScales([1], 1, true, 9)", "from 2 to 8, got 9"),
    ("int8.quantizeBias([1e9], 1e-6, [1])", "bias[0] = 1000000000 needs code"),
    ("layers.linearLayer([1, 2], [1, 1, 1, 1], [0], grid, grid)", "needs 1 numbers, got 2"),
    ("layers.linearLayer([1], [1, 1], [2 ** 31 / 127 - 99], grid, grid)", "must fit int32"),
    (
        "layers.accumulate(x, { weight: [1], weightShape: [1, 1, 1, 1], bias: [2 ** 31 - 1], "
        "inGrid: grid })",
        "accumulator must fit int32, got 2147483648",
    ),
    ("layers.pad(x, [0, 0, 0, -1])", "pads must be whole numbers >= 0"),
    ("layers.pad({ ...x, grid: undefined }, [1, 1, 1, 1])", "the tensor has no grid"),
    ("layers.maxPool(x, [3, 1])", "must fit the image, got 2 x 2 pixels"),
    ("layers.maxPool(x, [1, 1], [0, 1])", "whole numbers >= 1"),
    ("layers.maxPool(tensor([2, 2], [1, 2, 3, 4]), [1, 1])", "need an image (N, H, W, C)"),
    ("layers.avgPool({ ...x, data: new Int8Array(3) }, [1, 1])", "needs 4 numbers, got 3"),
    ("layers.add(x, x, { inGrids: [grid, grid], outGrid: grid, leftShift: 24 })", "in 0..23"),
    ("layers.add(x, x, { inGrids: [grid, grid], outGrid: grid, leftShift: 0 })", "must exceed 2"),
    (
        "layers.add(x, x, { inGrids: [grid, grid], outGrid: { ...grid, scale: 2 }, leftShift: 0 })",
        "must exceed 2",
    ),
    (
        "layers.add(x, tensor([1, 4], [1, 2, 3, 4]), { inGrids: [grid, grid], outGrid: grid })",
        "one shape, got 1,2,2,1 and 1,4",
    ),
    (
        "block.quantizeNet(net, { ...ranges, block_conv3x3_a: { lo: 1, hi: 0 } })",
        "layer 'block_conv3x3_a': a range needs finite lo <= hi",
    ),
    ("block.quantizeNet(net, { ...ranges, input: { lo: NaN, hi: 0 } })", "layer 'input': a range"),
    ("block.quantizeNet(net, ranges, { bits: 1 })", "from 2 to 8, got 1"),
    ("block.quantizeNet(net, ranges, { schemes: { nose: {} } })", "no layer: 'nose'"),
    ("block.calibrate(net, x)", "images (N, H, W, 3), N >= 1, got 1,2,2,1"),
    ("block.run(block.quantizeNet(net, ranges), x)", "(N, H, W, 3), got 1,2,2,1"),
    (
        "block.calibrate(net, tensor([1, 16, 16, 3], Array(768).fill(NaN), null, Float32Array))",
        "layer 'input': calibration data must be finite, got NaN",
    ),
]


@pytest.mark.parametrize(("expression", "why"), BAD)
def test_bad_input_is_refused_in_plain_words(v8, expression, why):
    message = v8(f"""() => {{
        const grid = {GRID}; const x = {IMAGE};
        const {{ net, ranges }} = digits.load();
        try {{ {expression}; return "nothing was thrown"; }}
        catch (error) {{ if (error instanceof RangeError) return error.message; throw error; }}
        }}""")
    assert why in message


def test_the_committed_data_are_what_the_tool_writes():
    assert widget_data.PATH.read_text(encoding="utf-8") == widget_data.script(), (
        "run: python tools/widget_data.py"
    )
    assert widget_data.PATH.stat().st_size < 40_000


@pytest.mark.parametrize(("script", "lines"), [("int8.js", 400), ("layers.js", 400)])
def test_the_arithmetic_stays_short(script, lines):
    assert len(text_of(FOLDER / "arithmetic" / script).splitlines()) <= lines
