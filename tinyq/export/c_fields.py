"""What the structs of several layers have in common: grids, requantizers, arrays of constants."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.affine import Grid
from tinyq.layers.checks import UNDILATED, extent
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.linear import Linear
from tinyq.requantize import Requantizer, Rounding

RESCALES = {
    Rounding.DOUBLE: "rescale_double",
    Rounding.UP: "rescale_up",
    Rounding.SINGLE: "rescale_single",
}
Shapes = Mapping[str, Shape]
Fields = dict[str, object]  # C initializers by the name of the struct's field
Window = layers.QConv2D | layers.QDepthwiseConv2D


def grid(one: Grid) -> str:
    """Return the initializer of a grid."""
    return f"{{{one.zero_point}, {one.qmin}, {one.qmax}}}"


def requantizers(name: str, layer: Layer) -> Fields:
    """Return the fields of a layer's requantizers, whose ratios are arrays of that name."""
    structs: Fields = {}
    for field, requantizer in layer.requantizers.items():
        step = int(len(requantizer.multiplier) > 1)  # 0: one ratio for all channels
        structs[field] = f"{{{RESCALES[requantizer.rounding]}, {name}_{field}, {step}}}"
    return structs


def ratios(layer: Layer) -> Mapping[str, Requantizer]:
    """Return the requantizers whose ratios are arrays: a mean has its own, of its count."""
    return {} if type(layer) is layers.QMean else layer.requantizers


def arrays(layer: Layer) -> dict[str, NDArray[np.integer]]:
    """Return a layer's codes and integers by the name of their array in C."""
    match layer:
        case Linear():
            return {"weight": weight_of(layer), "bias": layer.bias}
        case layers.QTable():
            return {"table": layer.table}
        case layers.QSoftmax():
            return {"exps": layer.exps}
        case layers.QConstant():
            return {"codes": layer.codes}
    return {}


def weight_of(layer: Linear) -> NDArray[np.int8]:
    """Return a layer's weight as C reads it: a dilated kernel with its zeros in between.

    They cost time and memory, and spare each other network a factor in its inner loop.

    >>> weight = np.ones((1, 1, 2, 1), np.int8)
    >>> one, ratio = Grid(1.0, 0), Requantizer(1.0)
    >>> parts = one, one, weight, np.int32([0]), np.float32([1]), ratio
    >>> weight_of(layers.QConv2D(*parts, dilation=(1, 2))).ravel().tolist()
    [1, 0, 1]
    """
    if not isinstance(layer, Window) or layer.dilation == UNDILATED:
        return layer.weight
    count, height, width, *depth = layer.weight.shape
    down, right = layer.dilation
    spread = np.zeros((count, *extent((height, width), (down, right)), *depth), np.int8)
    spread[:, ::down, ::right] = layer.weight
    return spread
