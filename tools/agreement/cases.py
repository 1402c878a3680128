"""Seeded random cases for every operator: a tinyq layer and int8 inputs for it.

"calibrated" cases have grids that fit their data, as a real network's do; in "ties" those scales
are rounded up to powers of two, so that many results fall halfway between two codes; "wild" ones
have scales from 1e-4 to 10 that fit nothing, so that shifts go both ways and sums leave the grid.

Three limits hold, because a runtime aborts or refuses beyond them: an add's out_scale exceeds
2 * max(s_a, s_b) / 2**20, every convolution has a bias, and a dense layer's out_scale is not so
fine that float32 rounds the scale of the bias by more than BIAS_SCALE_ERROR output steps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tinyq import Grid, Requantizer
from tinyq.export.tflite_operators import BIAS_SCALE_ERROR, bias_scale_error
from tinyq.export.tflite_steps import same_pads
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QDepthwiseConv2D,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QMean,
    QPad2D,
    qrelu,
    qrelu6,
)
from tinyq.layers.checks import extent
from tinyq.layers.linear import Linear
from tinyq.weights import quantize_weights, weight_scales
from tools.agreement.draws import (
    codes,
    grid,
    image,
    out_grid,
    power_of_two,
    size,
    wild_scale,
    window,
)
from tools.agreement.elementwise import ELEMENTWISE

KINDS = ("calibrated", "ties", "wild")


class Refused(Exception):
    """What an adapter raises for a case that its runtime does not take; says why."""


@dataclass(frozen=True, eq=False)
class Case:
    """One question to a runtime.

    operator: a key of OPERATORS; kind: one of KINDS; seed, index: `case(operator, seed, index)`
    makes it again; layer: of tinyq.layers, or a QMean; inputs: int8 arrays for layer.forward.
    """

    operator: str
    kind: str
    seed: int
    index: int
    layer: object
    inputs: tuple[NDArray[np.int8], ...]


def cases(operator: str, count: int, seed: int) -> Iterator[Case]:
    """Yield the first count cases of an operator; their kinds take turns."""
    for index in range(count):
        yield case(operator, seed, index)


def case(operator: str, seed: int, index: int) -> Case:
    """Return case number index of an operator under a seed: the same on every machine."""
    rng = np.random.default_rng((seed, list(OPERATORS).index(operator), index))
    kind = KINDS[index % len(KINDS)]
    layer, *inputs = OPERATORS[operator](rng, kind)
    return Case(operator, kind, seed, index, layer, tuple(inputs))


def linear(
    rng: Generator, kind: str, layer_type: type[Linear], shape: tuple, inputs: NDArray, **parts
):
    """Return a layer with weights of shape (O, ...) for the inputs, and the inputs.

    parts: fields of the layer that are not drawn here.
    """
    in_grid, per_channel = grid(rng, kind), layer_type in (QConv2DPerChannel, QDepthwiseConv2D)
    if kind == "wild":
        weight = np.maximum(codes(rng, shape), np.int8(-127))
        scales = np.float32([wild_scale(rng) for _ in range(len(weight) if per_channel else 1)])
        reach = 2 ** (30 if rng.random() < 1 / 8 else rng.integers(1, 25))
        bias = rng.integers(-reach, reach, len(weight), dtype=np.int32)
    else:
        spread = np.exp(rng.normal(-2, 1, (shape[0], *[1] * (len(shape) - 1))))
        real = np.float32(rng.normal(0, 1, shape) * spread)
        scales = weight_scales(real, per_channel)
        if kind == "ties":
            scales = power_of_two(scales)
        weight = quantize_weights(real, scales)
        bias = rng.integers(-2000, 2001, len(weight), dtype=np.int32)
    if rng.random() < 0.2:
        weight[rng.integers(len(weight))] = 0
    if layer_type is not QDense:
        parts = {"stride": window(rng)[1], **parts}

    def build(grid: Grid) -> Linear:
        requantizer = Requantizer.from_scales(in_grid.scale, scales, grid.scale)
        return layer_type(in_grid, grid, weight, bias, scales, requantizer, **parts)

    acc = build(in_grid).accumulate(inputs)
    layer = build(out_grid(kind, rng, acc * np.float64(in_grid.scale) * scales))
    if layer_type is QDense and (error := bias_scale_error(layer)) > BIAS_SCALE_ERROR:
        scale = 1.01 * layer.out_grid.scale * error / BIAS_SCALE_ERROR
        layer = build(Grid(scale, layer.out_grid.zero_point))
    return layer, inputs


def conv(rng: Generator, kind: str, layer_type: type[QConv2D] = QConv2DPerChannel) -> tuple:
    """Return a convolution and images."""
    kernel, _ = window(rng)
    inputs = image(rng, kernel)
    shape = (size(rng, 8, 40), *kernel, inputs.shape[3])
    return linear(rng, kind, layer_type, shape, inputs)


def dense(rng: Generator, kind: str) -> tuple:
    """Return a dense layer and rows."""
    shape = size(rng, 16, 80), size(rng, 64, 600)
    return linear(rng, kind, QDense, shape, codes(rng, (size(rng, 4, 20), shape[1])))


def add(rng: Generator, kind: str) -> tuple:
    """Return an add and two tensors: images, long rows, or at times all 65,536 pairs of codes."""
    a = image(rng) if rng.random() < 0.5 else codes(rng, tuple(rng.integers(1, [4, 80])))
    b = codes(rng, a.shape)
    if rng.random() < 0.02:
        a, b = np.indices((256, 256)).reshape(2, 1, -1).astype(np.uint8).view(np.int8)
    grids = grid(rng, kind), grid(rng, kind)
    out = out_grid(kind, rng, grids[0].dequantize(a) + grids[1].dequantize(b))
    finest = 2 * max(grid.scale for grid in grids) / 2**20
    if out.scale <= finest:
        out = Grid(1.01 * finest, out.zero_point)
    return QAdd.from_float(*grids, out), a, b


def pool(rng: Generator, kind: str, layer_type: type) -> tuple:
    """Return a pool and images; its kernel may cover an image."""
    kernel, stride = window(rng)
    return layer_type(grid(rng, kind), kernel, stride), image(rng, kernel)


def max_pool(rng: Generator, kind: str) -> tuple:
    """Return a max pool and images; half have pads, even ones up to half the kernel, as PyTorch."""
    layer, images = pool(rng, kind, QMaxPool2D)
    if rng.random() < 0.5:
        high, wide = (int(rng.integers(0, size // 2 + 1)) for size in layer.kernel)
        layer = replace(layer, pads=(high, high, wide, wide))
    return layer, images


def mean(rng: Generator, kind: str) -> tuple:
    """Return a MEAN and images; a calibrated one keeps its grid half of the time."""
    in_grid, images = grid(rng, kind), image(rng)
    own = out_grid(kind, rng, in_grid.dequantize(images).mean(axis=(1, 2)))
    keeps_grid = kind == "calibrated" and rng.random() < 0.5
    keeps = bool(rng.random() < 0.5)
    return QMean(in_grid, in_grid if keeps_grid else own, keep_dims=keeps), images


def mean_of_axes(rng: Generator, kind: str) -> tuple:
    """Return a MEAN over any axes of a sample, and tensors of one to four axes."""
    shape = tuple(size(rng, 6, 20) for _ in range(int(rng.integers(1, 5))))
    order = rng.permutation(len(shape))[: int(rng.integers(1, len(shape) + 1))]
    axes = tuple(int(axis) for axis in order)
    keep = len(axes) == len(shape) or bool(rng.random() < 0.5)
    in_grid, tensors = grid(rng, kind), codes(rng, (int(rng.integers(1, 3)), *shape))
    means = in_grid.dequantize(tensors).mean(axis=tuple(axis + 1 for axis in axes))
    out = out_grid(kind, rng, means)
    return QMean(in_grid, in_grid if rng.random() < 0.3 else out, axes, keep), tensors


def dilated(rng: Generator, kind: str) -> tuple:
    """Return a dilated convolution and images, some of them no larger than its windows."""
    kernel, _ = window(rng)
    apart = tuple(int(d) for d in rng.integers(1, 4, 2))
    inputs = image(rng, extent(kernel, apart))
    shape = (size(rng, 8, 40), *kernel, inputs.shape[3])
    return linear(rng, kind, QConv2DPerChannel, shape, inputs, dilation=apart)


def depthwise(rng: Generator, kind: str) -> tuple:
    """Return a depthwise convolution, dilated or not, and images."""
    kernel, _ = window(rng)
    apart = tuple(int(d) for d in rng.choice([1, 1, 2, 3], 2))
    inputs = image(rng, extent(kernel, apart))
    times = int(rng.choice([1, 1, 2, 3, 8]))
    shape = (inputs.shape[3] * times, *kernel)
    parts = {"dilation": apart, "depth_multiplier": times}
    return linear(rng, kind, QDepthwiseConv2D, shape, inputs, **parts)


def same_pool(rng: Generator, kind: str) -> tuple:
    """Return an average pool with the pads of TFLite's SAME, and images."""
    layer, images = pool(rng, kind, QAvgPool2D)
    return replace(layer, pads=same_pads(layer, images.shape)), images


def pad(rng: Generator, kind: str) -> tuple:
    """Return a pad of 0 to 3 on each side and images."""
    return QPad2D(grid(rng, kind), tuple(int(p) for p in rng.integers(0, 4, 4))), image(rng)


def plain(layer: Callable[[Grid], object], *reaches) -> Callable[[Generator, str], tuple]:
    """Return the generator of a layer that takes a grid alone, and of images or rows."""

    def generate(rng: Generator, kind: str) -> tuple:
        inputs = image(rng)
        rows = layer is not QGlobalAvgPool2D and rng.random() < 0.2
        return layer(grid(rng, kind, *reaches)), inputs[:, 0, 0] if rows else inputs

    return generate


OPERATORS: dict[str, Callable[[Generator, str], tuple]] = {
    "conv": conv,
    "conv_per_tensor": lambda rng, kind: conv(rng, kind, QConv2D),
    "dense": dense,
    "add": add,
    "average_pool": lambda rng, kind: pool(rng, kind, QAvgPool2D),
    "global_average_pool": plain(QGlobalAvgPool2D),
    "mean": mean,
    "max_pool": max_pool,
    "pad": pad,
    "relu": plain(qrelu),
    "relu6": plain(qrelu6, (3.0, 60.0)),
    **ELEMENTWISE,  # a case's numbers are drawn by its place here: new operators go below
    "depthwise": depthwise,
    "conv_dilated": dilated,
    "average_pool_same": same_pool,
    "mean_of_axes": mean_of_axes,
}
