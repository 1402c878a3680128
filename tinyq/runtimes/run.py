"""Run tinyq's layers, and whole networks, under the rules of a runtime."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq import layers
from tinyq.checks import checked, in_float, instance
from tinyq.layers.contract import Codes, Layer, lookup
from tinyq.layers.images import to_codes
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT, naming_layer
from tinyq.network import QNetwork
from tinyq.runtimes.linear import requantize
from tinyq.runtimes.pool import AveragePool
from tinyq.runtimes.table import Runtime, named


def forward(layer: Layer, *codes: Codes, runtime: Runtime) -> Codes:
    """Return the codes that runtime would give for a tinyq layer.

    layer: any of tinyq.layers; codes: its int8 inputs; runtime: one of RUNTIMES.
    The layer's own rounding is not used.  Returns int8.
    Raises TypeError for a layer whose rules in the runtimes are not declared, and what
    layer.forward raises.

    >>> from tinyq import Grid, layers
    >>> from tinyq.runtimes import RUNTIMES
    >>> pool = layers.QGlobalAvgPool2D(Grid(1.0, 0))
    >>> for name in ("tflite-micro", "onnxruntime"):
    ...     forward(pool, np.int8([[[[2], [3]]]]), runtime=RUNTIMES[name])
    array([[3]], dtype=int8)
    array([[2]], dtype=int8)
    """
    instance("runtime", runtime, Runtime)
    rule = lookup(RULES, layer, "tinyq.runtimes")
    if len(codes) != len(layer.in_grids):
        raise TypeError(f"codes must be {len(layer.in_grids)} arrays, got {len(codes)}")
    with in_float("layer: its scales"):
        return rule(runtime, layer, *codes)


def _linear(runtime: Runtime, layer: Linear, codes: Codes) -> Codes:
    return finish(layer, layer.accumulate(codes), runtime)


def _add(runtime: Runtime, layer: layers.QAdd, a: Codes, b: Codes) -> Codes:
    return runtime.add(layer, a, b)


def _average_pool(runtime: Runtime, layer: AveragePool, codes: Codes) -> Codes:
    return runtime.average_pool(layer, codes)


def _mean(runtime: Runtime, layer: layers.QMean, codes: Codes) -> Codes:
    return runtime.mean(layer, codes)


def _declared(runtime: Runtime, layer: Layer, operator: str, *codes: Codes) -> Codes:
    rule = getattr(runtime, operator)
    if rule is None:
        kind = type(layer).__name__
        raise ValueError(
            f"tinyq.runtimes: nobody has measured what {runtime.name} makes of a {kind}"
        )
    return rule(layer, *codes)


def _sub(runtime: Runtime, layer: layers.QSub, a: Codes, b: Codes) -> Codes:
    return _declared(runtime, layer, "sub", a, b)


def _mul(runtime: Runtime, layer: layers.QMul, a: Codes, b: Codes) -> Codes:
    return _declared(runtime, layer, "mul", a, b)


def _rescale(runtime: Runtime, layer: layers.QRescale, codes: Codes) -> Codes:
    return _declared(runtime, layer, "rescale", codes)


def _softmax(runtime: Runtime, layer: layers.QSoftmax, codes: Codes) -> Codes:
    return _declared(runtime, layer, "softmax", codes)


def _softmax_to_grid(runtime: Runtime, layer: layers.QSoftmaxToGrid, codes: Codes) -> Codes:
    return _declared(runtime, layer, "softmax_to_grid", codes)


def _table(runtime: Runtime, layer: layers.QTable, codes: Codes) -> Codes:
    return _declared(runtime, layer, "table", codes)


def _mean_pool(runtime: Runtime, layer: layers.QMeanPool2D, codes: Codes) -> Codes:
    return _declared(runtime, layer, "mean_pool", codes)


def _constant(runtime: Runtime, layer: layers.QConstant) -> Codes:
    return layer.forward()


def _shared(runtime: Runtime, layer: Layer, *codes: Codes) -> Codes:
    return layer.forward(*codes)


# What each layer asks of a runtime: functions of (runtime, layer, *codes), for layers of the type.
# A layer that is not here is refused: nobody has measured what the runtimes do with it.
RULES: dict[type, Callable[..., Codes]] = {
    layers.QAdd: _add,
    layers.QAvgPool2D: _average_pool,
    layers.QClamp: _shared,
    layers.QConstant: _constant,
    layers.QConcat: _shared,
    layers.QConv2D: _linear,
    layers.QConv2DPerChannel: _linear,
    layers.QDense: _linear,
    layers.QDepthwiseConv2D: _linear,
    layers.QGlobalAvgPool2D: _average_pool,
    layers.QMaxPool2D: _shared,
    layers.QMean: _mean,
    layers.QMeanPool2D: _mean_pool,
    layers.QMul: _mul,
    layers.QPad2D: _shared,
    layers.QPad: _shared,
    layers.QRescale: _rescale,
    layers.QReshape: _shared,
    layers.QSoftmax: _softmax,
    layers.QSoftmaxToGrid: _softmax_to_grid,
    layers.QSub: _sub,
    layers.QTable: _table,
    layers.QTranspose: _shared,
}


@checked
@in_float("layer: its scales")
def finish(layer: Linear, acc: NDArray[np.int32], runtime: Runtime) -> Codes:
    """Return the codes that runtime would make of a layer's accumulators.

    layer: a convolution or dense layer; acc: int32 (..., O), as layer.accumulate gives them.
    Raises TypeError or ValueError for anything else.
    """
    if acc.shape[-1:] != layer.bias.shape:
        raise ValueError(f"acc must be (..., {len(layer.bias)}), got {acc.shape}")
    if special := runtime.special(layer):
        return special(layer, acc)
    if type(layer) is layers.QDense:
        return requantize(layer, acc, runtime.dense, runtime.dense_product)
    return requantize(layer, acc, runtime.conv)


@checked
def trace(qnet: QNetwork, images: NDArray[Any], runtime: str | Runtime) -> dict[str, Codes]:
    """Return every tensor's codes by layer name, as `QNetwork.trace` does, under runtime.

    images: float32 (N, H, W, C), quantized on the input grid here, by the runtime's own rule where
    the network's file has float32 inputs; int8 is taken as codes.
    runtime: a name in RUNTIMES, or a Runtime.
    Raises as QNetwork.trace and forward do, with the layer's name, and as named does.
    """
    return dict(tensors(qnet, images, named(runtime)))


def _input(qnet: QNetwork, images: NDArray[Any], runtime: Runtime) -> Codes:
    """Return the codes of a network's input: by the runtime's rule where its file quantizes it."""
    grid = qnet.grids[INPUT]
    codes = to_codes(images, grid, qnet.image_shape)
    inside = getattr(qnet, "float_input", False) and images.dtype != np.int8
    return (
        runtime.quantize(images.astype(np.float32), grid) if inside and runtime.quantize else codes
    )


def tensors(
    qnet: QNetwork,
    images: NDArray[Any],
    runtime: Runtime,
    known: Mapping[str, Codes] | None = None,
) -> Iterator[tuple[str, Codes]]:
    """Yield the name and the codes of each tensor in running order, as trace returns them.

    known: codes that are taken as they are instead of being computed, by name.
    """
    made = {INPUT: _input(qnet, images, runtime), **(known or {})}
    yield INPUT, made[INPUT]
    for node in qnet.nodes:
        if node.name not in made:
            with naming_layer(node.name):
                inputs = [made[name] for name in node.inputs]
                made[node.name] = forward(node.layer, *inputs, runtime=runtime)
        yield node.name, made[node.name]
