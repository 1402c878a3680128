"""What the readers of a file compute from its scales in float32, and what must hold of it.

tinyq's own arithmetic takes its ratios from float64 products.  A reader has float32 alone, whose
numbers end at 2**128 and lose their bits below 2**-126: beyond that it aborts, refuses the file, or
gives other codes.  Each function here takes a layer and the shapes (without N) that it reads, and
raises ValueError where that would happen.  The limits were found by measurement, in sweeps over
the whole range of float32; where a line of the source says the same, it is named.
"""

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QAdd, QAvgPool2D, QClamp, QGlobalAvgPool2D
from tinyq.layers.add import LEFT_SHIFT
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.linear import Linear

NORMAL = 2.0**-126  # the smallest float32 with all its 24 bits
HUGE = 2.0**127  # a sum that is exactly below it is finite in float32, in any order
XNNPACK_RATIO = 256
CLIP_ERROR = 2.0**-23  # std::numeric_limits<float>::epsilon()


def tflite(layer: Layer, *shapes: Shape) -> None:
    """Raise ValueError for scales that LiteRT or TFLite Micro cannot run a layer with."""
    if isinstance(layer, Linear):
        if (least := float(layer.weight_scale.min())) < NORMAL:
            # xnn_define_quantized_tensor_value: !isnormal(scale); a Grid refuses it by itself
            raise ValueError(f"XNNPACK takes scales from 2**-126 on, got {least:.6g}")
        _check_product(layer, least=NORMAL)
        if (ratio := float(_products(layer)[1].max())) >= XNNPACK_RATIO:
            raise ValueError(
                f"XNNPACK takes ratios in_scale * weight_scale / out_scale below {XNNPACK_RATIO}, "
                f"got {ratio:.6g}"
            )
    if isinstance(layer, QAdd) and (scale := layer.out_grid.scale) >= 2.0 ** (128 - LEFT_SHIFT):
        # Add: twice_max_input_scale / ((1 << left_shift) * output_scale), which must not be 0
        raise ValueError(
            f"LiteRT aborts where float32 cannot hold 2**{LEFT_SHIFT} * out_scale: out_scale must "
            f"be below 2**{128 - LEFT_SHIFT} = {2.0 ** (128 - LEFT_SHIFT):.6g}, got {scale:.6g}"
        )


def qlinear(layer: Layer, *shapes: Shape) -> None:
    """Raise ValueError for scales that ONNX Runtime cannot run a layer on codes with."""
    if isinstance(layer, Linear):
        _check_product(layer)
    if isinstance(layer, QAvgPool2D | QGlobalAvgPool2D):
        height, width = layer.kernel if isinstance(layer, QAvgPool2D) else shapes[0][:2]
        grid = layer.in_grid
        steps = max(grid.qmax - grid.zero_point, grid.zero_point - grid.qmin)
        _check_finite("the sum of a window's real numbers", height * width * steps * grid.scale)


def qdq(layer: Layer, *shapes: Shape) -> None:
    """Raise ValueError for scales that a layer on real numbers cannot run with, fused or not."""
    qlinear(layer, *shapes)
    if isinstance(layer, Linear):
        weight = np.abs(layer.weight.astype(np.float64)).reshape(len(layer.bias), -1)
        grid, scales = layer.in_grid, layer.weight_scale.astype(np.float64)
        steps = max(grid.qmax - grid.zero_point, grid.zero_point - grid.qmin)
        total = weight.sum(axis=1) * steps + np.abs(layer.bias.astype(np.float64))
        _check_finite("a real weight", float((weight.max(axis=1) * scales).max()))
        _check_finite("the sum of its real products", float((total * grid.scale * scales).max()))
    if isinstance(layer, QClamp):
        _check_clamp(layer)


def _products(layer: Linear) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return in_scale * weight_scale, and that / out_scale, of each channel as readers have it."""
    scales = np.broadcast_to(layer.weight_scale, layer.bias.shape)
    with np.errstate(over="ignore", under="ignore"):
        products = np.float32(layer.in_grid.scale) * scales
        return products, products / np.float32(layer.out_grid.scale)


def _check_product(layer: Linear, least: float = 0.0) -> None:
    """Raise ValueError unless float32 in_scale * weight_scale is a number to take a ratio from.

    Where it is too small to have all its bits, some kernels take it for 0 and others do not.  That
    changes no code if every accumulator that the layer can reach is at most half a code.
    least: that it must be even so: it is the scale of the bias, and XNNPACK leaves a layer whose
    bias is on no normal scale to kernels that round otherwise.
    """
    products, ratios = _products(layer)
    reach = np.maximum(*map(np.abs, layer.accumulator_range()))
    matters = reach * np.maximum(ratios, layer.requantizer.ratio) > 0.5
    wrong = np.isinf(products) | (products < least) | ((products < NORMAL) & matters)
    if wrong.any():
        scale = np.broadcast_to(layer.weight_scale, wrong.shape)[wrong][0]
        raise ValueError(
            "in_scale * weight_scale must be a float32 from 2**-126 to 2**128, as readers multiply "
            f"them, got {layer.in_grid.scale:.6g} * {scale:.6g}"
        )


def _check_finite(what: str, largest: float) -> None:
    if largest >= HUGE:
        raise ValueError(f"float32 must hold {what}, which can reach {largest:.6g}")


def _check_clamp(layer: QClamp) -> None:
    """Raise ValueError where ONNX Runtime takes a Clip for one that the grid already does.

    It drops a Clip whose ends are within CLIP_ERROR of the ends of the grid, as real numbers.
    Source: ONNX Runtime's ClipQuantFusion.
    """
    grid = layer.in_grid
    cut = max(layer.low - grid.qmin, grid.qmax - layer.high)
    relu = (layer.low, layer.high) == (grid.zero_point, grid.qmax)
    if cut and not relu and cut * grid.scale <= CLIP_ERROR:
        raise ValueError(
            f"ONNX Runtime drops a Clip that takes {CLIP_ERROR:.6g} or less off the ends of its "
            f"input, got {cut} steps of {grid.scale:.6g}"
        )
