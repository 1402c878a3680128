"""QLinearConv, QGemm and QLinearMatMul: the operators with weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.layers import QConv2D, QConv2DPerChannel, QDense, QDepthwiseConv2D, QPad2D
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.rows import Rows, as_rows
from tinyq.models.onnx_layers.window import moves, pads_of
from tinyq.models.opened.value import Value
from tinyq.requantize import Requantizer


def conv(op: Op) -> Value:
    """Make QLinearConv: a pad where it has one, then the convolution."""
    x, weight = op.image(op.codes(0)), op.constant(3, "INT8")
    if weight.ndim != 4:
        raise ValueError(f"its weight must have shape (O, I, KH, KW), got {weight.shape}")
    kernel, channels, group = weight.shape[2:], x.seen[0], op.attribute("group", 1)
    if (shape := op.attribute("kernel_shape", tuple(kernel))) != kernel:
        raise ValueError(f"its kernel_shape must be that of its weight, {kernel}, got {shape}")
    stride, dilation = moves(op, "strides"), moves(op, "dilations")
    fields: dict[str, Any] = {"stride": stride, "dilation": dilation}
    scales, grid = symmetric_scales(op, 4, len(weight)), op.grid(6)
    layer: QConv2D | QDepthwiseConv2D
    if group == 1:
        kind = QConv2D if len(scales) == 1 else QConv2DPerChannel
        ohwi = np.ascontiguousarray(weight.transpose(0, 2, 3, 1))
        layer = kind(**parts(op, x, ohwi, scales, grid, 8), **fields)
    elif group == channels and weight.shape[1] == 1 and len(weight) % group == 0:
        fields["depth_multiplier"] = len(weight) // group
        layer = QDepthwiseConv2D(**parts(op, x, weight[:, 0], scales, grid, 8), **fields)
    else:
        raise ValueError(
            f"its group must be 1, or {channels}, its channels, of one each, got {group}"
        )
    if any(pads := pads_of(op, x, kernel, stride, dilation)):
        x = op.add(QPad2D(x.grid, pads), x, part="pad")
    return op.add(layer, x)


def gemm(op: Op) -> Value:
    """Make QGemm of rows and a constant."""
    op.only(alpha=1.0, transA=0)
    x, weight = op.codes(0, rows=True), matrix(op)
    if len(x.seen) != 1:
        raise ValueError(f"it must read (N, C), got (N, {str(x.seen)[1:]}")
    if op.attribute("transB", 0):
        weight = weight.T
    made = dense(op, x, weight, op.grid(7), bias=6)
    return as_rows(made, x.lead) if isinstance(x, Rows) else made


def matmul(op: Op) -> Value:
    """Make QLinearMatMul by a constant, from the right."""
    return dense(op, op.codes(0), matrix(op), op.grid(6), bias=None)


def matrix(op: Op) -> NDArray[np.int8]:
    """Return the constant that QGemm and QLinearMatMul multiply by; raise ValueError for none."""
    weight = op.constant(3, "INT8")
    if weight.ndim != 2:
        raise ValueError(f"input 3 must be a matrix, got shape {weight.shape}")
    return weight


def dense(op: Op, x: Value, weight: NDArray[np.int8], grid: Grid, bias: int | None) -> Value:
    """Return x times a matrix (in, out), along the last axis that x has in the file."""
    scales = symmetric_scales(op, 4, weight.shape[1])
    layer = QDense(**parts(op, x, np.ascontiguousarray(weight.T), scales, grid, bias))
    if isinstance(x, Rows):
        return op.add(layer, x)
    return op.finished(op.add(layer, op.in_file_order(x), part=op.part(x, "rows")))


def symmetric_scales(op: Op, place: int, channels: int) -> NDArray[np.float32]:
    """Return the scales of a weight, (1,) or (channels,); its zero_points come next and must be 0.

    Raises ValueError for others.
    """
    scales = op.constant(place, "FLOAT").ravel()
    if len(scales) not in (1, channels):
        raise ValueError(f"input {place} must be 1 or {channels} scales, got {len(scales)}")
    if op.constant(place + 1, "INT8").any():
        raise ValueError("the zero_points of its weight must be 0")
    return scales


def parts(
    op: Op, x: Value, weight: NDArray[np.int8], scales: NDArray[np.float32], grid: Grid, bias: Any
) -> dict[str, Any]:
    """Return what the constructors of all layers with weights take.

    grid: of the output; bias: the place of an int32 constant, None or left out for none.
    """
    codes = np.zeros(len(weight), np.int32)
    if bias is not None and op.tensor(bias):
        codes = op.constant(bias, "INT32").ravel()
        if codes.shape != (len(weight),):
            raise ValueError(f"its bias must have {len(weight)} numbers, got {len(codes)}")
    return {
        "in_grid": x.grid,
        "out_grid": grid,
        "weight": weight,
        "bias": codes,
        "weight_scale": scales,
        "requantizer": Requantizer.from_scales(x.grid.scale, scales, grid.scale),
    }
