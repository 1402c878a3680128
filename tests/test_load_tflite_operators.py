"""Each operator of OPERATORS in a file of its own, built by hand, against the runtimes' bytes."""

from dataclasses import dataclass, field

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="it runs the models", exc_type=ImportError)
pytest.importorskip("tflite_micro", reason="it runs the models", exc_type=ImportError)

from ai_edge_litert import schema_py_generated as schema  # noqa: E402
from tflite_files import model, pack, quantization, tensor  # noqa: E402
from tflite_tensors import RUNTIMES as ASK  # noqa: E402

from tinyq.layers.nodes import INPUT, run_nodes  # noqa: E402
from tinyq.models.tflite import parse  # noqa: E402
from tinyq.models.tflite_layers.table import OPERATORS  # noqa: E402
from tinyq.models.understand import understand  # noqa: E402

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


def pointwise(rng, name: str, out: Grids | None, options=None, runtimes=None) -> File:
    shape = (1, *rng.integers(1, 9, rng.choice([1, 3])).tolist())
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


NAMES = ["ADD", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "MUL", "QUANTIZE"]
NAMES += ["RELU", "RELU6", "SOFTMAX", "SUB", "TANH"]
BUILD = {name: globals()[name.lower()] for name in NAMES}


@pytest.mark.parametrize("name", list(BUILD))
def test_an_operator_gives_the_runtimes_bytes(name):
    rng = np.random.default_rng(len(name))
    for _ in range(20):
        file = BUILD[name](rng)
        content = file.content()
        read = parse(content)
        understood = understand(read)
        assert not understood.refusals, (file, understood.refusals)
        x = rng.integers(-128, 128, file.shape).astype(i8)
        made = run_nodes(understood.nodes, {INPUT: x})[understood.nodes[-1].name]
        for runtime in file.runtimes:
            theirs = ASK[runtime](content, read, x)[read.outputs[0]]
            assert np.array_equal(made.reshape(theirs.shape), theirs), (runtime, file)


# Files that the reader reads and the runtimes may run, and what is not taken of them.
REFUSED = {
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
