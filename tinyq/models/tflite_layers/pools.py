"""MAX_POOL_2D and AVERAGE_POOL_2D."""

from tinyq.layers import QAvgPool2D, QMaxPool2D
from tinyq.models.opened.value import Value
from tinyq.models.tflite.options import Pool2DOptions
from tinyq.models.tflite_layers.activation import activated
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.padding import pads_of

Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]


def max_pool_2d(op: Op) -> Value:
    """Make MAX_POOL_2D: a border of the least code before it is its own pads."""
    options, x = op.options(Pool2DOptions), op.value(0)
    kernel, stride, pads = window(options, x)
    if any(x.border):
        if any(pads):
            raise ValueError("its padding must be VALID after a border of the least code, got SAME")
        pads = x.border
    y = op.add(QMaxPool2D(x.grid, kernel, stride, pads), x)
    return activated(op, y, options.fused_activation_function)


def average_pool_2d(op: Op) -> Value:
    """Make AVERAGE_POOL_2D; of its pads nothing counts."""
    options, x = op.options(Pool2DOptions), op.value(0)
    y = op.add(QAvgPool2D(x.grid, *window(options, x)), x)
    return activated(op, y, options.fused_activation_function)


def window(options: Pool2DOptions, x: Value) -> Window:
    """Return kernel, stride and pads of a pool.  Raises ValueError for what it does not read."""
    kernel = options.filter_height, options.filter_width
    stride = options.stride_h, options.stride_w
    return kernel, stride, pads_of(options.padding, x, kernel, stride)
