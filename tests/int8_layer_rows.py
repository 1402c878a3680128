"""Random cases for layers.js and the weights, and what tinyq makes of them: see int8_rows.py."""

import numpy as np
from int8_rows import Row, flat, random_codes, random_grid, reals

from tinyq import Rounding, layers, weights


def weight_row(rng: np.random.Generator, size: int) -> Row:
    cases, wanted = [], []
    for _ in range(size):
        shape, bits = (int(rng.integers(1, 5)), int(rng.integers(1, 9))), int(rng.integers(2, 9))
        per_channel = bool(rng.integers(2))
        w = np.float32(rng.normal(size=shape) * reals(rng, 1, -6, 6))
        w[rng.random(len(w)) < 0.2] = 0
        if rng.integers(4) == 0:  # ties: the scale is a power of two
            most, shape = weights.weight_max(bits), (1, 5)
            w = np.float32([[most, -0.5, 0.5, -1.5, 2.5]]) * np.float32(2.0 ** rng.integers(-9, 9))
        bias, in_scale = np.float32(rng.normal(size=len(w))), float(np.float32(0.0123))
        scales = weights.weight_scales(w, per_channel, bits)
        try:
            codes = weights.quantize_bias(bias, in_scale, scales).tolist()
        except ValueError:
            codes = None
        cases.append([w.ravel().tolist(), len(w), per_channel, bits, bias.tolist(), in_scale])
        wanted.append(
            [scales.tolist(), codes, weights.quantize_weights(w, scales, bits).ravel().tolist()]
        )
    function = """cases => cases.map(([w, channels, perChannel, bits, bias, inScale]) => {
        const scales = int8.weightScales(Float32Array.from(w), channels, perChannel, bits);
        const codes = attempt(() => list(int8.quantizeBias(bias, inScale, scales)));
        return [list(scales), codes,
          list(int8.quantizeWeights(Float32Array.from(w), scales, bits))]; })"""
    return Row("weights and biases", function, cases, wanted)


def linear_row(rng: np.random.Generator, size: int) -> Row:
    """Convolutions and dense layers of random shapes, strides, bits and roundings."""
    cases, wanted = [], []
    for _ in range(size):
        bits, rounding = int(rng.integers(2, 9)), list(Rounding)[rng.integers(5)]
        in_grid, out_grid = random_grid(rng), random_grid(rng)
        filters, channels, images = (int(n) for n in rng.integers(1, 4, 3))
        kernel, stride, per_channel = rng.integers(1, 4, 2), rng.integers(1, 4, 2), False
        if rng.integers(3):
            shape = (filters, *map(int, kernel), channels)
            codes = random_codes(
                rng, (images, *(kernel + rng.integers(0, 5, 2)), channels), in_grid
            )
            per_channel = bool(rng.integers(2))
            make = layers.QConv2DPerChannel if per_channel else layers.QConv2D
            options = {"stride": tuple(map(int, stride))}
        else:
            shape, codes = (filters, channels), random_codes(rng, (images, channels), in_grid)
            make, options = layers.QDense, {}
        w, bias = (np.float32(rng.normal(size=s)) for s in (shape, filters))
        layer = make.from_float(
            w, bias, in_grid, out_grid, rounding=rounding, weight_bits=bits, **options
        )
        least, largest = layer.accumulator_range()
        cases.append(
            [
                w.ravel().tolist(),
                shape,
                bias.tolist(),
                vars(in_grid),
                vars(out_grid),
                {**options, "perChannel": per_channel, "bits": bits, "rounding": rounding.name},
                *flat(codes),
            ]
        )
        wanted.append(
            [
                flat(layer.accumulate(codes)),
                flat(layer.forward(codes)),
                least.tolist(),
                largest.tolist(),
            ]
        )
    function = """cases => cases.map(([w, shape, b, inGrid, outGrid, options, xShape, codes]) => {
        const layer = layers.linearLayer(Float32Array.from(w), shape, b, inGrid, outGrid, options);
        const x = tensor(xShape, codes, inGrid);
        const y = shape.length === 4 ? layers.conv(x, layer) : layers.dense(x, layer);
        if (y.grid !== outGrid) throw new Error("another grid");
        const { least, largest } = layers.accumulatorRange(layer);
        return [plain(layers.accumulate(x, layer)), plain(y), list(least), list(largest)]; })"""
    return Row("conv and dense", function, cases, wanted)


def passing_row(rng: np.random.Generator, size: int) -> Row:
    """Pad, ReLU, ReLU6 and the pools; each answers on the very grid object of its input."""
    cases, wanted = [], []
    for _ in range(size):
        grid, pads = random_grid(rng), tuple(map(int, rng.integers(0, 3, 4)))
        kernel, stride = (tuple(map(int, rng.integers(1, 4, 2))) for _ in range(2))
        shape = (
            int(rng.integers(1, 3)),
            *(kernel + rng.integers(0, 4, 2)),
            int(rng.integers(1, 4)),
        )
        codes = random_codes(rng, tuple(map(int, shape)), grid)
        cases.append([*flat(codes), vars(grid), pads, kernel, stride])
        wanted.append(
            [
                flat(layer.forward(codes))
                for layer in (
                    layers.QPad2D(grid, pads),
                    layers.qrelu(grid),
                    layers.qrelu6(grid),
                    layers.QMaxPool2D(grid, kernel, stride),
                    layers.QAvgPool2D(grid, kernel, stride),
                    layers.QGlobalAvgPool2D(grid),
                )
            ]
        )
    function = """cases => cases.map(([shape, codes, grid, pads, kernel, stride]) => {
        const x = tensor(shape, codes, grid);
        return [layers.pad(x, pads), layers.relu(x), layers.relu6(x),
          layers.maxPool(x, kernel, stride), layers.avgPool(x, kernel, stride),
          layers.globalAvgPool(x)].map((y) => {
            if (y.grid !== grid) throw new Error("another grid");
            return plain(y); }); })"""
    return Row("pad, relu and pools", function, cases, wanted)


def add_row(rng: np.random.Generator, size: int) -> Row:
    """Adds over left_shift 0..26 and every rounding; null where tinyq refuses."""
    cases, wanted = [], []
    for _ in range(size):
        bits, rounding = int(rng.choice([8, 8, 8, 4, 2])), list(Rounding)[rng.integers(5)]
        a_grid, b_grid, out_grid = (random_grid(rng, bits) for _ in range(3))
        left_shift = int(rng.choice([20, rng.integers(0, 27)]))
        a, b = (random_codes(rng, (2, 1, 2, 9), grid) for grid in (a_grid, b_grid))
        cases.append(
            [
                vars(a_grid),
                vars(b_grid),
                vars(out_grid),
                left_shift,
                rounding.name,
                *flat(a),
                b.ravel().tolist(),
            ]
        )
        try:
            layer = layers.QAdd.from_float(a_grid, b_grid, out_grid, left_shift, rounding)
            wanted.append(flat(layer.forward(a, b)))
        except ValueError:
            wanted.append(None)
    function = """cases => cases.map(([aGrid, bGrid, outGrid, leftShift, rounding, shape, a, b]) =>
        attempt(() => plain(layers.add(tensor(shape, a, aGrid), tensor(shape, b, bGrid),
          { inGrids: [aGrid, bGrid], outGrid, leftShift, rounding }))))"""
    return Row("add", function, cases, wanted)
