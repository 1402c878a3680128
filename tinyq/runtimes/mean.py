"""MEAN over height and width: a layer with grids of its own, and the rules that runtimes give it.

It is not the global average pool.  The pool divides the sum of raw codes; MEAN takes the zero_point
out, rescales from grid to grid, and rounds elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, round_half_away
from tinyq.fixedpoint import multiply_by_quantized_multiplier, quantize_multiplier
from tinyq.layers.checks import IMAGE, check_codes, check_shape, output_size
from tinyq.layers.contract import Shape
from tinyq.layers.pool import check_mean
from tinyq.requantize import Requantizer, Rounding

Codes = NDArray[np.int8]
BLOCK = 16


@dataclass(frozen=True)
class QMean:
    """Take the mean of each channel over the whole image, on a grid of its own.

    y = clamp(rescale(sum of (x - in_zero_point), in_scale / (count * out_scale)) + out_zero_point)

    in_grid, out_grid: grids of the codes; keep_dims: whether (N, 1, 1, C) comes out, not (N, C).
    Source: TFLite ``MEAN`` over axes 1 and 2.

    >>> QMean(Grid(0.5, 1), Grid(1.0, -3)).forward(np.int8([[[[3], [9]]]]))     # (1 + 4) / 2
    array([[0]], dtype=int8)
    """

    in_grid: Grid
    out_grid: Grid
    keep_dims: bool = False

    @property
    def in_grids(self) -> tuple[Grid]:
        """The grid of the input."""
        return (self.in_grid,)

    @property
    def requantizers(self) -> Mapping[str, Requantizer]:
        """None: its ratio depends on the image's size, so forward makes it."""
        return {}

    def out_shape(self, shape: Shape) -> Shape:
        """Return (C,) for (H, W, C), or (1, 1, C) with keep_dims."""
        check_shape(shape, IMAGE)
        return (1, 1, shape[2]) if self.keep_dims else (shape[2],)

    def total(self, codes: NDArray[np.int8]) -> NDArray[np.int32]:
        """Return the sum of each channel's raw codes: int8 (N, H, W, C) to int32 (N, C).

        Raises TypeError or ValueError for what is not an image of at least one pixel.
        """
        check_codes(self, codes, self.in_grid, IMAGE)
        output_size(self, codes.shape, (1, 1), (1, 1))
        check_mean("QMean", codes.shape[1] * codes.shape[2])
        return codes.sum(axis=(1, 2), dtype=np.int32)

    def finish(self, values: NDArray) -> NDArray[np.int8]:
        """Return whole numbers (N, C) clamped to out_grid, in the shape that keep_dims asks for."""
        clamped = np.clip(values, self.out_grid.qmin, self.out_grid.qmax).astype(np.int8)
        return clamped[:, None, None, :] if self.keep_dims else clamped

    def forward(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the means: int8 (N, H, W, C) to (N, C), or (N, 1, 1, C) with keep_dims."""
        return fixed(self, codes)


def fixed(layer: QMean, codes: Codes) -> Codes:
    """Return TFLite's MEAN: the division by the count is folded into the multiplier.

    k = min(floor(log2 count), 31 - shift); multiplier = (multiplier << k) / count, truncated;
    shift = shift + k; then equation (5.4) of the sum of (x - in_zero_point).

    layer: grids and keep_dims; codes: int8 (N, H, W, C).  Returns int8 (N, C) or (N, 1, 1, C).
    Source: TFLite reference ``QuantizedMeanOrSum``; TFLite Micro.
    """
    count = codes.shape[1] * codes.shape[2]
    steps = layer.total(codes) - np.int32(count * layer.in_grid.zero_point)
    multiplier, shift = quantize_multiplier(layer.in_grid.scale / layer.out_grid.scale)
    k = min(count.bit_length() - 1, 31 - shift)
    scaled = multiply_by_quantized_multiplier(steps, (multiplier << k) // count, shift + k)
    return layer.finish(scaled + layer.out_grid.zero_point)


def litert_optimized(layer: QMean, codes: Codes) -> Codes:
    """Return `fixed`; with keep_dims the raw sum rescaled, and the zero_points as one rounded bias.

    y = clamp(rescale(sum of x, s_in / (count * s_out)) + zp_out - lround(zp_in * s_in / s_out))

    Both quotients in float32.  The channels that fill blocks of 16 are rescaled under UP, the
    ``C % 16`` last ones under DOUBLE.
    Source: LiteRT optimized ``Mean`` on x86, found by measurement.
    """
    if not layer.keep_dims:
        return fixed(layer, codes)
    total = layer.total(codes)
    s_in, s_out, count = scales(layer, codes)
    zero_in, zero_out = layer.in_grid.zero_point, layer.out_grid.zero_point
    bias = zero_out - int(round_half_away(np.float32(zero_in) * s_in / s_out))
    ratio = float(s_in / (count * s_out))
    blocks, rest = (
        Requantizer(ratio, rounding).rescale(total) for rounding in (Rounding.UP, Rounding.DOUBLE)
    )
    channels = total.shape[1]
    in_block = np.arange(channels) < channels // BLOCK * BLOCK
    return layer.finish(np.where(in_block, blocks, rest) + bias)


def xnnpack(layer: QMean, codes: Codes) -> Codes:
    """Return the mean as one float32 line through the raw sum, zero_points and all, ties to even.

    r = s_in / s_out * (1 / count); y = clamp(rint(sum of x * r + (zp_out - zp_in * count * r)))

    Source: LiteRT with XNNPACK.
    """
    total = np.float32(layer.total(codes))
    s_in, s_out, count = scales(layer, codes)
    zero_in, zero_out = np.float32(layer.in_grid.zero_point), np.float32(layer.out_grid.zero_point)
    ratio = s_in / s_out * (np.float32(1) / count)
    return layer.finish(np.rint(total * ratio + (zero_out - zero_in * count * ratio)))


def onnx_runtime(layer: QMean, codes: Codes) -> Codes:
    """Return the float32 mean of the dequantized pixels, quantized anew, ties to even.

    y = clamp(rint(sum of s_in * (x - zp_in) / count / s_out) + zp_out)

    One image: the sum goes pixel by pixel.  Several: each four pixels are summed first, of the
    rest two and then one.

    Source: ONNX Runtime ``DequantizeLinear``, ``ReduceMean`` over axes 1 and 2,
    ``QuantizeLinear``, found by measurement.
    """
    layer.total(codes)
    _, s_out, count = scales(layer, codes)
    pixels = layer.in_grid.dequantize(codes).reshape(len(codes), -1, codes.shape[3])
    if len(codes) > 1:
        size = pixels.shape[1]
        cuts = [*range(4, size, 4), *([size - 1] if size % 4 == 3 else [])]
        pixels = np.stack([in_order(part) for part in np.split(pixels, cuts, axis=1)], axis=1)
    return layer.finish(np.rint(in_order(pixels) / count / s_out) + layer.out_grid.zero_point)


def pytorch(layer: QMean, codes: Codes) -> Codes:
    """Return the mean of the unsigned codes u = x + 128, ties to even.

    y = rint(sum of u / count) - 128, in float32

    Raises ValueError unless out_grid equals in_grid: the mean of a quantized tensor keeps its grid.
    Source: PyTorch ``mean`` over the last two axes of a contiguous NCHW tensor, found by
    measurement.
    """
    if layer.out_grid != layer.in_grid:
        raise ValueError(f"PyTorch's mean keeps its grid, got {layer.in_grid}, {layer.out_grid}")
    _, _, count = scales(layer, codes)
    unsigned = np.float32(layer.total(codes)) + 128 * count
    return layer.finish(np.rint(unsigned / count) - 128)


def in_order(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the float32 sum over axis 1, from first to last."""
    return np.add.accumulate(values, axis=1)[:, -1]


def scales(layer: QMean, codes: Codes) -> tuple[np.float32, np.float32, np.float32]:
    """Return (s_in, s_out, count of pixels), all float32."""
    count = codes.shape[1] * codes.shape[2]
    return np.float32(layer.in_grid.scale), np.float32(layer.out_grid.scale), np.float32(count)
