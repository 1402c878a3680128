"""Cut a differing case down to the one code that differs and what it takes to compute it again."""

import numpy as np

from tinyq import Grid
from tinyq.layers import QAdd, QAvgPool2D, QGlobalAvgPool2D, QMean, QMul, QSub
from tinyq.layers.linear import Linear
from tools.agreement.cases import Case


def replay(case: Case, place: tuple[int, ...], got: int, want: int) -> dict:
    """Return one code of a case as plain numbers, for JSON.

    place: index of the code in the output; got: the runtime's, want: tinyq's.
    The shape of the input goes along, because some rules look at it.  A layer with weights is
    given by the accumulator, its bias and the three scales, a pool by its window, MEAN by its
    channel, an add by its two codes; the others by their whole input.
    """
    found = {"seed": case.seed, "index": case.index, "kind": case.kind, "place": list(place)}
    found["shape"] = list(case.inputs[0].shape)
    return {**found, **parts(case, place), "runtime": got, "tinyq": want}


def parts(case: Case, place: tuple[int, ...]) -> dict:
    """Return what one output code is made of."""
    layer, codes = case.layer, case.inputs[0]
    match layer:
        case Linear():
            scales = np.broadcast_to(layer.weight_scale, layer.bias.shape)
            return {
                "acc": int(layer.accumulate(codes)[place]),
                "bias": int(layer.bias[place[-1]]),
                "in_scale": layer.in_grid.scale,
                "weight_scale": float(scales[place[-1]]),
                "out_grid": pair(layer.out_grid),
            }
        case QAdd() | QMul() | QSub():
            a, b = (int(side[place]) for side in np.broadcast_arrays(*case.inputs))
            a_grid, b_grid = map(pair, layer.in_grids)
            out_grid = pair(layer.out_grid)
            return {"a": a, "b": b, "a_grid": a_grid, "b_grid": b_grid, "out_grid": out_grid}
        case QAvgPool2D():
            n, row, column, channel = place
            top, left = row * layer.stride[0], column * layer.stride[1]
            height, width = layer.kernel
            top, left = top - layer.pads[0], left - layer.pads[2]
            rows, columns = slice(max(top, 0), top + height), slice(max(left, 0), left + width)
            window = codes[n, rows, columns, channel]
            return {"window": window.tolist(), "grid": pair(layer.in_grid)}
        case QGlobalAvgPool2D():
            return {
                "window": codes[place[0], :, :, place[-1]].tolist(),
                "grid": pair(layer.in_grid),
            }
        case QMean() if codes.ndim == 4 and set(layer.axes) == {0, 1}:
            window = codes[place[0], :, :, place[-1]].tolist()
            in_grid, out_grid = pair(layer.in_grid), pair(layer.out_grid)
            grids = {"in_grid": in_grid, "out_grid": out_grid}
            return {"window": window, "keep_dims": layer.keep_dims, **grids}
        case _:
            return {"layer": repr(layer), "input": codes.tolist()}


def pair(grid: Grid) -> list:
    """Return [scale, zero_point]."""
    return [grid.scale, grid.zero_point]
