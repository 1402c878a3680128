"""Each operator of OPERATORS in a file of its own, built by hand, against the runtimes' bytes."""

from dataclasses import dataclass, field

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from tflite_files import model, pack, quantization, tensor  # noqa: E402
from tflite_tensors import RUNTIMES as ASK  # noqa: E402

from tinyq.models.load_tflite import to_network  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.models.tflite_layers.table import OPERATORS  # noqa: E402
from tinyq.models.understand_tflite import understand  # noqa: E402

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RELU, RELU6 = schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.RELU6
i8, i32 = np.int8, np.int32
Grids = tuple[float, int]


@dataclass
class File:
    """One operator that reads x, and constants: (array, scales, axis, zero_point)."""

    name: str
    shape: tuple
    made: tuple
    version: int = 2
    constants: list = field(default_factory=list)
    options: dict = field(default_factory=dict)
    reads: tuple = ()
    grid: Grids = (0.05, -7)
    out: Grids | None = None
    runtimes: tuple = ("tflite-micro", "litert-reference")

    def content(self) -> bytes:
        tensors = [tensor(self.shape, quantization=quantization([self.grid[0]], [self.grid[1]]))]
        buffers = []
        for array, scales, axis, zero_point in self.constants:
            buffers.append(array.tobytes())
            grid = quantization(scales, [zero_point] * len(scales), axis)
            kind = array.dtype.name.upper()
            tensors.append(tensor(array.shape, kind, len(buffers), quantization=grid))
        scale, zero_point = self.out or self.grid
        tensors.append(tensor(self.made, quantization=quantization([scale], [zero_point])))
        code = getattr(schema.BuiltinOperator, self.name)
        table = TABLES.get(self.name)
        last = len(tensors) - 1
        operator = schema.OperatorT(0, list(self.reads or range(last)), [last])
        if table:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            operator.builtinOptions = getattr(schema, f"{table}T")()
            for name, value in self.options.items():
                setattr(operator.builtinOptions, name, value)
        codes = [schema.OperatorCodeT(min(code, 127), None, self.version, code)]
        return pack(model(tensors, [operator], codes, buffers, [0], [last]))


TABLES = {
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "HARD_SWISH": "HardSwishOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "MUL": "MulOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "RESHAPE": "ReshapeOptions",
    "SOFTMAX": "SoftmaxOptions",
    "SQUEEZE": "SqueezeOptions",
    "SUB": "SubOptions",
    "TRANSPOSE": "TransposeOptions",
}


def plain(array) -> tuple:
    return array, [], 0, 0


def swept(size, kernel, stride, dilation, padding) -> int:
    """The size of a window's output."""
    if padding == SAME:
        return -(-size // stride)
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def weighted(rng, grid: Grids, weight: np.ndarray, axis: int, per_channel: bool, bias=True) -> list:
    """Weight and bias as constants, the bias on the scale of the sums."""
    channels = weight.shape[axis]
    scales = np.float32(rng.uniform(0.002, 0.02, channels if per_channel else 1))
    made = [(weight, scales.tolist(), axis, 0)]
    if bias:
        codes = rng.integers(-2000, 2000, channels).astype(i32)
        made.append((codes, (np.float32(grid[0]) * scales).tolist(), 0, 0))
    return made


def convolution(rng, name: str) -> File:
    size, kernel = rng.integers(5, 9, 2).tolist(), rng.integers(1, 4, 2).tolist()
    dilation = rng.integers(1, 3, 2).tolist() if rng.random() < 0.5 else [1, 1]
    stride = rng.integers(1, 3, 2).tolist() if dilation == [1, 1] else [1, 1]
    padding, channels, times = (
        int(rng.integers(2)),
        int(rng.integers(1, 4)),
        int(rng.integers(1, 4)),
    )
    per_tensor = name == "CONV_2D" and rng.random() < 0.3
    shape, axis = (times, *kernel, channels), 0
    if name == "DEPTHWISE_CONV_2D":
        shape, axis = (1, *kernel, channels * times), 3
    weight = rng.integers(-128, 128, shape).astype(i8)
    grid = (0.05, int(rng.integers(-128, 128)))
    windows = zip(size, kernel, stride, dilation, strict=True)
    made = [swept(*window, padding) for window in windows]
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    options |= {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}
    options |= {"fusedActivationFunction": int(rng.choice([0, RELU, RELU6]))}
    if name == "DEPTHWISE_CONV_2D":
        options["depthMultiplier"] = times
    constants = weighted(rng, grid, weight, axis, not per_tensor)
    out = (0.5, int(rng.integers(-128, 128)))
    made = (1, *made, shape[axis])
    return File(name, (1, *size, channels), made, 3, constants, options, (), grid, out)


def conv_2d(rng) -> File:
    return convolution(rng, "CONV_2D")


def depthwise_conv_2d(rng) -> File:
    return convolution(rng, "DEPTHWISE_CONV_2D")


def fully_connected(rng) -> File:
    middle = rng.integers(1, 4, rng.integers(3)).tolist()
    keep, inside, outside = bool(rng.integers(2)), int(rng.integers(1, 20)), int(rng.integers(1, 5))
    shape, grid = (1, *middle, inside), (0.05, int(rng.integers(-128, 128)))
    wide = inside if keep else int(np.prod(shape))
    weight = rng.integers(-128, 128, (outside, wide)).astype(i8)
    has_bias, per_channel = bool(rng.integers(2)), bool(rng.integers(2))
    constants = weighted(rng, grid, weight, 0, per_channel, has_bias)
    reads = (0, 1, 2) if has_bias else (0, 1, -1)
    made = (1, *middle, outside) if keep else (1, outside)
    out = (0.3, int(rng.integers(-128, 128)))
    # LiteRT's reference kernel rounds in float64
    micro = ("tflite-micro",)
    options = {"keepNumDims": keep}
    return File("FULLY_CONNECTED", shape, made, 5, constants, options, reads, grid, out, micro)


def pool(rng, name: str) -> File:
    size, kernel = rng.integers(4, 8, 2).tolist(), rng.integers(1, 5, 2).tolist()
    stride, padding = rng.integers(1, 4, 2).tolist(), int(rng.integers(2))
    windows = zip(size, kernel, stride, (1, 1), strict=True)
    made = [swept(*window, padding) for window in windows]
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    options |= {"filterHeight": kernel[0], "filterWidth": kernel[1]}
    return File(name, (1, *size, 3), (1, *made, 3), 2, [], options)


def average_pool_2d(rng) -> File:
    return pool(rng, "AVERAGE_POOL_2D")


def max_pool_2d(rng) -> File:
    return pool(rng, "MAX_POOL_2D")


def elementwise(rng, name: str) -> File:
    shape = tuple(rng.integers(1, 4, 3).tolist())
    other = [
        (),
        shape[2:],
        (1, *shape),
        (1, shape[0], 1, shape[2]),
        (1, 1, 1, 1),
        (1, 4, *shape[1:]),
    ]
    other = other[rng.integers(len(other))]
    grid = float(rng.uniform(0.01, 0.1)), int(rng.integers(-128, 128))
    constant = rng.integers(-128, 128, other).astype(i8), [float(rng.uniform(0.01, 0.1))], 0, 5
    if len(other) == 4 and other[1] == 4:
        shape = (1, *shape[1:])
    made = np.broadcast_shapes((1, *shape), other)
    options = {"fusedActivationFunction": int(rng.choice([0, RELU]))}
    reads, out = [(0, 1), (1, 0)][rng.integers(2)], (0.11, int(rng.integers(-128, 128)))
    return File(name, (1, *shape), made, 2, [constant], options, reads, grid, out)


def add(rng) -> File:
    return elementwise(rng, "ADD")


def sub(rng) -> File:
    return elementwise(rng, "SUB")


def mul(rng) -> File:
    return elementwise(rng, "MUL")


def concatenation(rng) -> File:
    shape, axis = [1, *rng.integers(1, 4, 3).tolist()], int(rng.integers(1, 4))
    constants = int(rng.integers(1, 4))
    made = list(shape)
    made[axis] *= constants
    options = {"axis": axis - 4 * int(rng.integers(2))}
    reads = (0,) * constants
    return File("CONCATENATION", tuple(shape), tuple(made), 2, [], options, reads)


def reshape(rng) -> File:
    made = [(1, 24), (1, 2, 12), (1, 4, 3, 2), (1, 2, 3, 4)][rng.integers(4)]
    asked = [*made[:-1], -1] if rng.random() < 0.5 else list(made)
    if rng.random() < 0.5:
        return File("RESHAPE", (1, 2, 3, 4), made, 1, [plain(i32(asked))])
    return File("RESHAPE", (1, 2, 3, 4), made, 1, [], {"newShape": asked})


def squeeze(rng) -> File:
    return File("SQUEEZE", (1, 1, 3, 1), (1, 3), 1, [], {"squeezeDims": [1, 3]})


def expand_dims(rng) -> File:
    axis = int(rng.integers(1, 4))
    made = [1, 2, 3]
    made.insert(axis, 1)
    return File(
        "EXPAND_DIMS", (1, 2, 3), tuple(made), 1, [plain(i32([axis - 4 * rng.integers(2)]))]
    )


def transpose(rng) -> File:
    rank = int(rng.integers(2, 5))
    order = [0, *(1 + rng.permutation(rank - 1)).tolist()]
    shape = (1, *rng.integers(1, 5, rank - 1).tolist())
    made = tuple(shape[axis] for axis in order)
    return File("TRANSPOSE", shape, made, 2, [plain(i32(order))])


def padded(rng, name: str) -> File:
    rank = int(rng.integers(2, 5))
    pads = np.concatenate([[[0, 0]], rng.integers(0, 3, (rank - 1, 2))]).astype(i32)
    shape = (1, *rng.integers(1, 4, rank - 1).tolist())
    made = tuple((np.array(shape) + pads.sum(axis=1)).tolist())
    constants = [plain(pads)] + ([(i8([-7]), [0.05], 0, -7)] if name == "PADV2" else [])
    return File(name, shape, made, 2, constants)


def pad(rng) -> File:
    return padded(rng, "PAD")


def padv2(rng) -> File:
    return padded(rng, "PADV2")


def mean(rng) -> File:
    shape, keep = (1, *rng.integers(1, 6, 3).tolist()), bool(rng.integers(2))
    axes = sorted(rng.choice([1, 2, 3], int(rng.integers(1, 3)), replace=False).tolist())
    whole = [1 if axis in axes else size for axis, size in enumerate(shape)]
    made = whole if keep else [size for axis, size in enumerate(shape) if axis not in axes]
    given = i32([axis - 4 * int(rng.integers(2)) for axis in axes])
    options, out = {"keepDims": keep}, (0.03, int(rng.integers(-128, 128)))
    return File("MEAN", shape, tuple(made), 2, [plain(given)], options, out=out)


def pointwise(rng, name: str, out: Grids | None, options=None, runtimes=None) -> File:
    shape = (1, *rng.integers(1, 9, rng.integers(1, 4)).tolist())
    grid = float(rng.uniform(0.005, 0.2)), int(rng.integers(-128, 128))
    asked = runtimes or ("tflite-micro", "litert-reference")
    version = OPERATORS[name].newest
    return File(name, shape, shape, version, [], options or {}, (), grid, out or grid, asked)


def softmax(rng) -> File:
    beta = float(rng.uniform(0.5, 2))
    return pointwise(rng, "SOFTMAX", (1 / 256, -128), {"beta": beta})


def logistic(rng) -> File:
    return pointwise(rng, "LOGISTIC", (1 / 256, -128), runtimes=("tflite-micro",))


def tanh(rng) -> File:
    return pointwise(rng, "TANH", (1 / 128, 0), runtimes=("tflite-micro",))


def hard_swish(rng) -> File:
    return pointwise(rng, "HARD_SWISH", (0.05, -90), runtimes=("tflite-micro",))


def leaky_relu(rng) -> File:
    alpha = float(rng.uniform(0.01, 0.5))
    return pointwise(rng, "LEAKY_RELU", (0.05, -90), {"alpha": alpha}, ("tflite-micro",))


def relu(rng) -> File:
    return pointwise(rng, "RELU", [None, (0.08, -30)][rng.integers(2)], runtimes=("tflite-micro",))


def relu6(rng) -> File:
    return pointwise(rng, "RELU6", None)


def quantize(rng) -> File:
    return pointwise(rng, "QUANTIZE", (float(rng.uniform(0.01, 0.2)), int(rng.integers(-128, 128))))


BUILD = {name: globals()[name.lower()] for name in OPERATORS if name != "DEQUANTIZE"}


@pytest.mark.parametrize("name", list(BUILD))
def test_an_operator_gives_the_runtimes_bytes(name):
    rng = np.random.default_rng(len(name))
    for _ in range(20):
        file = BUILD[name](rng)
        content = file.content()
        read = parse(content)
        network = to_network(read, understand(read))
        x = rng.integers(-128, 128, file.shape).astype(i8)
        for runtime in file.runtimes:
            theirs = ASK[runtime](content, read, x)[read.outputs[0]]
            assert np.array_equal(network(x).reshape(theirs.shape), theirs), (runtime, file)


WEIGHT = np.ones((1, 1, 1, 4), i8), [0.01] * 4, 3, 0
# Files that the reader reads and the runtimes may run, and what is not taken of them.
REFUSED = {
    "its depth_multiplier must be 4 / 2 channels, got 1": File(
        "DEPTHWISE_CONV_2D",
        (1, 3, 3, 2),
        (1, 3, 3, 4),
        3,
        [WEIGHT],
        {"padding": VALID, "strideH": 1, "strideW": 1, "depthMultiplier": 1},
    ),
    "its weight must have shape (1, KH, KW, O), got (2, 1, 1, 4)": File(
        "DEPTHWISE_CONV_2D",
        (1, 3, 3, 2),
        (1, 3, 3, 4),
        3,
        [(np.ones((2, 1, 1, 4), i8), *WEIGHT[1:])],
    ),
    "it must keep the batch axis: rows of 3, got (2, 3)": File(
        "FULLY_CONNECTED", (1, 2, 3), (2, 4), 4, [(np.ones((4, 3), i8), [0.01], 0, 0)]
    ),
    "it must keep the batch axis, 1 first, got (3, 2)": File(
        "RESHAPE", (1, 2, 3), (3, 2), 1, [plain(i32([3, 2]))]
    ),
    "it must keep the batch axis, 1 first, got (3,)": File("SQUEEZE", (1, 3), (3,), 1),
    "it must keep the batch axis, 0 first, got [1, 0]": File(
        "TRANSPOSE", (1, 3), (3, 1), 2, [plain(i32([1, 0]))]
    ),
    "its axis must be one in -3..3, got [4]": File(
        "EXPAND_DIMS", (1, 2, 3), (1, 2, 3, 1), 1, [plain(i32([4]))]
    ),
    "its output must have shape (1, 1, 2, 3), got (1, 2, 1, 3)": File(
        "EXPAND_DIMS", (1, 2, 3), (1, 2, 1, 3), 1, [plain(i32([1]))]
    ),
    "its axis must be in 1..2 or from the end, got 0": File(
        "MEAN", (1, 3, 2), (3, 2), 2, [plain(i32([0]))]
    ),
    "its axis must be in 1..2 or from the end, got -3": File(
        "CONCATENATION", (1, 3, 2), (2, 3, 2), 2, [], {"axis": -3}, (0, 0)
    ),
    "its fused RELU is not supported": File(
        "CONCATENATION",
        (1, 3),
        (1, 6),
        2,
        [],
        {"axis": 1, "fusedActivationFunction": RELU},
        (0, 0),
    ),
    "a constant must be the same for each sample, got (2, 3)": File(
        "ADD", (2, 3), (2, 3), 2, [(np.ones((2, 3), i8), [0.1], 0, 0)]
    ),
    "tensor 0 must have 3 axes, got (2, 3)": File(
        "MUL", (2, 3), (1, 2, 3), 2, [(np.ones((1, 1, 1), i8), [0.1], 0, 0)]
    ),
    "QSoftmax: out_grid must be ": File("SOFTMAX", (1, 3), (1, 3), 2, [], {"beta": 1.0}),
    "LOGISTIC: out_grid must be ": File("LOGISTIC", (1, 3), (1, 3), 2),
}


@pytest.mark.parametrize("why", list(REFUSED))
def test_what_is_not_taken_is_refused_with_the_reason(why):
    read = parse(REFUSED[why].content())
    (refusal,) = understand(read).refusals
    assert (
        str(refusal).startswith(f"operator 0, {REFUSED[why].name} version ") and why in refusal.why
    )
