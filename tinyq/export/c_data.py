"""The constants of each layer as C: arrays, and one struct a layer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import prod

from tinyq import layers
from tinyq.affine import Grid
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node
from tinyq.layers.pool import NO_PADS
from tinyq.requantize import Requantizer, Rounding

RESCALES = {
    Rounding.DOUBLE: "rescale_double",
    Rounding.UP: "rescale_up",
    Rounding.SINGLE: "rescale_single",
}
KERNELS = {
    layers.QAdd: "add",
    layers.QAvgPool2D: "avg_pool2d",
    layers.QClamp: "clamp",
    layers.QConv2D: "conv2d",
    layers.QConv2DPerChannel: "conv2d",
    layers.QDense: "conv2d",
    layers.QGlobalAvgPool2D: "avg_pool2d",
    layers.QMaxPool2D: "max_pool2d",
    layers.QPad2D: "pad2d",
}
Shapes = Mapping[str, tuple[int, ...]]


def identifier(number: int, name: str) -> str:
    """Return a C identifier for a layer: its number makes it the only one, its name tells why.

    >>> identifier(3, "layer1.0.conv1")
    'n3_layer1_0_conv1'
    """
    return f"n{number}_" + re.sub("[^0-9A-Za-z]+", "_", name).strip("_")[:40]


def requantizers(layer: object) -> dict[str, Requantizer]:
    """Return the requantizers of a layer by the name of their struct's field."""
    if isinstance(layer, Linear):
        return {"requantizer": layer.requantizer}
    if isinstance(layer, layers.QAdd):
        return {"a": layer.rescale_a, "b": layer.rescale_b, "sum": layer.rescale_sum}
    return {}


def constants(name: str, node: Node, shapes: Shapes) -> str:
    """Return the C of one layer's constants, the last of them ``static const struct ... name``."""
    layer, lines = node.layer, []
    for field, requantizer in requantizers(layer).items():
        pairs = zip(requantizer.multiplier.tolist(), requantizer.shift.tolist(), strict=True)
        ratios = [f"{{{multiplier}, {shift}}}" for multiplier, shift in pairs]
        lines += array("struct ratio", f"{name}_{field}", ratios)
    if isinstance(layer, Linear):
        lines += array("int8_t", f"{name}_weight", layer.weight.ravel().tolist())
        lines += array("int32_t", f"{name}_bias", layer.bias.tolist())
    kind = "pool2d" if KERNELS[type(layer)].endswith("pool2d") else KERNELS[type(layer)]
    lines.append(f"static const struct {kind} {name} = {{")
    lines += [f"    .{field} = {value}," for field, value in _fields(name, node, shapes).items()]
    return "\n".join([*lines, "};", ""])


def array(kind: str, name: str, values: Sequence) -> list[str]:
    """Return the lines of a C array, a few values a line."""
    return [f"static const {kind} {name}[{len(values)}] = {{", *rows(values), "};"]


def rows(values: Sequence) -> Iterator[str]:
    """Yield lines of up to 99 columns that hold values, each with a comma behind it."""
    items = [f"{value}," for value in values]
    per_line = 96 // (1 + max(map(len, items)))
    for start in range(0, len(items), per_line):
        yield "    " + " ".join(items[start : start + per_line])


def _fields(name: str, node: Node, shapes: Shapes) -> dict[str, object]:
    """Return the fields of a layer's struct as C initializers."""
    layer, in_shape = node.layer, shapes[node.inputs[0]]
    images = {"in": _shape(in_shape), "out": _shape(shapes[node.name])}
    match layer:
        case Linear():
            return images | _linear_fields(name, layer)
        case layers.QAdd():
            return {"size": prod(in_shape)} | _add_fields(name, layer)
        case layers.QClamp():
            return {"size": prod(in_shape), "low": layer.low, "high": layer.high}
        case layers.QPad2D():
            top, _, left, _ = layer.pads
            return images | {"top": top, "left": left, "value": layer.in_grid.zero_point}
        case layers.QGlobalAvgPool2D():
            window = _window(in_shape[:2], (1, 1))
        case _:
            window = _window(layer.kernel, layer.stride)
    top, _, left, _ = getattr(layer, "pads", NO_PADS)
    return images | window | {"top": top, "left": left, "grid": _grid(layer.in_grid)}


def _linear_fields(name: str, layer: Linear) -> dict[str, object]:
    if isinstance(layer, layers.QDense):
        window = _window((1, 1), (1, 1))
    else:
        window = _window(layer.weight.shape[1:3], layer.stride)
    return {
        **window,
        "in_zero_point": layer.in_grid.zero_point,
        "weight": f"{name}_weight",
        "bias": f"{name}_bias",
        **_requantizers(name, layer),
        "out_grid": _grid(layer.out_grid),
    }


def _add_fields(name: str, layer: layers.QAdd) -> dict[str, object]:
    a_grid, b_grid = layer.in_grids
    return {
        "left_shift": layer.left_shift,
        "a_zero_point": a_grid.zero_point,
        "b_zero_point": b_grid.zero_point,
        **_requantizers(name, layer),
        "out_grid": _grid(layer.out_grid),
    }


def _window(kernel: tuple[int, int], stride: tuple[int, int]) -> dict[str, int]:
    names = ("kernel_height", "kernel_width", "stride_y", "stride_x")
    # a stride beyond the largest image is never taken: there is one window
    return dict(zip(names, (*kernel, *(min(s, 2**31 - 1) for s in stride)), strict=True))


def _shape(shape: tuple[int, ...]) -> str:
    """Return (H, W, C) as a struct, (C,) as an image of one pixel."""
    height, width, channels = shape if len(shape) == 3 else (1, 1, *shape)
    return f"{{{height}, {width}, {channels}}}"


def _grid(grid: Grid) -> str:
    return f"{{{grid.zero_point}, {grid.qmin}, {grid.qmax}}}"


def _requantizers(name: str, layer: object) -> dict[str, str]:
    structs = {}
    for field, requantizer in requantizers(layer).items():
        step = int(len(requantizer.multiplier) > 1)
        structs[field] = f"{{{RESCALES[requantizer.rounding]}, {name}_{field}, {step}}}"
    return structs
