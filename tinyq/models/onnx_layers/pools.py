"""MaxPool on codes, QLinearAveragePool and QLinearGlobalAveragePool."""

from tinyq.affine import Grid
from tinyq.layers import QAvgPool2D, QMaxPool2D, QMeanPool2D, QPad2D
from tinyq.layers.pool import NO_PADS
from tinyq.models.onnx_layers.op import Op
from tinyq.models.onnx_layers.window import Four, Two, moves, pads_of
from tinyq.models.opened.value import Value


def max_pool(op: Op) -> Value:
    """Make MaxPool, whose pads never win."""
    op.only(ceil_mode=0, storage_order=0, dilations=(1, 1))
    x = op.image(op.value(0))
    return op.add(QMaxPool2D(x.grid, *window(op, x)), x)


def average_pool(op: Op) -> Value:
    """Make QLinearAveragePool: of its pads nothing counts, unless count_include_pad says so."""
    op.only(ceil_mode=0, channels_last=0, dilations=(1, 1))
    x, grid = op.image(op.codes(0)), op.grid(3)
    kernel, stride, pads = window(op, x)
    if any(pads) and op.attribute("count_include_pad", 0):
        x, pads = op.add(QPad2D(x.grid, pads), x, part="pad"), NO_PADS
    return averaged(op, x, grid, kernel, stride, pads)


def global_average_pool(op: Op) -> Value:
    """Make QLinearGlobalAveragePool: a window as large as the image."""
    op.only(channels_last=0)
    x, grid = op.image(op.codes(0)), op.grid(3)
    return averaged(op, x, grid, (x.seen[1], x.seen[2]), (1, 1), NO_PADS)


def averaged(op: Op, x: Value, grid: Grid, kernel: Two, stride: Two, pads: Four) -> Value:
    """Return the means of windows; grid: the output's."""
    if grid == x.grid:
        return op.add(QAvgPool2D(x.grid, kernel, stride, pads), x)
    if any(pads):
        raise ValueError("with pads that do not count it must keep its grid")
    return op.add(QMeanPool2D.from_float(x.grid, grid, kernel, stride), x)


def window(op: Op, x: Value) -> tuple[Two, Two, Four]:
    """Return kernel, stride and pads of a pool."""
    if "kernel_shape" not in op.operator.attributes:
        raise ValueError("it must have a kernel_shape")
    kernel, stride = moves(op, "kernel_shape"), moves(op, "strides")
    return kernel, stride, pads_of(op, x, kernel, stride)
