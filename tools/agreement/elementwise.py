"""Seeded random cases of the operators that work place by place, and of softmax.

As the cases of cases.py they keep to what the runtimes take: the out_scale of an add and of a
difference exceeds 2 * max(s_a, s_b) / 2**20, a product's ratio is below 2**15, an input of LOGISTIC
and TANH has a scale below 8, and a HARD_SWISH has the two ratios that its 16 bits can hold.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from tinyq import Grid
from tinyq.layers import QAdd, QMul, QRescale, QSoftmax, QSub, QTable
from tinyq.layers.contract import Codes, Shape
from tinyq.layers.functions import Function
from tools.agreement.draws import codes, grid, image, out_grid, size

ADD_BROADCAST = "add_broadcast"
OUT_GRIDS = {Function.LOGISTIC: Grid(1 / 256, -128), Function.TANH: Grid(1 / 128, 0)}
LARGEST_SCALE = 7.99  # of what these two read


def pair(rng: Generator, kind: str, layer_type: type, shapes: tuple[Shape, Shape]) -> tuple:
    """Return a layer of two inputs, and codes of the shapes for it."""
    a, b = (codes(rng, shape) for shape in shapes)
    grids = grid(rng, kind), grid(rng, kind)
    x, y = (one.dequantize(side) for one, side in zip(grids, (a, b), strict=True))
    real = {QAdd: np.add, QSub: np.subtract, QMul: np.multiply}[layer_type](x, y)
    out, (s_a, s_b) = out_grid(kind, rng, real), (one.scale for one in grids)
    finest = s_a * s_b * 2.0**-14 if layer_type is QMul else max(s_a, s_b) * 2.0**-19
    if out.scale <= finest:
        out = Grid(1.01 * finest, out.zero_point)
    return layer_type.from_float(*grids, out), a, b


def of_one_shape(layer_type: type) -> Callable[[Generator, str], tuple]:
    """Return the generator of a layer of two inputs that have one shape."""

    def generate(rng: Generator, kind: str) -> tuple:
        rows = tuple(int(n) for n in rng.integers(1, [4, 80]))
        shape = image(rng).shape if rng.random() < 0.5 else rows
        return pair(rng, kind, layer_type, (shape, shape))

    return generate


def broadcast(layer_type: type) -> Callable[[Generator, str], tuple]:
    """Return the generator of a layer of two inputs of one rank, some axes of which are 1."""

    def generate(rng: Generator, kind: str) -> tuple:
        full = (1, *(size(rng, 6, 40) for _ in range(rng.integers(1, 4))))
        either = [[n if rng.random() < 0.6 else 1 for n in full] for _ in "ab"]
        return pair(rng, kind, layer_type, (tuple(either[0]), tuple(either[1])))

    return generate


def table(function: Function) -> Callable[[Generator, str], tuple]:
    """Return the generator of a function of one code, and of all 256 codes or some."""

    def generate(rng: Generator, kind: str) -> tuple:
        every = np.arange(-128, 128, dtype=np.int8)[None]
        inputs = every if rng.random() < 0.7 else image(rng)
        in_grid = grid(rng, kind, (0.5, 200.0))
        if function in OUT_GRIDS:
            in_grid = Grid(min(in_grid.scale, LARGEST_SCALE), in_grid.zero_point)
        alpha = rng.choice([0.01, 0.1, 0.3, 1.7, -0.4]) * rng.uniform(0.5, 1.0)
        alpha = float(np.float32(alpha)) if function is Function.LEAKY_RELU else None
        out = OUT_GRIDS.get(function) or function_grid(rng, kind, function, in_grid, inputs)
        # in any order, so that a case of another seed has other inputs
        return QTable.of(function, in_grid, out, alpha), rng.permutation(inputs, axis=1)

    return generate


def function_grid(
    rng: Generator, kind: str, function: Function, in_grid: Grid, inputs: Codes
) -> Grid:
    """Return an output grid of the size of the inputs; of HARD_SWISH one that it takes."""
    out = out_grid(kind, rng, np.maximum(in_grid.dequantize(inputs), 0))
    if function is not Function.HARD_SWISH:
        return out
    least, most = in_grid.scale / 127, in_grid.scale * 511
    return Grid(float(np.clip(out.scale, least, most)), out.zero_point)


def rescale(rng: Generator, kind: str) -> tuple:
    """Return a rescale and images."""
    inputs, in_grid = image(rng), grid(rng, kind)
    return QRescale.from_float(in_grid, out_grid(kind, rng, in_grid.dequantize(inputs))), inputs


def softmax(rng: Generator, kind: str) -> tuple:
    """Return a softmax and rows of up to 1,000 codes; half have a beta of 1."""
    beta = 1.0 if rng.random() < 0.5 else float(np.float32(np.exp(rng.uniform(-2, 2))))
    rows = codes(rng, (int(rng.integers(1, 4)), size(rng, 40, 1000)))
    return QSoftmax(grid(rng, kind), Grid(1 / 256, -128), beta), rows


TABLES: dict[str, Callable[[Generator, str], tuple]] = {
    "logistic": table(Function.LOGISTIC),
    "tanh": table(Function.TANH),
    "hard_swish": table(Function.HARD_SWISH),
    "leaky_relu": table(Function.LEAKY_RELU),
    "relu_rescaled": table(Function.RELU),
    "relu6_rescaled": table(Function.RELU6),
}
ELEMENTWISE = TABLES | {
    "rescale": rescale,
    "softmax": softmax,
    "sub": of_one_shape(QSub),
    "mul": of_one_shape(QMul),
    ADD_BROADCAST: broadcast(QAdd),
    "sub_broadcast": broadcast(QSub),
    "mul_broadcast": broadcast(QMul),
}
# under which name a Runtime has an operator's rule, where it is not the operator's own
RULE_OF = dict.fromkeys(TABLES, "table")
RULE_OF |= {f"{name}_broadcast": name for name in ("add", "sub", "mul")}
