"""Functions of one code, and QLinearSoftmax, row by row; Relu and Clip on codes."""

import numpy as np

from tinyq.affine import Grid, round_half_away
from tinyq.layers import QClamp, QSoftmax, QSoftmaxToGrid, QTable
from tinyq.layers.functions import CODES, Function
from tinyq.models.onnx_layers.op import Op
from tinyq.models.opened.value import Value


def sigmoid(op: Op) -> Value:
    """Make QLinearSigmoid: TFLite's table on the one grid that TFLite has, else one in float64."""
    x, grid = op.codes(0), op.grid(3)
    if grid == Grid(1 / 256, -128):
        return op.add(QTable.of(Function.LOGISTIC, x.grid, grid), x)
    reals = x.grid.scale * (CODES - np.float64(x.grid.zero_point))
    shares = 1 / (1 + np.exp(-np.clip(reals, -100, 100)))
    codes = round_half_away(shares / grid.scale) + grid.zero_point
    table = np.clip(codes, grid.qmin, grid.qmax).astype(np.int8)
    return op.add(QTable(x.grid, grid, table, Function.LOGISTIC), x)


def leaky_relu(op: Op) -> Value:
    """Make QLinearLeakyRelu."""
    x, alpha = op.codes(0), op.attribute("alpha", float(np.float32(0.01)))
    return op.add(QTable.of(Function.LEAKY_RELU, x.grid, op.grid(3), alpha), x)


def softmax(op: Op) -> Value:
    """Make QLinearSoftmax over the last axis or the channels; QSoftmax on TFLite's grid."""
    x, grid = op.codes(0), op.grid(3)
    rank, flat = len(x.seen) + 1, op.attribute("opset", 13) < 13  # all axes behind it at once
    axis = op.attribute("axis", 1 if flat else -1)
    layer: QSoftmax | QSoftmaxToGrid = QSoftmaxToGrid.from_float(x.grid, grid)
    if grid == Grid(1 / 256, -128):
        layer = QSoftmax(x.grid, grid)
    if rank == 4 and axis in (1, -3) and not flat:  # the channels, which tinyq has last
        return op.add(layer, x)
    if axis not in (-1, rank - 1):
        raise ValueError(f"its axis must be the last, -1 or {rank - 1}, got {axis}")
    return op.finished(op.add(layer, op.in_file_order(x), part=op.part(x, "rows")))


def clip(op: Op) -> Value:
    """Make Clip of codes: a clamp."""
    x = op.value(0)
    ends = [x.grid.qmin, x.grid.qmax]
    for place in (1, 2):
        if op.tensor(place):
            ends[place - 1] = op.number(place, "INT8")
    return op.add(QClamp(x.grid, *ends), x)
