"""What each layer becomes in C: a function, and the fields of the struct that it reads."""

from collections.abc import Callable, Sequence
from math import prod
from typing import NamedTuple

from tinyq import layers
from tinyq.export import c_elementwise as elementwise
from tinyq.export.c_fields import Fields, Shapes, Window, grid, requantizers
from tinyq.layers.checks import extent
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node
from tinyq.layers.passthrough import PassThrough
from tinyq.layers.pool import NO_PADS

Pair = tuple[int, int]


def _tensors(node: Node[object], shapes: Shapes) -> Fields:
    """Return the fields with the shape of an image before and after the layer."""
    return {"in": _shape(shapes[node.inputs[0]]), "out": _shape(shapes[node.name])}


def _pad(name: str, node: Node[layers.QPad2D], shapes: Shapes) -> Fields:
    top, _, left, _ = node.layer.pads
    value = node.layer.in_grid.zero_point
    return _tensors(node, shapes) | {"top": top, "left": left, "value": value}


def _copied(name: str, node: Node[layers.QReshape | layers.QConstant], shapes: Shapes) -> Fields:
    return {"size": prod(shapes[node.name])}


def _transpose(name: str, node: Node[layers.QTranspose], shapes: Shapes) -> Fields:
    pads = [(0, 0)] * len(node.layer.axes)
    return _gather(node, node.layer.axes, pads, shapes)


def _pad_any(name: str, node: Node[layers.QPad], shapes: Shapes) -> Fields:
    return _gather(node, range(len(node.layer.pads)), node.layer.pads, shapes)


def _gather(
    node: Node[PassThrough], axes: Sequence[int], pads: Sequence[Pair], shapes: Shapes
) -> Fields:
    """Return, for each axis of the output, where its codes come from in the input."""
    before = shapes[node.inputs[0]]
    rows = [
        f"{{{size}, {start}, {before[axis]}, {prod(before[axis + 1 :])}}}"
        for size, axis, (start, _) in zip(shapes[node.name], axes, pads, strict=True)
    ]
    return {
        "size": prod(shapes[node.name]),
        "rank": len(rows),
        "axes": f"(const struct axis[]){{{', '.join(rows)}}}",
        "value": node.layer.in_grid.zero_point,
    }


def _concat(name: str, node: Node[layers.QConcat], shapes: Shapes) -> Fields:
    axis = node.layer.axis
    runs = [str(prod(shapes[source][axis:])) for source in node.inputs]
    return {
        "outer": prod(shapes[node.name][:axis]),
        "count": len(runs),
        "runs": f"(const int32_t[]){{{', '.join(runs)}}}",
    }


def _linear(name: str, node: Node[Linear], window: Fields, shapes: Shapes) -> Fields:
    layer = node.layer
    return {
        **_tensors(node, shapes),
        **window,
        "in_zero_point": layer.in_grid.zero_point,
        "weight": f"{name}_weight",
        "bias": f"{name}_bias",
        **requantizers(name, layer),
        "out_grid": grid(layer.out_grid),
    }


def weight_size(layer: Linear) -> int:
    """Return how many codes weight_of has, without making them."""
    if not isinstance(layer, Window):
        return layer.weight.size
    kernel = layer.weight.shape[1:3]
    return layer.weight.size // prod(kernel) * prod(extent(kernel, layer.dilation))


def _conv(name: str, node: Node[Window], shapes: Shapes) -> Fields:
    kernel = extent(node.layer.weight.shape[1:3], node.layer.dilation)
    return _linear(name, node, _window(kernel, node.layer.stride), shapes)


def _dense(name: str, node: Node[layers.QDense], shapes: Shapes) -> Fields:
    return _linear(name, node, _window((1, 1), (1, 1)), shapes)


def _pool(node: Node[PassThrough], window: Fields, pads: Sequence[int], shapes: Shapes) -> Fields:
    top, _, left, _ = pads
    ends = {"top": top, "left": left, "grid": grid(node.layer.in_grid)}
    return _tensors(node, shapes) | window | ends


def _max_pool(name: str, node: Node[layers.QMaxPool2D], shapes: Shapes) -> Fields:
    layer = node.layer
    return _pool(node, _window(layer.kernel, layer.stride), layer.pads, shapes)


def _avg_pool(name: str, node: Node[layers.QAvgPool2D], shapes: Shapes) -> Fields:
    layer = node.layer
    return _pool(node, _window(layer.kernel, layer.stride), layer.pads, shapes)


def _global_pool(name: str, node: Node[layers.QGlobalAvgPool2D], shapes: Shapes) -> Fields:
    whole = shapes[node.inputs[0]][:2]
    return _pool(node, _window(whole, (1, 1)), NO_PADS, shapes)


def _window(kernel: Sequence[int], stride: Sequence[int]) -> Fields:
    names = ("kernel_height", "kernel_width", "stride_y", "stride_x")
    # C holds a stride in int32.  A larger one is never taken: there is only one window.
    return dict(zip(names, (*kernel, *(min(s, 2**31 - 1) for s in stride)), strict=True))


def _shape(shape: Shape) -> str:
    """Return (H, W, C) as a struct; (C,) becomes one pixel, and of more axes the first are rows."""
    *between, channels = shape
    return f"{{{prod(between[:-1])}, {prod(between[-1:])}, {channels}}}"


class Kernel(NamedTuple):
    """What a layer becomes: a function, the struct that it reads, and what makes its fields.

    fields: function of (name, node, shapes), for nodes whose layer has the type in KERNELS;
    listed: whether the function takes its inputs as one array of them.
    """

    function: str
    struct: str
    fields: Callable[..., Fields]
    listed: bool = False


KERNELS: dict[type, Kernel] = {
    layers.QAdd: Kernel("add", "add", elementwise.add),
    layers.QAvgPool2D: Kernel("avg_pool2d", "pool2d", _avg_pool),
    layers.QClamp: Kernel("clamp", "clamp", elementwise.clamp),
    layers.QConcat: Kernel("concat", "concat", _concat, listed=True),
    layers.QConstant: Kernel("reshape", "reshape", _copied),
    layers.QConv2D: Kernel("conv2d", "conv2d", _conv),
    layers.QConv2DPerChannel: Kernel("conv2d", "conv2d", _conv),
    layers.QDense: Kernel("conv2d", "conv2d", _dense),
    layers.QDepthwiseConv2D: Kernel("depthwise_conv2d", "conv2d", _conv),
    layers.QGlobalAvgPool2D: Kernel("avg_pool2d", "pool2d", _global_pool),
    layers.QMaxPool2D: Kernel("max_pool2d", "pool2d", _max_pool),
    layers.QMean: Kernel("mean", "mean", elementwise.mean),
    layers.QMul: Kernel("mul", "mul", elementwise.pair),
    layers.QPad: Kernel("gather", "gather", _pad_any),
    layers.QPad2D: Kernel("pad2d", "pad2d", _pad),
    layers.QRescale: Kernel("requantize", "requantize", elementwise.requantize),
    layers.QReshape: Kernel("reshape", "reshape", _copied),
    layers.QSoftmax: Kernel("softmax", "softmax", elementwise.softmax),
    layers.QSub: Kernel("sub", "sub", elementwise.pair),
    layers.QTable: Kernel("table", "table", elementwise.table),
    layers.QTranspose: Kernel("gather", "gather", _transpose),
}
PADDED = Kernel("avg_pool2d_padded", "pool2d", _avg_pool)
PAIRS = {layers.QAdd, layers.QMul, layers.QSub}


def kernel_of(node: Node[Layer], shapes: Shapes) -> Kernel:
    """Return what a layer becomes.

    An average pool with pads and a pair that repeats axes have functions of their own, so that one
    without stays as small as it is.
    """
    layer = node.layer
    if type(layer) is layers.QAvgPool2D and any(layer.pads):
        return PADDED
    kernel = KERNELS[type(layer)]
    if type(layer) in PAIRS and elementwise.repeats(node, shapes):
        name = f"{kernel.function}_broadcast"
        return Kernel(name, name, elementwise.broadcast)
    return kernel
