"""Broken hosts: weight scales, weight codes, biases, multipliers."""

import math

import numpy as np

from tinyq.layers import linear
from tinyq.layers.linear import Linear
from tinyq.mutants.mutant import breaks
from tinyq.requantize import Requantizer, Rounding, requantizer
from tinyq.weights import quantize_bias, quantize_weights, weight_scales

parts_from_float = vars(Linear)["_parts_from_float"].__func__  # of any class, as `wrong` gets it


@breaks(
    linear,
    "weight_scales",
    notice="The largest weight of each channel is 0.8 % too small after quantization.",
    caught_by=("golden", "weights", "bias", "multiplier"),
)
def weight_scale_of_128(weights, per_channel, bits):
    """The largest weight is put on code 128, which does not exist, and clamped to 127."""
    return weight_scales(weights, per_channel, bits) * np.float32(127 / 128)


@breaks(
    linear,
    "weight_scales",
    notice="Channels with small weights lose precision, those with large ones are clamped.",
    caught_by=("golden", "weights", "bias", "multiplier"),
    thread="https://github.com/OpenPPL/ppq/pull/382",
)
def weight_scales_of_the_wrong_axis(weights, per_channel, bits):
    """The scales are taken along the last axis, as if the layout were HWIO and not OHWI."""
    rows = weights.reshape(-1, len(weights)) if per_channel else weights.reshape(-1, 1)
    return np.abs(rows).max(axis=0) / np.float32(2 ** (bits - 1) - 1)


@breaks(
    linear,
    "quantize_weights",
    notice="The weights shrink: every sum is drawn toward 0.",
    caught_by=("golden", "weights"),
    thread="https://github.com/astramind-ai/BitMat/pull/13",
)
def weights_truncated(weights, scales, bits):
    """The weights are cast to int8 without rounding."""
    return (weights / scales.reshape(-1, *[1] * (weights.ndim - 1))).astype(np.int8)


@breaks(
    linear,
    "quantize_weights",
    notice="Nothing shows, until a kernel negates the weight or adds two products in 16 bits.",
    caught_by=("refusals",),
)
def weight_minus_128_allowed(weights, scales, bits):
    """A weight may become -128, for which there is no opposite on the grid."""
    codes, least = quantize_weights(weights, scales, bits), 2.0 ** (bits - 1)
    beyond = np.rint(weights / scales.reshape(-1, *[1] * (weights.ndim - 1))) <= -least
    return np.where(beyond, np.int8(-least), codes)


@breaks(
    Linear,
    "_parts_from_float",
    notice="Only layers whose bias is not 0 are wrong, each output by a constant.",
    caught_by=("bias",),
    thread="https://github.com/pytorch/pytorch/issues/23874",
)
def bias_on_the_output_scale(cls, weights, bias, in_grid, out_grid, *rest):
    """The bias is put on output scale times weight scale; the sum is on the input's."""
    parts = parts_from_float(cls, weights, bias, in_grid, out_grid, *rest)
    return parts | {"bias": quantize_bias(bias, out_grid.scale, parts["weight_scale"])}


@breaks(
    requantizer,
    "quantize_multiplier",
    notice="Half of the multipliers are one too small, one part in 2**31: hardly an output moves.",
    caught_by=("multiplier", "rescale"),
)
def multiplier_truncated(ratio):
    """The multiplier is cut to an integer where it must be rounded."""
    mantissa, exponent = math.frexp(ratio)
    return (int(mantissa * 2**31), -exponent) if exponent >= -31 else (0, 0)


@breaks(
    requantizer,
    "quantize_multiplier",
    notice="A ratio just below a power of two turns the sign of every output.",
    caught_by=("multiplier", "rescale"),
)
def multiplier_overflows(ratio):
    """A mantissa that rounds to 2**31 is stored in an int32 as it is, and wraps."""
    mantissa, exponent = math.frexp(ratio)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    wrapped = (multiplier + 2**31) % 2**32 - 2**31
    return (wrapped, -exponent) if exponent >= -31 else (0, 0)


@breaks(
    Requantizer,
    "from_scales",
    notice="Only 24 of the multiplier's 31 bits are right: an output near a tie moves by one.",
    caught_by=("multiplier",),
)
def ratio_in_float32(cls, in_scale, scales, out_scale, rounding=Rounding.DOUBLE):
    """The ratio of the scales is computed in float32 where float64 is meant."""
    ratio = np.float32(in_scale) * np.float32(scales) / np.float32(out_scale)
    return cls(ratio, rounding)
