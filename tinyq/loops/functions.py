"""Functions of one code: what LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU and the ReLUs make of it.

The multipliers come from the scales, on the host; what follows is integers.
Source: TensorFlow Lite Micro `kernels/logistic.cc`, `tanh.cc`, `hard_swish.cc`, `leaky_relu.cc`,
`activations.cc` and the reference kernels that they call.
"""

from collections.abc import Callable
from math import frexp

from tinyq.loops.exponential import logistic, tanh
from tinyq.loops.floats import check_ratio, float32
from tinyq.loops.integers import divide_toward_zero, whole
from tinyq.loops.rescale import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    requantize,
    rounding_divide_by_pot,
)

INTEGER_BITS = 4


def _curve(
    code: int, grid: tuple[float, int], curve: Callable, fraction_bits: int, zero_out: int
) -> int:
    """Return a function that is flat beyond 15 or so, of a code on grid (scale, zero_point)."""
    scale, zero_point = grid
    multiplier, shift = quantize_multiplier(scale * 2**27)
    radius = 15 * 2**27 // 2**-shift
    step = whole(code) - zero_point
    if step <= -radius:
        return -128
    if step >= radius:
        return 127
    real = multiply_by_quantized_multiplier(step, multiplier, shift)
    value = rounding_divide_by_pot(curve(real, INTEGER_BITS), 31 - fraction_bits)
    return min(max(value + zero_out, -128), 127)


def logistic_code(code: int, grid: tuple[float, int]) -> int:
    """Return the code of 1 / (1 + exp(-x)) on the grid of scale 1/256 and zero_point -128.

    code: of x, on grid (scale, zero_point), the scale below 8.

    >>> logistic_code(0, (0.1, 0)), logistic_code(127, (1.0, 0))
    (0, 127)
    """
    return _curve(code, grid, logistic, 8, -128)


def tanh_code(code: int, grid: tuple[float, int]) -> int:
    """Return the code of tanh(x) on the grid of scale 1/128 and zero_point 0.

    code: of x, on grid (scale, zero_point), the scale below 8.

    >>> tanh_code(10, (0.05, 0))                                        # tanh(0.5) * 128 is 59.15
    59
    """
    return _curve(code, grid, tanh, 7, 0)


def leaky_relu_code(
    code: int, grid: tuple[float, int], out_grid: tuple[float, int], alpha: float
) -> int:
    """Return the code of x, or of alpha * x below zero.  Grids: (scale, zero_point).

    >>> [leaky_relu_code(code, (0.5, 0), (0.5, -3), 0.25) for code in (-8, 8)]
    [-5, 5]
    """
    (scale, zero_point), (out_scale, out_zero) = grid, out_grid
    step, sign, ratio = whole(code) - zero_point, 1, scale / out_scale
    if step < 0:  # the sign of alpha goes on last: ties are away from zero on both sides
        sign, slope = (-1, -alpha) if alpha < 0 else (1, alpha)
        ratio = scale * float32(slope) / out_scale
    step = multiply_by_quantized_multiplier(step, *quantize_multiplier(ratio))
    return min(max(sign * step + out_zero, -128), 127)


def relu_code(code: int, grid: tuple[float, int], out_grid: tuple[float, int]) -> int:
    """Return the code of max(x, 0) on another grid.  Grids: (scale, zero_point).

    >>> [relu_code(code, (0.5, 0), (0.25, -128)) for code in (-8, 8)]
    [-128, -112]
    """
    (scale, zero_point), (out_scale, out_zero) = grid, out_grid
    pair = quantize_multiplier(scale / out_scale)
    return requantize(whole(code) - zero_point, *pair, out_zero, qmin=out_zero)


def relu6_code(code: int, grid: tuple[float, int], out_grid: tuple[float, int]) -> int:
    """Return the code of min(max(x, 0), 6) on another grid.  Grids: (scale, zero_point).

    >>> [relu6_code(code, (0.5, 0), (0.25, -128)) for code in (-8, 8, 100)]
    [-128, -112, -104]
    """
    scale, zero_point = out_grid
    six = int(float32(6 / scale) + 0.5) + zero_point
    return min(relu_code(code, grid, out_grid), six)


def hard_swish_code(code: int, grid: tuple[float, int], out_grid: tuple[float, int]) -> int:
    """Return the code of x * min(max(x + 3, 0), 6) / 6.  Grids: (scale, zero_point).

    Everything is an int16: x with 7 bits more, x on the output's scale, and the clamp as a number
    in 0..1, which saturates where x leaves -3..3.

    >>> [hard_swish_code(code, (0.5, 0), (0.25, 0)) for code in (-8, -2, 8)]     # -4, -1, 4
    [0, -1, 16]
    """
    (scale, zero_point), (out_scale, out_zero) = grid, out_grid
    x = (whole(code) - zero_point) * 2**7
    multiplier, out_shift = _multiplier16(scale / 128 / out_scale)
    on_output = _high_mul16(x, multiplier)
    multiplier, shift = _multiplier16(scale / 128 / float32(3 / 32768))
    if shift < 0:  # to the left, its last bit after the product
        x = _int16(x * 2 ** (-shift - 1))
    clamp = _high_mul16(x, multiplier)
    clamp = _int16(2 * clamp) if shift < 0 else rounding_divide_by_pot(clamp, shift)
    clamp = (clamp + 2**15) // 2
    product = divide_toward_zero(clamp * on_output, 2**15)
    return min(max(rounding_divide_by_pot(product, out_shift) + out_zero, -128), 127)


def _multiplier16(ratio: float) -> tuple[int, int]:
    """Write ratio as m * 2^-15 * 2^-shift, m of 15 bits from the upper half of 31 bits."""
    mantissa, exponent = frexp(check_ratio(ratio))
    multiplier = int(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, exponent = 2**30, exponent + 1
    return min((multiplier + 2**15) // 2**16, 2**15 - 1), -exponent


def _high_mul16(a: int, b: int) -> int:
    """Return a * b / 2^15, the tie up: the rounding high multiply of 16 bits."""
    return (a * b + 2**14) // 2**15


def _int16(value: int) -> int:
    """Return value, or the end of int16 that it is beyond."""
    return min(max(value, -(2**15)), 2**15 - 1)
