"""MAX_POOL_2D and AVERAGE_POOL_2D."""

from tinyq.layers import QAvgPool2D, QGlobalAvgPool2D, QMaxPool2D
from tinyq.models.tflite import Operator
from tinyq.models.tflite.options import Pool2DOptions
from tinyq.models.tflite_layers.activation import activated
from tinyq.models.tflite_layers.op import Op
from tinyq.models.tflite_layers.padding import pads_of
from tinyq.models.tflite_layers.value import Value

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
    """Make AVERAGE_POOL_2D, flat where it is of the whole image and all that follows reads rows."""
    options, x = op.options(Pool2DOptions), op.value(0)
    kernel, stride, pads = window(options, x)
    if any(pads):
        raise ValueError(f"its pads {pads} are not supported: only real pixels count in TFLite")
    layer: QAvgPool2D | QGlobalAvgPool2D = QAvgPool2D(x.grid, kernel, stride)
    if flat := kernel == x.shape[:2] and read_as_rows(op):
        layer = QGlobalAvgPool2D(x.grid)
    y = activated(op, op.add(layer, x), options.fused_activation_function)
    return Value(y.name, y.grid, y.shape, (1, 1, *y.shape)) if flat else y


def window(options: Pool2DOptions, x: Value) -> Window:
    """Return kernel, stride and pads of a pool.  Raises ValueError for what it does not read."""
    kernel = options.filter_height, options.filter_width
    stride = options.stride_h, options.stride_w
    return kernel, stride, pads_of(options.padding, x, kernel, stride)


def read_as_rows(op: Op) -> bool:
    """Return whether all that reads a pool's (N, 1, 1, C) takes it as (N, C)."""
    shape = op.output.shape

    def as_rows(reader: Operator) -> bool:
        if reader.name == "RESHAPE" and len(reader.outputs) == 1:
            return op.model.tensors[reader.outputs[0]].shape == (shape[0], shape[-1])
        return reader.name == "FULLY_CONNECTED"

    readers = op.readers(op.output)
    inside = op.output.index not in op.model.outputs and len(shape) == 4
    return inside and bool(readers) and all(map(as_rows, readers))
