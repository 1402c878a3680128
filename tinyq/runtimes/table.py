"""Every runtime's settings in one table, and the two functions that run tinyq under them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.layers import QAdd, QAvgPool2D, QDense, QGlobalAvgPool2D
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import Node
from tinyq.network import QNetwork
from tinyq.requantize import Requantizer, Rounding
from tinyq.runtimes import add, linear, mean, pool
from tinyq.runtimes.mean import QMean

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class Runtime:
    """What one runtime does where runtimes differ; pad, ReLU and max pool they share.

    name: key in RUNTIMES.
    conv: how a convolution's accumulators come back to int8.
    dense: the same for the dense layer.
    add: rule of the residual add, (layer, a, b) to codes.
    average_pool: rule of the average pools, (layer, codes) to codes.
    mean: rule of MEAN over height and width, (layer, codes) to codes.
    linear: rule of both that needs more than a Rounding, (layer, accumulators) to codes, or None.
    dense_product: precision of s_in * s_w in the dense layer's ratio s_in * s_w / s_out.
    """

    name: str
    conv: Rounding
    dense: Rounding
    add: Callable[[QAdd, Codes, Codes], Codes]
    average_pool: Callable[[QAvgPool2D | QGlobalAvgPool2D, Codes], Codes]
    mean: Callable[[QMean, Codes], Codes]
    linear: Callable[[Linear, NDArray[np.int32]], Codes] | None = None
    dense_product: type[np.floating] = np.float64


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime(
            "tflite-micro",
            conv=Rounding.DOUBLE,
            dense=Rounding.DOUBLE,
            add=add.fixed,
            average_pool=pool.half_away,
            mean=mean.fixed,
        ),
        Runtime(
            "litert-reference",
            conv=Rounding.DOUBLE,
            dense=Rounding.FLOAT64,
            add=add.fixed,
            average_pool=pool.half_away,
            mean=mean.fixed,
        ),
        Runtime(
            "litert-optimized",
            conv=Rounding.UP,
            dense=Rounding.UP,
            dense_product=np.float32,
            add=add.litert_optimized,
            average_pool=pool.half_away,
            mean=mean.litert_optimized,
        ),
        Runtime(
            "litert-xnnpack",
            conv=Rounding.FLOAT32,
            dense=Rounding.FLOAT32,
            add=add.litert_default,
            average_pool=pool.half_away,
            mean=mean.xnnpack,
            linear=linear.xnnpack,
        ),
        Runtime(
            "onnxruntime",
            conv=Rounding.FLOAT32,
            dense=Rounding.FLOAT32,
            add=add.onnx_runtime,
            average_pool=pool.onnx_runtime,
            mean=mean.onnx_runtime,
        ),
        Runtime(
            "pytorch",
            conv=Rounding.FLOAT32,
            dense=Rounding.FLOAT32,
            add=add.pytorch,
            average_pool=pool.pytorch,
            mean=mean.pytorch,
            linear=linear.pytorch,
        ),
    )
}


def forward(layer: object, *codes: Codes, runtime: Runtime) -> Codes:
    """Return the codes that runtime would give for a tinyq layer.

    layer: any of tinyq.layers, or a QMean; codes: its int8 inputs; runtime: one of RUNTIMES.
    The layer's own rounding plays no part.  Returns int8.  Raises what layer.forward raises.

    >>> from tinyq import Grid, layers
    >>> pool = layers.QGlobalAvgPool2D(Grid(1.0, 0))
    >>> for name in ("tflite-micro", "onnxruntime"):
    ...     forward(pool, np.int8([[[[2], [3]]]]), runtime=RUNTIMES[name])
    array([[3]], dtype=int8)
    array([[2]], dtype=int8)
    """
    match layer:
        case Linear():
            return finish(layer, layer.accumulate(*codes), runtime)
        case QAdd():
            return runtime.add(layer, *codes)
        case QAvgPool2D() | QGlobalAvgPool2D():
            return runtime.average_pool(layer, *codes)
        case QMean():
            return runtime.mean(layer, *codes)
        case _:
            return layer.forward(*codes)


def finish(layer: Linear, acc: NDArray[np.int32], runtime: Runtime) -> Codes:
    """Return the codes that runtime would make of a layer's accumulators (..., O)."""
    if runtime.linear:
        return runtime.linear(layer, acc)
    if isinstance(layer, QDense):
        return requantize(layer, acc, runtime.dense, runtime.dense_product)
    return requantize(layer, acc, runtime.conv)


def requantize(
    layer: Linear,
    acc: NDArray[np.int32],
    rounding: Rounding,
    product: type[np.floating] = np.float64,
) -> Codes:
    """Return the codes of a layer's accumulators under a rounding, the ratio from its scales.

    product: precision of s_in * s_w; FLOAT32 takes float32 whatever it says.
    Where the zero_point leads out of int32 the sum wraps, as in C.  FLOAT32 clamps before that.
    """
    grid = layer.out_grid
    scales = product(layer.in_grid.scale) * layer.weight_scale.astype(product)
    requantizer = Requantizer.from_scales(1.0, scales, grid.scale, rounding)
    total = requantizer.rescale(acc) + grid.zero_point
    if rounding is not Rounding.FLOAT32:
        total = total.astype(np.int32)
    return np.clip(total, grid.qmin, grid.qmax).astype(np.int8)


@dataclass(frozen=True, eq=False)
class _Under:
    """A layer that answers as a runtime would."""

    layer: object
    runtime: Runtime

    def forward(self, *codes: Codes) -> Codes:
        return forward(self.layer, *codes, runtime=self.runtime)


def trace(qnet: QNetwork, images: NDArray, runtime: Runtime) -> dict[str, Codes]:
    """Return every tensor's codes by layer name, as `QNetwork.trace` does, under runtime.

    images: float32 (N, H, W, C), quantized on the input grid here; int8 is taken as codes.
    """
    nodes = tuple(Node(n.name, _Under(n.layer, runtime), n.inputs) for n in qnet.nodes)
    return QNetwork(nodes, qnet.grids, qnet.ranges, qnet.image_shape).trace(images)
