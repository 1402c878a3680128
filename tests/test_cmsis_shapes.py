"""Files of the kinds that CMSIS-NN tests: the bytes of four runtimes, each by its own rules.

Odd sizes, dilation 2 and 3, depth multipliers 1 to 8, zero_points at the ends of int8, pools and
rows at their edges.  test_load_tflite_operators.py draws what is common; here is what is not.
"""

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from test_load_tflite_operators import RELU, RELU6, SAME, VALID, File, i8, swept, weighted  # noqa: E402

from tinyq.models.tflite import parse  # noqa: E402
from tinyq.runtimes import trace  # noqa: E402
from tools.agreement.every_tensor import RUNTIMES, asker  # noqa: E402
from tools.agreement.held import opened  # noqa: E402

LOW, HIGH = -128, 127


def window(size, kernel, stride, dilation, padding) -> list[int]:
    axes = zip(size, kernel, stride, dilation, strict=True)
    return [swept(*axis, padding) for axis in axes]


def convolution(
    size, channels, kernel, made, *, stride=(1, 1), dilation=(1, 1), padding=SAME, ends=(LOW, HIGH),
    depthwise=False, act=0,
) -> File:  # fmt: skip
    """made: output channels, of a depthwise one the multiplier; ends: both zero_points."""
    rng = np.random.default_rng([*size, channels, *kernel, made, *dilation])
    shape, axis = (made, *kernel, channels), 0
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    options["fusedActivationFunction"] = act
    if depthwise:
        shape, axis = (1, *kernel, channels * made), 3
        options["depthMultiplier"] = made
    grid = (0.05, ends[0])
    constants = weighted(rng, grid, rng.integers(-127, 128, shape).astype(i8), axis, True)
    out = (1, *window(size, kernel, stride, dilation, padding), shape[axis])
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    scale = 0.02 * np.sqrt(np.prod(shape) / shape[axis])
    return File(name, (1, *size, channels), out, 3, constants, options, (), grid, (scale, ends[1]))


def pool(size, kernel, stride, padding=SAME, zero_point=LOW, name="AVERAGE_POOL_2D", act=0) -> File:
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    options |= {"filterHeight": kernel[0], "filterWidth": kernel[1]}
    options["fusedActivationFunction"] = act
    made = (1, *window(size, kernel, stride, (1, 1), padding), 5)
    return File(name, (1, *size, 5), made, 2, [], options, grid=(0.05, zero_point))


def softmax(shape, scale, beta=1.0) -> File:
    """512 equal codes in a row end TFLite Micro's process: gemmlowp asserts that its shift fits."""
    options, grid, out = {"beta": beta}, (scale, 14), (1 / 256, LOW)
    return File("SOFTMAX", shape, shape, 2, [], options, (), grid, out)


def mul(shape, grids, act=0, other=None) -> File:
    rng = np.random.default_rng(len(shape))
    a, b, out = grids
    constant = rng.integers(-128, 128, other or shape).astype(i8), [b[0]], 0, b[1]
    options = {"fusedActivationFunction": act}
    return File("MUL", shape, shape, 2, [constant], options, (), a, out)


PADS = {"SAME": SAME, "VALID": VALID}
ENDS = [(LOW, LOW), (LOW, HIGH), (HIGH, LOW), (HIGH, HIGH)]
FILES = {
    **{
        f"conv, dilation {rate} {name}": convolution(
            (13, 11), 3, (3, 2), 5, dilation=rate, padding=padding
        )
        for rate in ((2, 2), (3, 3), (2, 3), (3, 1))
        for name, padding in PADS.items()
    },
    **{f"conv, zero_points {e}": convolution((7, 5), 4, (3, 5), 9, ends=e) for e in ENDS},
    "conv, one pixel": convolution((1, 1), 33, (1, 1), 17),
    "conv, kernel wider than the image": convolution((2, 3), 2, (5, 7), 3),
    "conv, one row": convolution((1, 29), 3, (1, 9), 7, stride=(1, 3)),
    "conv, stride past the kernel": convolution((9, 10), 3, (1, 1), 8, stride=(3, 2), act=RELU6),
    "conv, 1x1 of odd channels": convolution((5, 3), 31, (1, 1), 13, act=RELU),
    **{
        f"depthwise, multiplier {times}": convolution((7, 5), 3, (3, 3), times, depthwise=True)
        for times in range(1, 9)
    },
    **{
        f"depthwise, dilation {rate} {name}": convolution(
            (12, 13), 4, (3, 3), 1, dilation=rate, padding=padding, depthwise=True
        )
        for rate in ((2, 2), (3, 3), (2, 3))
        for name, padding in PADS.items()
    },
    **{
        f"depthwise, zero_points {e}": convolution((6, 9), 5, (2, 4), 2, ends=e, depthwise=True)
        for e in ENDS
    },
    "depthwise, stride 2 of an odd image": convolution(
        (11, 9), 9, (3, 3), 1, stride=(2, 2), depthwise=True, act=RELU6
    ),
    **{
        f"average pool SAME, {size} by {kernel}, stride {stride}": pool(size, kernel, stride)
        for size, kernel, stride in (
            ((7, 5), (3, 3), (1, 1)),
            ((7, 5), (2, 2), (2, 2)),
            ((9, 8), (5, 3), (3, 2)),
            ((3, 3), (5, 5), (1, 1)),
            ((1, 13), (1, 4), (1, 3)),
            ((22, 12), (6, 5), (9, 5)),
        )
    },
    **{f"average pool, zero_point {z}": pool((6, 7), (3, 2), (2, 1), SAME, z) for z in (HIGH, 0)},
    "average pool, RELU6": pool((5, 5), (3, 3), (1, 1), act=RELU6),
    "max pool SAME, of an odd image": pool((7, 5), (2, 3), (3, 2), name="MAX_POOL_2D"),
    **{
        f"softmax of {shape}, scale {scale}": softmax(shape, scale)
        for shape, scale in (
            ((1, 1), 0.1), ((1, 5), 0.008), ((1, 511), 0.2), ((7, 10), 1.0), ((1, 3, 2, 4), 0.06),
        )
    },
    "softmax, beta 0.25": softmax((1, 10), 0.3, 0.25),
    **{
        f"mul, zero_points {(a, b, c)}": mul((1, 3, 5, 7), ((0.03, a), (0.05, b), (0.06, c)))
        for a in (LOW, HIGH) for b in (LOW, HIGH) for c in (LOW, 0, HIGH)
    },
    "mul, RELU6": mul((1, 37), ((0.1, 3), (0.05, -9), (0.03, LOW)), RELU6),
    "mul, by one number": mul((1, 4, 4, 3), ((0.1, 3), (0.05, -9), (0.2, 5)), 0, (1, 1, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", list(FILES))
def test_the_bytes_of_each_runtime(name):
    file = FILES[name]
    content = file.content()
    read, network = parse(content), opened(content).network
    rng = np.random.default_rng(0)
    asks = {runtime: asker(runtime, content, read) for runtime in RUNTIMES}
    drawn = [rng.integers(-128, 128, file.shape).astype(i8) for _ in range(6)]
    for x in [*drawn, np.full(file.shape, LOW, i8), np.full(file.shape, HIGH, i8)]:
        for runtime, ask in asks.items():
            theirs = ask(x)[read.outputs[0]]
            ours = trace(network, x, runtime)[network.nodes[-1].name].reshape(theirs.shape)
            assert np.array_equal(ours, theirs), runtime


def test_the_files_are_no_constants():
    """Else the test above could not fail: most outputs have many codes."""
    rng = np.random.default_rng(0)
    many = 0
    for file in FILES.values():
        x = rng.integers(-128, 128, file.shape).astype(i8)
        many += len(np.unique(opened(file.content()).network(x))) > 4
    assert many > 0.7 * len(FILES)
