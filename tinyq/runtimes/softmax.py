"""The rules by which runtimes take the softmax of int8 codes.

Each takes a QSoftmax, that of ONNX Runtime a QSoftmaxToGrid too, and its codes, int8 (N, ..., C),
and returns int8 of that shape.
"""

import numpy as np

from tinyq.affine import round_half_away
from tinyq.fixedpoint import rounding_divide_by_pot
from tinyq.layers import QSoftmax, QSoftmaxToGrid
from tinyq.layers.contract import Codes
from tinyq.layers.softmax import SUM_BITS
from tinyq.runtimes.add import to_codes

LARGEST_SUM = 512 << (31 - SUM_BITS)


def fixed(layer: QSoftmax, codes: Codes) -> Codes:
    """Return the layer's own softmax, in integers.

    Raises ValueError for a row whose exponentials add up to 512 or more: the kernel ends the whole
    process there.
    Source: TFLite reference ``Softmax``; TFLite Micro.
    """
    shares, wide = layer.forward(codes), codes.astype(np.int16)
    exps = layer.exps[wide.max(axis=-1, keepdims=True) - wide]
    largest = rounding_divide_by_pot(exps, SUM_BITS).sum(axis=-1).max(initial=0)
    if largest >= LARGEST_SUM:
        raise ValueError(
            "QSoftmax: the exponentials of a row must add up to less than 512, where TFLite's "
            f"kernel aborts, got {largest / 2.0 ** (31 - SUM_BITS):.6g}"
        )
    return shares


def float_table(layer: QSoftmax, codes: Codes) -> Codes:
    """Return the softmax by a table of 256 exponentials, in float32.

    e = exp(-s_in * beta * d), d = max - x; y = clamp(round(e * (1 / (sum of e * s_out))) - 128)

    The sum runs from first to last; ties are away from zero.  The table is what the platform's
    ``expf`` makes it: here exp in float64, rounded, which glibc's gave in every case measured.
    On 64-bit Arm the kernel is another one, with a table of 16 bits.
    Source: LiteRT optimized ``Softmax`` on x86; XNNPACK leaves int8 SOFTMAX to it.
    """
    layer.forward(codes)  # raises for what the layer does not take
    slope = -np.float32(layer.in_grid.scale) * np.float32(layer.beta)
    with np.errstate(under="ignore"):
        differences = np.arange(256, dtype=np.float32)
        table = np.exp((slope * differences).astype(np.float64)).astype(np.float32)
        wide = codes.astype(np.int16)
        exps = table[wide.max(axis=-1, keepdims=True) - wide]
        total = np.add.accumulate(exps, axis=-1)[..., -1:]  # float32 sums depend on their order
        shares = exps * (np.float32(1) / (total * np.float32(layer.out_grid.scale)))
    return to_codes(round_half_away(shares) - 128, layer.out_grid)


def onnx_runtime(layer: QSoftmax | QSoftmaxToGrid, codes: Codes) -> Codes:
    """Return the softmax by a table of 256 exponentials in float32, divided in float64.

    high = max(log(largest float32 / C) - 5, 0);  e = float32(exp(high - s_in * d)), d = max - x
    y = clamp(rint(e * floor(1 / s_out) / (sum of e)) + zp_out)

    The table reaches so high that a row's sum just stays finite.  The sum runs from first to last
    in float32, the logarithm is float32, and so are 1 / s_out and its floor; ties go to even.
    Source: ONNX Runtime ``QLinearSoftmax`` with beta 1, found by measurement.
    """
    layer.forward(codes)  # raises for what the layer does not take
    if isinstance(layer, QSoftmax) and layer.beta != 1:
        raise ValueError(f"QSoftmax: ONNX Runtime's has no beta, got {layer.beta}")
    scale, wide = np.float64(np.float32(layer.in_grid.scale)), codes.astype(np.int16)
    largest = np.log(np.finfo(np.float32).max / np.float32(codes.shape[-1]))
    high = max(np.float64(largest) - 5, 0.0) / scale
    with np.errstate(under="ignore"):
        table = np.exp((high - np.arange(256)) * scale).astype(np.float32)
        exps = table[wide.max(axis=-1, keepdims=True) - wide]
        total = np.add.accumulate(exps, axis=-1)[..., -1:].astype(np.float64)
    steps = np.floor(np.float32(1) / np.float32(layer.out_grid.scale)).astype(np.float64)
    shares = np.rint(exps.astype(np.float64) * steps / total)
    return to_codes(shares + layer.out_grid.zero_point, layer.out_grid)
