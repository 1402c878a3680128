"""How the oracle hands the numbers of an elementwise layer to its loop nest.

As `tinyq.runtimes.oracle` has it: scales and roundings are the layer's own, multipliers and all
that follows are the loops'.
"""

from collections.abc import Callable, Sequence
from numbers import Integral

from tinyq import layers, loops
from tinyq.affine import Grid
from tinyq.layers.functions import Function
from tinyq.requantize import Requantizer, Rounding

# How a rounding writes a ratio as a multiplier and a shift, and how it rescales by them.
ROUNDINGS = {
    Rounding.DOUBLE: (loops.quantize_multiplier, loops.multiply_by_quantized_multiplier),
    Rounding.UP: (loops.quantize_multiplier, loops.rescale_up),
    Rounding.SINGLE: (loops.quantize_multiplier, loops.rescale_single),
    Rounding.FLOAT32: (loops.float32_multiplier, loops.rescale_float32),
    Rounding.FLOAT64: (loops.float64_multiplier, loops.rescale_float64),
}

FUNCTIONS: dict[Function, Callable[..., int]] = {
    Function.LOGISTIC: loops.logistic_code,
    Function.TANH: loops.tanh_code,
    Function.HARD_SWISH: loops.hard_swish_code,
    Function.LEAKY_RELU: loops.leaky_relu_code,
    Function.RELU: loops.relu_code,
    Function.RELU6: loops.relu6_code,
}


# Functions whose formula makes one grid alone; on another, ONNX Runtime's, it is a table.
ONE_GRID = {Function.LOGISTIC: Grid(1 / 256, -128), Function.TANH: Grid(1 / 128, 0)}


def add(layer: layers.QAdd, a: Sequence, b: Sequence) -> list:
    """Add by the loops.  Raises ValueError for requantizers of more than one rounding."""
    rescales = (layer.rescale_a, layer.rescale_b, layer.rescale_sum)
    rest = _two_sides(layer, rescales, layer.left_shift)

    def one(x: int, y: int) -> int:
        return loops.add([[[x]]], [[[y]]], *rest)[0][0][0]

    return loops.each(one, *loops.broadcast(a, b))


def sub(layer: layers.QSub, a: Sequence, b: Sequence) -> list:
    """Subtract by the loops.  Raises as add does."""
    rescales = (layer.rescale_a, layer.rescale_b, layer.rescale_difference)
    return loops.sub(a, b, *_two_sides(layer, rescales, 20))


def _two_sides(
    layer: layers.QAdd | layers.QSub, rescales: Sequence[Requantizer], left_shift: int
) -> tuple:
    """Return what comes after the codes of an add and of a difference."""
    roundings = {requantizer.rounding for requantizer in rescales}
    if len(roundings) > 1:
        raise ValueError(f"an add must rescale by one rounding, got {roundings}")
    (rounding,), (grid_a, grid_b), out = roundings, layer.in_grids, layer.out_grid
    write, rescale = ROUNDINGS[rounding]
    ratios = loops.add_ratios(grid_a.scale, grid_b.scale, out.scale, left_shift)
    zero_points = grid_a.zero_point, grid_b.zero_point, out.zero_point
    return zero_points, tuple(map(write, ratios)), left_shift, out.qmin, out.qmax, rescale


def mul(layer: layers.QMul, a: Sequence, b: Sequence) -> list:
    """Multiply by the loops."""
    (grid_a, grid_b), out, rounding = layer.in_grids, layer.out_grid, layer.requantizer.rounding
    pair, rescale = _ratio(grid_a.scale * grid_b.scale, out.scale, rounding)
    zero_points = grid_a.zero_point, grid_b.zero_point, out.zero_point
    return loops.mul(a, b, zero_points, *pair, out.qmin, out.qmax, rescale)


def rescale(layer: layers.QRescale, codes: Sequence) -> list:
    """Requantize each code less its zero_point by the loops."""
    grid, out = layer.in_grid, layer.out_grid
    pair, rescale = _ratio(grid.scale, out.scale, layer.requantizer.rounding)
    multiplier, shift = pair
    end = out.zero_point, out.qmin, out.qmax

    def one(x: int) -> int:
        return loops.requantize(x - grid.zero_point, multiplier, shift, *end, rescale)

    return loops.each(one, codes)


def _ratio(scale: float, out_scale: float, rounding: Rounding) -> tuple[tuple[int, int], Callable]:
    """Return the (multiplier, shift) of a quotient of scales, and what rescales by them."""
    write, rescale = ROUNDINGS[rounding]
    scale = loops.float32(scale) if rounding is Rounding.FLOAT32 else scale
    return write(scale / out_scale), rescale


def softmax(layer: layers.QSoftmax, codes: Sequence) -> list:
    """Take the softmax of each innermost row by the loops."""
    if not isinstance(codes[0], Integral):
        return [softmax(layer, rows) for rows in codes]
    return loops.softmax(codes, *loops.softmax_multiplier(layer.in_grid.scale, layer.beta))


def softmax_to_grid(layer: layers.QSoftmaxToGrid, codes: Sequence) -> list:
    """Take the shares of each innermost row by the loops, and bring them to the output's grid."""
    if not isinstance(codes[0], Integral):
        return [softmax_to_grid(layer, rows) for rows in codes]
    out, parts = layer.out_grid, loops.softmax_multiplier(layer.in_grid.scale, 1.0)
    write, rescale = ROUNDINGS[layer.requantizer.rounding]
    pair, ends = write(2.0**-31 / out.scale), (out.zero_point, out.qmin, out.qmax)
    return [
        loops.requantize(min(share, loops.INT32_MAX), *pair, *ends, rescale)
        for share in loops.softmax_shares(codes, *parts, 31)
    ]


def table(layer: layers.QTable, codes: Sequence) -> list:
    """Compute the layer's function of each code; a table that no formula fills is looked up."""
    if layer.function is None or layer.out_grid != ONE_GRID.get(layer.function, layer.out_grid):
        table = layer.table.tolist()
        return loops.each(lambda x: table[x + 128], codes)
    grids = [(grid.scale, grid.zero_point) for grid in (layer.in_grid, layer.out_grid)]
    if layer.function in ONE_GRID:
        del grids[1]
    alpha = () if layer.alpha is None else (layer.alpha,)
    out, function = layer.out_grid, FUNCTIONS[layer.function]
    made = loops.each(lambda x: function(x, *grids, *alpha), codes)
    return loops.each(lambda y: min(max(y, out.qmin), out.qmax), made)
