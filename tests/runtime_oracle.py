"""The runtimes' rules again, one code at a time, in Python ints and exact Fractions.

`f32` rounds a Fraction to float32, so every float rule is followed step by step without a float.
Integer steps come from the oracle, `tinyq.loops`.
"""

import math
from fractions import Fraction

import numpy as np

from tinyq import Grid, Rounding, layers, loops
from tinyq.layers.linear import Linear
from tinyq.runtimes import RUNTIMES


def f32(x: Fraction | float | int) -> Fraction:
    """Return x rounded to 24 bits, ties to even: float32 without its exponent's ends."""
    x = Fraction(x)
    if not x:
        return x
    exponent = x.numerator.bit_length() - x.denominator.bit_length()
    while abs(x) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    ulp = Fraction(2) ** (exponent - 23)
    return round(x / ulp) * ulp


def f64(x: Fraction) -> Fraction:
    """Return x rounded to float64."""
    return Fraction(float(x))


def half_away(x: Fraction) -> int:
    return int(math.copysign(math.floor(abs(x) + Fraction(1, 2)), x))


def wrap(x: int, bits: int) -> int:
    """Return the low bits of x as a signed number."""
    return (x + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def clamp(x: int) -> int:
    return min(max(int(x), -128), 127)


def numbers(grid: Grid) -> tuple[Fraction, int]:
    """Return the scale, exact, and the zero_point."""
    return Fraction(grid.scale), grid.zero_point


def pair_of(ratio: Fraction) -> tuple[int, int]:
    return loops.quantize_multiplier(float(ratio))


def by_double(acc: int, ratio: Fraction) -> int:
    return loops.multiply_by_quantized_multiplier(acc, *pair_of(f64(ratio)))


def by_up(acc: int, ratio: Fraction) -> int:
    m, n = pair_of(f64(ratio))
    high = (wrap(acc << max(-n, 0), 32) * m + 2**30) >> 31
    return (high + 2 ** (n - 1)) >> n if n > 0 else high


def by_float32(acc: int, ratio: Fraction) -> int:
    return round(f32(f32(acc) * ratio))


def by_float64(acc: int, ratio: Fraction) -> int:
    rounded = half_away(f64(acc * f64(ratio)))
    return rounded if -(2**31) <= rounded < 2**31 else -(2**31)


RESCALE = {
    Rounding.DOUBLE: by_double,
    Rounding.UP: by_up,
    Rounding.FLOAT32: by_float32,
    Rounding.FLOAT64: by_float64,
}
CONV = {
    "tflite-micro": Rounding.DOUBLE,
    "litert-reference": Rounding.DOUBLE,
    "litert-optimized": Rounding.UP,
    "litert-xnnpack": Rounding.FLOAT32,
    "onnxruntime": Rounding.FLOAT32,
    "pytorch": Rounding.FLOAT32,
}
DENSE = {**CONV, "litert-reference": Rounding.FLOAT64}


def ratio_of(layer: Linear, channel: int, runtime: str) -> Fraction:
    """Return in_scale * weight_scale / out_scale, rounded after each step as the runtime does."""
    scales = np.broadcast_to(layer.weight_scale, layer.bias.shape)
    parts = Fraction(layer.in_grid.scale), Fraction(float(scales[channel]))
    floats = CONV[runtime] is Rounding.FLOAT32
    short = floats or (runtime == "litert-optimized" and isinstance(layer, layers.QDense))
    product = (f32 if short else f64)(parts[0] * parts[1])
    return (f32 if floats else f64)(product / Fraction(layer.out_grid.scale))


def linear_pytorch(layer: Linear, channel: int, acc: int) -> int:
    """Return the code of an accumulator whose bias is a real number, as PyTorch stores it."""
    weight_scale = np.broadcast_to(layer.weight_scale, layer.bias.shape)[channel]
    scale = f32(Fraction(layer.in_grid.scale) * Fraction(float(weight_scale)))
    bias = int(layer.bias[channel])
    real = f32(f64(bias * scale))
    total = f32(f32(acc - bias) + f32(real / scale))
    rounded = round(f32(total * f32(scale / Fraction(layer.out_grid.scale))))
    cast = rounded if -(2**31) <= rounded < 2**31 else -(2**31)
    return clamp(cast + layer.out_grid.zero_point)


def linear_xnnpack(layer: Linear, channel: int, acc: int) -> int:
    """Return the code of an accumulator: clamped above in float32, wrapped below in int32."""
    ratio = ratio_of(layer, channel, "litert-xnnpack")
    product = min(f32(f32(acc) * ratio), layer.out_grid.qmax - layer.out_grid.zero_point)
    return clamp(wrap(max(round(product), -(2**31)) + layer.out_grid.zero_point, 32))


LINEAR = {"litert-xnnpack": linear_xnnpack, "pytorch": linear_pytorch}


def single(x: int, multiplier: int, shift: int) -> int:
    return (x * multiplier + 2 ** (30 + shift)) >> (31 + shift)


def fixed_sum(layer: layers.QAdd, a: int, b: int, rescale=None) -> int:
    """Return the rescaled sum of two codes, before zero_point and clamp.

    rescale: how the two inputs come to the common grid, the oracle's way without one.
    """
    grids = (*layer.in_grids, layer.out_grid)
    pairs = loops.add_multipliers(*(grid.scale for grid in grids))
    rescale = rescale or loops.multiply_by_quantized_multiplier
    total = sum(
        rescale((code - grid.zero_point) << 20, *pair)
        for code, grid, pair in zip((a, b), grids, pairs, strict=False)
    )
    return loops.multiply_by_quantized_multiplier(total, *pairs[2])


def add_fixed(layer, a, b, flat, size):
    return clamp(fixed_sum(layer, a, b) + layer.out_grid.zero_point)


def add_litert_optimized(layer, a, b, flat, size):
    if flat < size // 16 * 16:
        return clamp(wrap(fixed_sum(layer, a, b, single) + layer.out_grid.zero_point, 16))
    return add_fixed(layer, a, b, flat, size)


def add_litert_default(layer, a, b, flat, size):
    (s_a, z_a), (s_b, z_b), (s, z) = map(numbers, (*layer.in_grids, layer.out_grid))
    ratios = f32(s_a / s), f32(s_b / s)
    if min(ratios) < Fraction(1, 1024) or max(ratios) >= 256:
        return add_litert_optimized(layer, a, b, flat, size)
    power = 0
    while Fraction(2) ** power <= max(ratios):
        power += 1
    while Fraction(2) ** power > max(ratios):
        power -= 1
    shift = 20 - power
    m_a, m_b = (round(ratio * Fraction(2) ** shift) for ratio in ratios)
    assert max(m_a, m_b).bit_length() <= 22
    exact = Fraction((a - z_a) * m_a + (b - z_b) * m_b, 2**shift)
    return clamp(math.floor(exact + Fraction(1, 2)) + z)


def add_onnx_runtime(layer, a, b, flat, size):
    (s_a, z_a), (s_b, z_b), (s, z) = map(numbers, (*layer.in_grids, layer.out_grid))
    if size == 1:
        (a, s_a, z_a), (b, s_b, z_b) = (b, s_b, z_b), (a, s_a, z_a)
    r_a, r_b = f32(s_a / s), f32(s_b / s)
    constant = f32(z - f32(r_a * z_a + f32(r_b * z_b)))
    return round(max(min(f32(r_a * a + f32(r_b * b + constant)), 127), -128))


def add_pytorch(layer, a, b, flat, size):
    (s_a, z_a), (s_b, z_b), (s, z) = map(numbers, (*layer.in_grids, layer.out_grid))
    z_a, z_b, z = z_a + 128, z_b + 128, z + 128
    inverse = f32(1 / s)
    if flat < size // 64 * 64:
        a = f32(s_a * (a + 128) + f32(-z_a * s_a))
        b = f32(s_b * (b + 128) + f32(-z_b * s_b))
        return clamp(round(f32(f32(a + b) * inverse)) + z - 128)
    total = f32(f32(s_a * (a + 128 - z_a)) + f32(s_b * (b + 128 - z_b)))
    return clamp(round(f32(f32(total * inverse) + z)) - 128)


ADDS = {
    "tflite-micro": add_fixed,
    "litert-reference": add_fixed,
    "litert-optimized": add_litert_optimized,
    "litert-xnnpack": add_litert_default,
    "onnxruntime": add_onnx_runtime,
    "pytorch": add_pytorch,
}


def pool_half_away(layer, window, whole, shape):
    return clamp(half_away(Fraction(sum(window), len(window))))


def pool_onnx_runtime(layer, window, whole, shape):
    scale, zero_point = numbers(layer.in_grid)
    n = len(window)
    if whole:
        ratio = f32(scale / f32(n * scale))
        return clamp(round(f32((sum(window) - n * zero_point) * ratio)) + zero_point)
    total = Fraction(0)
    for code in window:
        total = f32(total + f32(scale * (code - zero_point)))
    return clamp(round(f32(f32(f32(total / n) / scale) + zero_point)))


def pool_pytorch(layer, window, whole, shape):
    n, zero_point = len(window), layer.in_grid.zero_point
    _, height, width, channels = shape
    if isinstance(layer, layers.QGlobalAvgPool2D) and channels > 1:
        ratio = f32(f32(Fraction(1, height)) / width)
        return clamp(round(f32(sum(code + 128 for code in window) * ratio)) - 128)
    steps = f32((sum(window) - n * zero_point) * f32(Fraction(1, n)))
    return clamp(round(f32(steps + zero_point + 128)) - 128)


POOLS = {name: pool_half_away for name in list(RUNTIMES)[:4]}
POOLS |= {"onnxruntime": pool_onnx_runtime, "pytorch": pool_pytorch}


def mean_fixed(layer, window, batch, in_block):
    (s_in, z_in), (s_out, z_out) = numbers(layer.in_grid), numbers(layer.out_grid)
    n = len(window)
    m, shift = pair_of(f64(s_in / s_out))
    k = min(math.floor(math.log2(n)), 31 - shift)
    args = sum(window) - n * z_in, m * 2**k // n, shift + k
    return clamp(loops.multiply_by_quantized_multiplier(*args) + z_out)


def mean_litert_optimized(layer, window, batch, in_block):
    if not layer.keep_dims:
        return mean_fixed(layer, window, batch, in_block)
    (s_in, z_in), (s_out, z_out) = numbers(layer.in_grid), numbers(layer.out_grid)
    bias = half_away(f32(f32(z_in * s_in) / s_out))
    ratio = f32(s_in / f32(len(window) * s_out))
    rescale = by_up if in_block else by_double
    return clamp(rescale(sum(window), ratio) + z_out - bias)


def mean_xnnpack(layer, window, batch, in_block):
    (s_in, z_in), (s_out, z_out) = numbers(layer.in_grid), numbers(layer.out_grid)
    n = len(window)
    ratio = f32(f32(s_in / s_out) * f32(Fraction(1, n)))
    constant = f32(z_out - f32(z_in * n * ratio))
    return clamp(round(f32(f32(sum(window) * ratio) + constant)))


def mean_onnx_runtime(layer, window, batch, in_block):
    (s_in, z_in), (s_out, z_out) = numbers(layer.in_grid), numbers(layer.out_grid)
    reals = [f32(s_in * (code - z_in)) for code in window]
    n = len(reals)
    if batch > 1:
        fours = [reals[i : i + 4] for i in range(0, n, 4)]
        if len(fours[-1]) == 3 and n > 3:
            fours[-1:] = [fours[-1][:2], fours[-1][2:]]
        elif n == 3:
            fours = [reals[:2], reals[2:]]
        reals = [one_by_one(four) for four in fours]
    return clamp(round(f32(f32(one_by_one(reals) / n) / s_out)) + z_out)


def one_by_one(reals: list[Fraction]) -> Fraction:
    total = reals[0]
    for real in reals[1:]:
        total = f32(total + real)
    return total


def mean_pytorch(layer, window, batch, in_block):
    unsigned = sum(code + 128 for code in window)
    return clamp(round(f32(Fraction(unsigned, len(window)))) - 128)


MEANS = {
    "tflite-micro": mean_fixed,
    "litert-reference": mean_fixed,
    "litert-optimized": mean_litert_optimized,
    "litert-xnnpack": mean_xnnpack,
    "onnxruntime": mean_onnx_runtime,
    "pytorch": mean_pytorch,
}
