"""The rules by which runtimes take a MEAN.

Each takes a QMean and its codes, int8 (N, ...), and returns int8.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import round_half_away
from tinyq.layers import QMean
from tinyq.layers.contract import Codes
from tinyq.requantize import Requantizer, Rounding

BLOCK = 16  # channels that LiteRT's vector kernel takes at once


def fixed(layer: QMean, codes: Codes) -> Codes:
    """Return TFLite's MEAN: the division by the count is folded into the multiplier.

    Source: TFLite reference ``QuantizedMeanOrSum``; TFLite Micro.
    """
    return layer.forward(codes)


def litert_optimized(layer: QMean, codes: Codes) -> Codes:
    """Return `fixed`; with keep_dims the raw sum rescaled, and the zero_points as one rounded bias.

    y = clamp(rescale(sum of x, s_in / (count * s_out)) + zp_out - lround(zp_in * s_in / s_out))

    Both quotients are float32.  The channels that fill blocks of 16 are rescaled under UP, the
    ``C % 16`` last ones under DOUBLE.
    Source: LiteRT optimized ``Mean`` on x86, found by measurement.
    """
    if not (layer.keep_dims and over_an_image(layer, codes)):
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

    r = s_in / s_out * (1 / count); y = clamp(rint((sum of x) * r + (zp_out - zp_in * count * r)))

    Source: LiteRT with XNNPACK.
    """
    total = layer.total(codes).astype(np.float32)
    s_in, s_out, count = scales(layer, codes)
    zero_in, zero_out = np.float32(layer.in_grid.zero_point), np.float32(layer.out_grid.zero_point)
    ratio = s_in / s_out * (np.float32(1) / count)
    return layer.finish(np.rint(total * ratio + (zero_out - zero_in * count * ratio)))


def onnx_runtime(layer: QMean, codes: Codes) -> Codes:
    """Return the float32 mean of the dequantized pixels, quantized anew, ties to even.

    y = clamp(rint((sum of s_in * (x - zp_in)) / count / s_out) + zp_out)

    The pixels of one image are summed one after the other.  Where there are several images, groups
    of pixels are summed first and then the groups: groups of four, and of the one to three pixels
    left over a group of two and a group of one.

    Source: ONNX Runtime ``DequantizeLinear``, ``ReduceMean`` over axes 1 and 2,
    ``QuantizeLinear``, found by measurement.
    """
    layer.total(codes)  # raises for codes that it does not take
    _only_over_an_image("ONNX Runtime", layer, codes)
    _, s_out, count = scales(layer, codes)
    pixels = layer.in_grid.dequantize(codes).reshape(len(codes), -1, codes.shape[3])
    if len(codes) > 1:  # float32 sums depend on the order of their terms
        size = pixels.shape[1]
        cuts = [*range(4, size, 4), *([size - 1] if size % 4 == 3 else [])]
        pixels = np.stack([in_order(part) for part in np.split(pixels, cuts, axis=1)], axis=1)
    return layer.finish(np.rint(in_order(pixels) / count / s_out) + layer.out_grid.zero_point)


def pytorch(layer: QMean, codes: Codes) -> Codes:
    """Return the mean of the unsigned codes u = x + 128, ties to even.

    y = rint((sum of u) / count) - 128, in float32

    Raises ValueError unless out_grid equals in_grid: the mean of a quantized tensor keeps its grid.
    Source: PyTorch ``mean`` over the last two axes of a contiguous NCHW tensor, found by
    measurement.
    """
    if layer.out_grid != layer.in_grid:
        raise ValueError(f"PyTorch's mean keeps its grid, got {layer.in_grid}, {layer.out_grid}")
    total = layer.total(codes).astype(np.float32)
    _only_over_an_image("PyTorch", layer, codes)
    _, _, count = scales(layer, codes)
    unsigned = total + 128 * count
    return layer.finish(np.rint(unsigned / count) - 128)


def over_an_image(layer: QMean, codes: Codes) -> bool:
    """Return whether a mean is over height and width of images."""
    return codes.ndim == 4 and set(layer.axes) == {0, 1}


def _only_over_an_image(runtime: str, layer: QMean, codes: Codes) -> None:
    if not over_an_image(layer, codes):
        where = f"axes {layer.axes} of shape {codes.shape}"
        raise ValueError(f"{runtime}'s mean was measured over height and width alone, got {where}")


def in_order(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the float32 sum over axis 1, from first to last."""
    return np.add.accumulate(values, axis=1)[:, -1]


def scales(layer: QMean, codes: Codes) -> tuple[np.float32, np.float32, np.float32]:
    """Return (s_in, s_out, count of codes in a mean), all float32."""
    count = layer.count(codes.shape[1:])
    return np.float32(layer.in_grid.scale), np.float32(layer.out_grid.scale), np.float32(count)
