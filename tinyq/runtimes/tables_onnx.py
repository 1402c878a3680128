"""The rules by which ONNX Runtime computes functions of one code."""

from dataclasses import replace

import numpy as np

from tinyq.layers import QTable
from tinyq.layers.contract import Codes
from tinyq.layers.functions import CODES, Function
from tinyq.runtimes.fma import fused_floats
from tinyq.runtimes.rescale import quantized
from tinyq.runtimes.tables import Reals, clamped, named

# MLAS's rational approximation: coefficients from the highest power of x * x to the lowest.
TOP = [4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05, 8.51377133304701e-03]
TOP += [2.48287947061529e-01]
BOTTOM = [6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06, 1.70198817374094e-03]
BOTTOM += [1.16817656904453e-01, 9.93151921023180e-01]
BEYOND = np.float32(18)


def onnx_runtime(layer: QTable, codes: Codes) -> Codes:
    """Return LOGISTIC or LEAKY_RELU of the dequantized code, quantized anew, in float32.

    y = clamp(rint(f(s_in * (x - zp_in)) / s_out) + zp_out)

    Raises ValueError for another function, which ONNX Runtime has no operator on codes for.
    Source: ONNX Runtime ``QLinearSigmoid`` and ``QLinearLeakyRelu``, found by measurement.
    """
    x, function = layer.in_grid.dequantize(CODES.astype(np.int8)), named(layer)
    if function is Function.LEAKY_RELU:
        real = np.where(x >= 0, x, np.float32(layer.alpha) * x)
    elif function is Function.LOGISTIC:
        real = logistic(x)
    else:
        raise ValueError(
            "tinyq.runtimes: nobody has measured what onnxruntime makes of a QTable of "
            f"{function.name}"
        )
    table = clamped(quantized(real, layer.out_grid), layer.out_grid)
    return replace(layer, table=table).forward(codes)


def logistic(x: Reals) -> Reals:
    """Return 1 / (1 + exp(-x)) of float32 numbers as MLAS has it on a processor with FMA.

    y = clamp(x * top(x*x) / bottom(x*x) + 1/2, 0, 1), two polynomials, x within -18..18

    Source: MLAS ``MlasLogisticKernel``; every one of 200,000 numbers is equal to ``Sigmoid``'s.

    >>> logistic(np.float32([0, -20])).tolist()
    [0.5, 0.0]
    """
    x = np.clip(x, -BEYOND, BEYOND)
    square = x * x
    top, bottom = (polynomial(square, powers) for powers in (TOP, BOTTOM))
    return np.clip(top * x / bottom + np.float32(0.5), np.float32(0), np.float32(1))


def polynomial(x: Reals, coefficients: list[float]) -> Reals:
    """Return a polynomial by Horner's rule, each step a fused multiply-add in float32."""
    total = np.full_like(x, np.float32(coefficients[0]))
    for coefficient in coefficients[1:]:
        total = fused_floats(total, x, np.float32(coefficient))
    return total
