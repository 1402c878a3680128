"""The settings of every runtime, in one table."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import own_fields
from tinyq.checks.values import shown
from tinyq.layers import (
    QAdd,
    QDepthwiseConv2D,
    QMean,
    QMeanPool2D,
    QMul,
    QRescale,
    QSoftmax,
    QSoftmaxToGrid,
    QSub,
    QTable,
)
from tinyq.layers.contract import Codes
from tinyq.layers.linear import Linear
from tinyq.requantize import Rounding
from tinyq.runtimes import (
    add,
    add_floats,
    linear,
    mean,
    mul,
    pool,
    rescale,
    softmax,
    sub,
    tables,
    tables_onnx,
)


@dataclass(frozen=True)
class Runtime:
    """What one runtime does where runtimes differ; pad, ReLU and max pool are the same in all.

    name: key in RUNTIMES.
    conv: how a convolution's accumulators come back to int8.
    dense: the same for the dense layer.
    add: rule of the residual add, (layer, a, b) to codes.
    average_pool: rule of the average pools, (layer, codes) to codes.
    mean: rule of MEAN, (layer, codes) to codes.
    linear: rule of convolution and dense layer where a Rounding does not say it all, (layer,
    accumulators) to codes; None where conv and dense do.
    depthwise: rule of a depthwise convolution where that of convolution is not it, (layer,
    accumulators) to codes.
    dense_product: precision of s_in * s_w in the dense layer's ratio s_in * s_w / s_out.
    sub, mul: rules of the difference and the product, (layer, a, b) to codes.
    rescale, softmax, table: rules of QUANTIZE from int8 to int8, of SOFTMAX and of the functions of
    one code, (layer, codes) to codes.
    mean_pool, softmax_to_grid: rules of the average pool between two grids and of the softmax on
    another grid than TFLite's, likewise.
    quantize: rule of the float32 input of a network whose file quantizes it, (reals, grid) to
    codes; None where tinyq's own is taken.
    None for another of the last eight: nobody has measured it, or the runtime has no such operator.
    Raises TypeError for anything else.
    """

    name: str
    conv: Rounding
    dense: Rounding
    add: Callable[[QAdd, Codes, Codes], Codes]
    average_pool: Callable[[pool.AveragePool, Codes], Codes]
    mean: Callable[[QMean, Codes], Codes]
    linear: Callable[[Linear, NDArray[np.int32]], Codes] | None = None
    depthwise: Callable[[Linear, NDArray[np.int32]], Codes] | None = None
    dense_product: type[np.floating] = np.float64
    sub: Callable[[QSub, Codes, Codes], Codes] | None = None
    mul: Callable[[QMul, Codes, Codes], Codes] | None = None
    rescale: Callable[[QRescale, Codes], Codes] | None = None
    softmax: Callable[[QSoftmax, Codes], Codes] | None = None
    table: Callable[[QTable, Codes], Codes] | None = None
    mean_pool: Callable[[QMeanPool2D, Codes], Codes] | None = None
    softmax_to_grid: Callable[[QSoftmaxToGrid, Codes], Codes] | None = None
    quantize: Callable[[NDArray[np.float32], Grid], Codes] | None = None

    def __post_init__(self) -> None:
        own_fields(self)

    def special(self, layer: Linear) -> Callable[[Linear, NDArray[np.int32]], Codes] | None:
        """Return the rule for a layer's accumulators, None where a Rounding says it all."""
        if self.depthwise and type(layer) is QDepthwiseConv2D:
            return self.depthwise
        return self.linear


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
            sub=sub.fixed,
            mul=mul.fixed,
            rescale=rescale.fixed,
            softmax=softmax.fixed,
            table=tables.fixed,
        ),
        Runtime(
            "litert-reference",
            conv=Rounding.DOUBLE,
            dense=Rounding.FLOAT64,
            add=add.fixed,
            average_pool=pool.half_away,
            mean=mean.fixed,
            sub=sub.fixed,
            mul=mul.litert_reference,
            rescale=rescale.fixed,
            softmax=softmax.fixed,
            table=tables.litert,
        ),
        Runtime(
            "litert-optimized",
            conv=Rounding.UP,
            depthwise=linear.litert_optimized_depthwise,
            dense=Rounding.UP,
            dense_product=np.float32,
            add=add.litert_optimized,
            average_pool=pool.half_away,
            mean=mean.litert_optimized,
            sub=sub.fixed,
            mul=mul.litert_optimized,
            rescale=rescale.litert_optimized,
            softmax=softmax.float_table,
            table=tables.litert,
        ),
        Runtime(
            "litert-xnnpack",
            conv=Rounding.FLOAT32,
            dense=Rounding.FLOAT32,
            add=add.litert_default,
            average_pool=pool.half_away,
            mean=mean.xnnpack,
            linear=linear.xnnpack,
            depthwise=linear.xnnpack_depthwise,
            sub=sub.litert_default,
            mul=mul.litert_default,
            rescale=rescale.litert_default,
            softmax=softmax.float_table,
            table=tables.litert_default,
        ),
        Runtime(
            "onnxruntime",
            conv=Rounding.FLOAT32,
            dense=Rounding.FLOAT32,
            add=add_floats.onnx_runtime,
            average_pool=pool.onnx_runtime,
            mean=mean.onnx_runtime,
            mul=mul.onnx_runtime,
            rescale=rescale.onnx_runtime,
            softmax=softmax.onnx_runtime,
            table=tables_onnx.onnx_runtime,
            mean_pool=pool.onnx_runtime,
            softmax_to_grid=softmax.onnx_runtime,
            quantize=rescale.onnx_runtime_quantize,
        ),
        Runtime(
            "pytorch",
            conv=Rounding.FLOAT32,
            dense=Rounding.FLOAT32,
            add=add_floats.pytorch,
            average_pool=pool.pytorch,
            mean=mean.pytorch,
            linear=linear.pytorch,
        ),
    )
}


def named(runtime: str | Runtime) -> Runtime:
    """Return a runtime by its name in RUNTIMES; a Runtime is returned as it is.

    Raises TypeError for what is neither, ValueError for an unknown name, with the names there are.

    >>> named("litert-reference").dense
    <Rounding.FLOAT64: 'result = round(float64(acc) * ratio), ties away from zero'>
    """
    if isinstance(runtime, Runtime):
        return runtime
    if not isinstance(runtime, str):
        raise TypeError(f"runtime must be a name or a Runtime, got {shown(runtime)}")
    if runtime not in RUNTIMES:
        raise ValueError(f"runtime must be one of {', '.join(RUNTIMES)}, got {shown(runtime)}")
    return RUNTIMES[runtime]
