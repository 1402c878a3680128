"""What must hold of a network so that a file of codes and scales says all of it."""

from collections.abc import Callable, Mapping

from tinyq.layers import (
    QAdd,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QDepthwiseConv2D,
    QMean,
    QMeanPool2D,
    QMul,
    QRescale,
    QSoftmaxToGrid,
    QSub,
)
from tinyq.layers.add import LEFT_SHIFT
from tinyq.layers.contract import Layer, Shape, lookup
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node, naming_layer
from tinyq.network import QNetwork
from tinyq.requantize import Requantizer


def check_portable(qnet: QNetwork, check: Callable[..., None]) -> dict[str, Shape]:
    """Return qnet.shapes() after checking that a runtime can derive the rest from scales.

    check: what the format's readers ask of a layer, one of tinyq.export.readers.
    Raises as QNetwork.shapes does, and ValueError, with the layer's name, for a grid narrower than
    int8, a ratio that is not in_scale * weight_scale / out_scale, another left_shift than 20, or
    scales that a reader aborts on, refuses, or gives another meaning.

    >>> from tinyq import Scheme, resnet
    >>> from tinyq.export import readers
    >>> weights, biases, images = resnet.seed()
    >>> net = resnet.stem_block(weights, biases)
    >>> check_portable(net.quantize(images), readers.tflite)["dense_8x4"]
    (4,)
    >>> narrow = net.quantize(images, schemes={"dense_8x4": Scheme(activation_bits=4)})
    >>> check_portable(narrow, readers.tflite)
    Traceback (most recent call last):
    ValueError: layer 'dense_8x4': codes must be on the grid -128..127 of int8, got -8..7
    """
    shapes = qnet.shapes()
    for name, grid in qnet.grids.items():
        with naming_layer(name):
            if (grid.qmin, grid.qmax) != (-128, 127):
                raise ValueError(
                    f"codes must be on the grid -128..127 of int8, got {grid.qmin}..{grid.qmax}"
                )
    for node in qnet.nodes:
        with naming_layer(node.name):
            _check_ratios(node.layer)
            check(node.layer, *(shapes[name] for name in node.inputs))
    return shapes


def check_one_shape(node: Node[Layer], shapes: Mapping[str, Shape]) -> None:
    """Raise ValueError unless the tensors that a node reads have one shape, where there are two.

    shapes: of one image's tensors, by name.
    """
    read = [tuple(shapes[name]) for name in node.inputs]
    if len(set(read)) > 1:
        raise ValueError(f"its inputs must have one shape here, got {read}")


def _check_ratios(layer: Layer) -> None:
    """Raise ValueError unless the layer's ratios are those that its scales give."""
    if not layer.requantizers:
        return
    usual = lookup(USUAL, layer, "the list of layers whose ratios follow from their scales")(layer)
    for own, derived in zip(layer.requantizers.values(), usual, strict=True):
        # one ratio for all channels is the same as that ratio for each
        if not (own.ratio == derived.ratio).all():
            raise ValueError("its ratios must be those of its scales, as from_float makes them")


def _of_add(layer: QAdd) -> list[Requantizer]:
    if layer.left_shift != LEFT_SHIFT:
        raise ValueError(f"left_shift must be {LEFT_SHIFT}, got {layer.left_shift}")
    return [*QAdd.from_float(*layer.in_grids, layer.out_grid).requantizers.values()]


def _of_sub(layer: QSub) -> list[Requantizer]:
    return [*QSub.from_float(*layer.in_grids, layer.out_grid).requantizers.values()]


def _of_mul(layer: QMul) -> list[Requantizer]:
    rounding = layer.requantizer.rounding
    return [QMul.from_float(*layer.in_grids, layer.out_grid, rounding).requantizer]


def _of_mean_pool(layer: QMeanPool2D) -> list[Requantizer]:
    windows, rounding = (layer.kernel, layer.stride), layer.requantizer.rounding
    return [QMeanPool2D.from_float(layer.in_grid, layer.out_grid, *windows, rounding).requantizer]


def _of_two_grids(layer: QRescale | QSoftmaxToGrid) -> list[Requantizer]:
    rounding = layer.requantizer.rounding
    return [type(layer).from_float(layer.in_grid, layer.out_grid, rounding).requantizer]


def _of_linear(layer: Linear) -> list[Requantizer]:
    scales = layer.in_grid.scale, layer.weight_scale, layer.out_grid.scale
    return [Requantizer.from_scales(*scales, layer.requantizer.rounding)]


# What gives the requantizers that a layer's scales imply, by the layer's type.
USUAL: dict[type, Callable[..., list[Requantizer]]] = {
    QAdd: _of_add,
    QConv2D: _of_linear,
    QConv2DPerChannel: _of_linear,
    QDense: _of_linear,
    QDepthwiseConv2D: _of_linear,
    QMean: lambda layer: [QMean(layer.in_grid, layer.out_grid).rescale],
    QMeanPool2D: _of_mean_pool,
    QMul: _of_mul,
    QRescale: _of_two_grids,
    QSoftmaxToGrid: _of_two_grids,
    QSub: _of_sub,
}
