"""What may notice a bug: each catcher says whether tinyq, as it is now, gives a wrong answer.

First what the seed has, its pass mark and its golden bytes; then each function and layer on a few
fixed cases against exact rationals and the loop nests.  A case is a call and what it must give; the
call builds its layer anew, so that a bug on the host shows as well.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache

import numpy as np
from reference import GOLDEN, grid_from, weighted
from test_affine import exact_round

from tinyq import Grid, Requantizer, layers, loops
from tinyq.analysis import parity
from tinyq.layers import linear as linear_module
from tinyq.models import resnet
from tinyq.runtimes import oracle

Case = tuple[Callable[[], object], object]
SEED = resnet.seed()
NET = resnet.stem_block(SEED.weights, SEED.biases)
RNG = np.random.default_rng(13)
EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
IMAGES = RNG.integers(-128, 128, (2, 7, 6, 3)).astype(np.int8)
ROWS = RNG.integers(-128, 128, (6, 21)).astype(np.int8)
GRIDS = [Grid(0.02, -128), Grid(0.5, 127), Grid(0.0784, -5), Grid(0.1, 40)]
ACCS = [*range(-3000, 3001), 7984, *(2**k + d for k in range(12, 31) for d in (-1, 0, 1))]
ACCS = np.int32([*ACCS, *(-acc for acc in ACCS), -(2**31)])[:, None]
RATIOS = [2.0**-7, 1583594044 * 2.0**-40, 0.0123, 0.3333, 1 - 2**-33, 1.7, 2.0**16, 3.3e8]


def golden() -> str:
    logits = NET.quantize(SEED.images)(SEED.images[:4]).tolist()
    lines = [f"sample {i}: {' '.join(map(str, row))}" for i, row in enumerate(logits)]
    return "\n".join([*GOLDEN.splitlines()[:2], *lines, ""])


def within_40_percent() -> bool:
    return parity.compare(NET, NET.quantize(SEED.images), SEED.images[:4]).passed


def range_cases() -> Iterator[Case]:
    for lo, hi in [(-1.0, 1.0), (-7.9, 7.91), (1.305, 4.895), (-3.0, -2.0), (-0.3, 9.1)]:
        yield lambda lo=lo, hi=hi: Grid.from_range(lo, hi), Grid(*grid_from(lo, hi))


def quantize_cases() -> Iterator[Case]:
    for grid in [Grid(0.5, -3), Grid(0.0784, 40), Grid(1.0, 0, -8, 7)]:
        # every tie of the grid and its neighbours, and numbers beyond both ends
        x = np.float32(grid.scale) * np.arange(-300, 301).astype(np.float32) / np.float32(2)
        steps = [exact_round(Fraction(float(v)) / Fraction(grid.scale)) for v in x]
        want = [min(max(step + grid.zero_point, grid.qmin), grid.qmax) for step in steps]
        yield lambda grid=grid, x=x: grid.quantize(x).tolist(), want


def dequantize_cases() -> Iterator[Case]:
    for grid in GRIDS:
        want = [float(np.float32(grid.scale) * (q - grid.zero_point)) for q in range(-128, 128)]
        yield lambda grid=grid: grid.dequantize(EVERY).ravel().tolist(), want


def host_layers() -> Iterator[tuple[Callable, tuple, bool]]:
    """Float weights and biases of a convolution and a dense layer, and how to build the layer."""
    shapes = {layers.QConv2DPerChannel: (4, 3, 2, 5), layers.QConv2D: (4, 3, 2, 5)}
    for kind, shape in (shapes | {layers.QDense: (3, 40)}).items():
        spread = np.logspace(-1, 0, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        weights = (np.random.default_rng(5).normal(size=shape) * spread).astype(np.float32)
        bias = np.linspace(-2, 3, shape[0]).astype(np.float32)
        want = weighted(weights, bias, GRIDS[0].scale, GRIDS[2].scale, kind.__name__[-1] != "l")
        yield lambda k=kind, w=weights, b=bias: k.from_float(w, b, GRIDS[0], GRIDS[2]), want


def weight_cases() -> Iterator[Case]:
    for build, (codes, *_) in host_layers():
        yield lambda build=build: build().weight.tolist(), np.array(codes).tolist()


def bias_cases() -> Iterator[Case]:
    for build, (_, biases, *_) in host_layers():
        yield lambda build=build: build().bias.tolist(), biases


def multiplier_cases() -> Iterator[Case]:
    def pairs(requantizer):
        return list(zip(requantizer.multiplier.tolist(), requantizer.shift.tolist(), strict=True))

    ratios = [*RATIOS, *np.logspace(-6, 2, 40).tolist()]
    want = [loops.quantize_multiplier(ratio) for ratio in ratios]
    yield lambda: pairs(Requantizer(ratios)), want
    for build, (*_, multipliers, shifts) in host_layers():
        want = sorted(set(zip(multipliers, shifts, strict=True)))
        yield lambda build=build: sorted(pairs(build().requantizer)), want


def rescale_cases() -> Iterator[Case]:
    pairs = [loops.quantize_multiplier(ratio) for ratio in RATIOS]
    want = [
        [loops.multiply_by_quantized_multiplier(acc, *pair) for pair in pairs]
        for acc in ACCS[:, 0].tolist()
    ]
    yield lambda: Requantizer(RATIOS).rescale(np.tile(ACCS, len(RATIOS))).tolist(), want


def requantize_cases() -> Iterator[Case]:
    pair = loops.quantize_multiplier(0.0123)
    for grid in GRIDS:
        want = [loops.requantize(acc, *pair, grid.zero_point) for acc in ACCS[:, 0].tolist()]
        yield lambda grid=grid: Requantizer(0.0123).requantize(ACCS, grid)[:, 0].tolist(), want


def pad_cases() -> Iterator[Case]:
    for grid in GRIDS:
        want = [loops.pad2d(image, (1, 2, 3, 0), grid.zero_point) for image in IMAGES]
        yield lambda g=grid: layers.QPad2D(g, (1, 2, 3, 0)).forward(IMAGES).tolist(), want


def linear(kind: type, grids: tuple[Grid, Grid], weight: np.ndarray, **stride) -> Callable:
    """Return a function that builds a layer whose outputs spread over all codes and beyond."""
    rng = np.random.default_rng(6)
    count = len(weight) if kind is layers.QConv2DPerChannel else 1
    ratios = 2.0 ** rng.uniform(-9, -6, count)
    scales = np.float32(ratios * grids[1].scale / grids[0].scale)
    bias = rng.integers(-9000, 9000, len(weight)).astype(np.int32)

    def build():
        requantizer = Requantizer.from_scales(grids[0].scale, scales, grids[1].scale)
        return kind(*grids, weight, bias, scales, requantizer, **stride)

    return build


def conv_cases() -> Iterator[Case]:
    weight = np.random.default_rng(7).integers(-127, 128, (4, 2, 3, 3)).astype(np.int8)
    for kind in (layers.QConv2DPerChannel, layers.QConv2D):
        for stride, *grids in zip([(2, 1), (1, 2), (2, 2)], GRIDS, GRIDS[1:], strict=False):
            build = linear(kind, grids, weight, stride=stride)
            want = [oracle.forward(build(), image) for image in IMAGES]
            yield lambda build=build: build().forward(IMAGES).tolist(), want


def dense_cases() -> Iterator[Case]:
    weight = np.random.default_rng(8).integers(-127, 128, (5, 21)).astype(np.int8)
    for grids in zip(GRIDS, GRIDS[1:], strict=False):
        build = linear(layers.QDense, grids, weight)
        want = [oracle.forward(build(), row) for row in ROWS]
        yield lambda build=build: build().forward(ROWS).tolist(), want


def relu_cases() -> Iterator[Case]:
    for grid in GRIDS:
        want = [loops.relu(EVERY[0], grid.zero_point)]
        yield lambda grid=grid: layers.qrelu(grid).forward(EVERY).tolist(), want


def relu6_cases() -> Iterator[Case]:
    for grid in GRIDS:
        six = min(exact_round(6 / Fraction(grid.scale)) + grid.zero_point, 127)
        want = [loops.clamp(EVERY[0], grid.zero_point, six)]
        yield lambda grid=grid: layers.qrelu6(grid).forward(EVERY).tolist(), want


def max_pool_cases() -> Iterator[Case]:
    dark = np.minimum(IMAGES, -1)
    for images in (IMAGES, dark):
        want = [loops.max_pool2d(image, (2, 3), (2, 2)) for image in images]
        pool = layers.QMaxPool2D(GRIDS[0], (2, 3), (2, 2))
        yield lambda pool=pool, images=images: pool.forward(images).tolist(), want


def average_pool_cases() -> Iterator[Case]:
    want = [loops.avg_pool2d(image, (2, 2), (1, 2)) for image in IMAGES]
    for grid in GRIDS:
        pool = layers.QAvgPool2D(grid, (2, 2), (1, 2))
        yield lambda pool=pool: pool.forward(IMAGES).tolist(), want


def global_pool_cases() -> Iterator[Case]:
    for grid in GRIDS:
        for images in (IMAGES, IMAGES[:, :4, :2]):
            want = [loops.global_avg_pool2d(image) for image in images]
            pool = layers.QGlobalAvgPool2D(grid)
            yield lambda pool=pool, images=images: pool.forward(images).tolist(), want


def add_cases() -> Iterator[Case]:
    a, b = IMAGES[:1], IMAGES[1:]
    for three in [GRIDS[:3], GRIDS[1:], [Grid(1.0, 127), Grid(1.0, -128), Grid(2.0, 0)]]:
        want = [oracle.forward(layers.QAdd.from_float(*three), a[0], b[0])]
        yield lambda three=three: layers.QAdd.from_float(*three).forward(a, b).tolist(), want


def refusal_cases() -> Iterator[Case]:
    one, ratio, scale = Grid(1.0, -128), Requantizer(0.5), np.float32([1])

    def refused(weight, bias):
        try:
            layers.QDense(one, one, np.int8([[weight]]), np.int32([bias]), scale, ratio)
        except ValueError:
            return True
        return False

    # what tinyq quantizes itself stays off -128, which a file's weights may have
    loud, fine = np.float32([[-1.4, 1.4]]), np.float32([0.01])
    yield lambda: -128 in linear_module.quantize_weights(loud, fine, 8), False
    yield lambda: refused(-128, 0), False
    yield lambda: refused(1, 2**31 - 1), True


@cache
def cases(make: Callable[[], Iterator[Case]]) -> list[Case]:
    return list(make())


def differs(make: Callable[[], Iterator[Case]]) -> Callable[[], bool]:
    """Return a catcher that compares every case of make."""
    return lambda: any(call() != want for call, want in cases(make))


CATCHERS = {
    "40 percent": lambda: not within_40_percent(),
    "golden": lambda: golden() != GOLDEN,
    "range": differs(range_cases),
    "quantize": differs(quantize_cases),
    "dequantize": differs(dequantize_cases),
    "weights": differs(weight_cases),
    "bias": differs(bias_cases),
    "multiplier": differs(multiplier_cases),
    "rescale": differs(rescale_cases),
    "requantize": differs(requantize_cases),
    "pad": differs(pad_cases),
    "conv": differs(conv_cases),
    "dense": differs(dense_cases),
    "relu": differs(relu_cases),
    "relu6": differs(relu6_cases),
    "max pool": differs(max_pool_cases),
    "average pool": differs(average_pool_cases),
    "global pool": differs(global_pool_cases),
    "add": differs(add_cases),
    "refusals": differs(refusal_cases),
}
