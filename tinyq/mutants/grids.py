"""Broken grids: the range, the zero_point, the way to the codes and back."""

import numpy as np

from tinyq.affine import Grid, round_half_away
from tinyq.mutants.mutant import breaks

quantize, from_range = Grid.quantize, Grid.from_range


@breaks(
    Grid,
    "from_range",
    notice="A tensor that never comes near 0, like the logits, saturates at one end.",
    caught_by=("golden", "range"),
)
def range_without_zero(cls, lo, hi, qmin=-128, qmax=127):
    """The range is not widened to hold 0, so the clamped zero_point does not stand for 0."""
    scale = (np.float32(hi) - np.float32(lo)) / np.float32(qmax - qmin)
    zero_point = round_half_away(qmin - np.float64(lo) / np.float64(scale))
    return cls(float(scale), int(np.clip(zero_point, qmin, qmax)), qmin, qmax)


@breaks(
    Grid,
    "from_range",
    notice="About half of the zero_points are off by one; only the ends of a range notice.",
    caught_by=("range",),
    thread="https://github.com/SonySemiconductorSolutions/mct-quantization-layers/pull/124",
)
def zero_point_truncated(cls, lo, hi, qmin=-128, qmax=127):
    """The zero_point is cut to an integer where it must be rounded."""
    grid = from_range(lo, hi, qmin, qmax)
    zero_point = int(qmin - min(lo, 0.0) / grid.scale)
    return cls(grid.scale, min(zero_point, qmax), qmin, qmax)


@breaks(
    Grid,
    "from_range",
    notice="The largest value lies one step beyond the last code, and every scale is 0.4 % small.",
    caught_by=("golden", "range"),
)
def scale_of_256_steps(cls, lo, hi, qmin=-128, qmax=127):
    """The range is cut into 256 steps: there are 256 codes, but 255 steps between them."""
    scale = from_range(lo, hi, qmin, qmax).scale * (qmax - qmin) / (qmax - qmin + 1)
    zero_point = round_half_away(qmin - min(lo, 0.0) / scale)
    return cls(scale, int(np.clip(zero_point, qmin, qmax)), qmin, qmax)


@breaks(
    Grid,
    "quantize",
    notice="The error reaches a whole step, always toward 0.",
    caught_by=("golden", "quantize", "relu6"),
)
def quantize_truncates(grid, x):
    """A number is cut to the code next to it on the side of 0, as a C cast does."""
    codes = np.trunc(np.float64(np.float32(x)) / grid.scale) + grid.zero_point
    return np.clip(codes, grid.qmin, grid.qmax).astype(np.int8)


@breaks(
    Grid,
    "quantize",
    notice="Numbers halfway between two codes move by one, no other: np.round does this.",
    caught_by=("quantize",),
)
def quantize_half_even(grid, x):
    """A number halfway between two codes goes to the even one."""
    codes = np.rint(np.float64(np.float32(x)) / grid.scale) + grid.zero_point
    return np.clip(codes, grid.qmin, grid.qmax).astype(np.int8)


@breaks(
    Grid,
    "quantize",
    notice="A number just beyond the range comes out at the other end of it.",
    caught_by=("quantize", "relu6"),
    thread="https://github.com/huggingface/sentence-transformers/pull/3847",
)
def quantize_wraps(grid, x):
    """A number beyond the range is not clamped: its code keeps the low 8 bits."""
    codes = round_half_away(np.float64(np.float32(x)) / grid.scale) + grid.zero_point
    return codes.astype(np.int64).astype(np.int8)


@breaks(
    Grid,
    "quantize",
    notice="The image looks solarized: dark and bright halves change places.",
    caught_by=("golden", "quantize", "relu6"),
    thread="https://github.com/tensorflow/tensorflow/issues/35072",
)
def uint8_read_as_int8(grid, x):
    """The codes are written as 0..255 and read as -128..127, bit for bit."""
    return (quantize(grid, x).astype(np.int16) + 128).astype(np.uint8).view(np.int8)


@breaks(
    Grid,
    "dequantize",
    notice="Every number is off by the same amount, scale * zero_point; the codes are right.",
    caught_by=("40 percent", "dequantize"),
    thread="https://github.com/tensorflow/tensorflow/issues/53278",
)
def dequantize_without_zero_point(grid, codes):
    """A code is multiplied by the scale without taking the zero_point off."""
    return np.float32(grid.scale) * np.asarray(codes).astype(np.float32)
