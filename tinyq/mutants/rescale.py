"""Broken requantization: the high multiply, the shift, the zero_point, the clamp."""

import numpy as np

from tinyq import fixedpoint
from tinyq.fixedpoint import multiply_by_quantized_multiplier
from tinyq.mutants.mutant import breaks
from tinyq.requantize import Requantizer, rescale_float32, rescale_single


@breaks(
    Requantizer,
    "rescale",
    notice="One output in some 2,500 differs by one: the one that was rounded up twice.",
    caught_by=("rescale", "requantize", "add"),
    thread="https://github.com/tensorflow/tensorflow/issues/25087",
)
def single_rounding(requantizer, acc):
    """The product is rounded once, where the reference rounds the high half, then the shift."""
    return rescale_single(acc, requantizer.multiplier, requantizer.shift)


@breaks(
    Requantizer,
    "rescale",
    notice="One output in some 2,500 differs by one from the reference kernels.",
    caught_by=("rescale", "requantize", "add"),
    thread="https://github.com/tensorflow/tensorflow/issues/102943",
)
def float32_to_even(requantizer, acc):
    """The accumulator is multiplied in float32 and a tie goes to the even code."""
    return rescale_float32(acc, requantizer.ratio)


@breaks(
    Requantizer,
    "rescale",
    notice="Every output sits at one end of its grid or the other: TFLite's shift is minus ours.",
    caught_by=("40 percent", "golden", "rescale", "requantize", "conv", "dense", "add"),
    thread="https://github.com/ARM-software/CMSIS-NN/issues/108",
)
def shift_sign_flipped(requantizer, acc):
    """The shift goes left where it must go right."""
    return multiply_by_quantized_multiplier(acc, requantizer.multiplier, -requantizer.shift)


@breaks(
    Requantizer,
    "rescale",
    notice="Channel 0 is right; the others are too loud or too quiet.",
    caught_by=("golden", "rescale", "conv"),
)
def one_multiplier_for_all_channels(requantizer, acc):
    """Every channel is rescaled by the ratio of channel 0."""
    return multiply_by_quantized_multiplier(acc, requantizer.multiplier[0], requantizer.shift[0])


@breaks(
    Requantizer,
    "requantize",
    notice="Every output of the layer is off by its zero_point.",
    caught_by=("40 percent", "golden", "requantize", "conv", "dense", "add"),
)
def zero_point_added_twice(requantizer, acc, grid):
    """The output's zero_point is added twice, say once in the bias and once at the end."""
    codes = requantizer.rescale(acc) + 2 * grid.zero_point
    return np.clip(codes, grid.qmin, grid.qmax).astype(np.int8)


@breaks(
    Requantizer,
    "requantize",
    notice="The brightest spot of a feature map turns into its darkest.",
    caught_by=("40 percent", "golden", "requantize", "conv", "dense", "add"),
)
def codes_wrap(requantizer, acc, grid):
    """A code beyond the grid is not clamped: it keeps the low 8 bits."""
    return (requantizer.rescale(acc) + grid.zero_point).astype(np.int8)


@breaks(
    fixedpoint,
    "rounding_divide_by_pot",
    notice="Exact ties move by one, 2.5 gives 2; ratios that are powers of two show it.",
    caught_by=("rescale", "requantize", "add"),
)
def half_even(x, exponent):
    """A tie of the shift goes to the even number and not away from zero."""
    return np.rint(np.asarray(x) / 2.0 ** np.asarray(exponent)).astype(np.int64)


@breaks(
    fixedpoint,
    "rounding_divide_by_pot",
    notice="Negative ties move by one: -2.5 gives -2, as in LiteRT's optimized kernels.",
    caught_by=("rescale", "requantize", "add"),
)
def ties_up(x, exponent):
    """A tie of the shift goes up, on both sides of zero."""
    half = (np.int64(1) << np.asarray(exponent, np.int64)) >> 1
    return (x + half) >> exponent


@breaks(
    fixedpoint,
    "rounding_divide_by_pot",
    notice="The outputs sink by half a code on average.",
    caught_by=("golden", "rescale", "requantize", "conv", "dense", "add"),
)
def truncating_shift(x, exponent):
    """The shift drops the low bits and does not round."""
    return np.asarray(x) >> exponent


@breaks(
    fixedpoint,
    "saturating_rounding_doubling_high_mul",
    notice="Sums that the high multiply rounds up onto a tie of the shift move by one.",
    caught_by=("rescale", "requantize", "conv"),
)
def high_multiply_truncates(a, b):
    """The high half of the product is taken without rounding."""
    return np.multiply(a, b, dtype=np.int64) >> 31


@breaks(
    fixedpoint,
    "saturating_rounding_doubling_high_mul",
    notice="Every output is the zero_point or next to it.",
    caught_by=("40 percent", "golden", "rescale", "requantize", "conv", "dense", "add"),
)
def product_in_32_bits(a, b):
    """The product is kept in 32 bits, so its high half is nothing but a sign."""
    return np.multiply(a, b, dtype=np.int64).astype(np.int32).astype(np.int64) >> 31


@breaks(
    fixedpoint,
    "shift_left_int32",
    notice="Ratios of 1 and more clamp where TFLite wraps; no calibrated network gets there.",
    caught_by=("rescale",),
)
def left_shift_saturates(x, shift):
    """A left shift that leaves int32 saturates where TFLite wraps."""
    wide = np.asarray(x, np.int64) << np.maximum(np.negative(shift), 0)
    return np.clip(wide, -(2**31), 2**31 - 1)
