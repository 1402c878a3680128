"""The rules by which runtimes compute functions of one code.

Each takes a QTable that was filled with a function and its codes, int8 (N, ...), and returns int8
of that shape.  Raises ValueError where the runtime does not take the grids, or where the answer to
a code depends on the last bits of the platform's own function.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid, round_half_away
from tinyq.layers import QTable
from tinyq.layers.contract import Codes
from tinyq.layers.functions import CODES, Function, Table, code_of_six, steps
from tinyq.layers.table import FILL

Reals = NDArray[np.float32]
LIBM = {Function.LOGISTIC, Function.TANH}  # what LiteRT asks the C library for
# How far C libraries are off before they round to float32.  Their expf is right to 0.51 units of
# the last place (glibc since 2.28, musl, bionic), tanhf to 2 or so.
EXP_ERROR, TANH_ERROR = 0.02 * 2.0**-24, 4 * 2.0**-24


def fixed(layer: QTable, codes: Codes) -> Codes:
    """Return what the table says that is filled in integers, which `QTable.of` gives.

    RELU6 is the clamp of the input's codes, whatever the output's grid.
    Source: TFLite Micro.
    """
    if named(layer) is not Function.RELU6:
        table = FILL[named(layer)](layer.in_grid, layer.out_grid, layer.alpha)
        return replace(layer, table=table).forward(codes)
    zero, six = layer.in_grid.zero_point, code_of_six(layer.in_grid)
    return replace(layer, table=np.clip(CODES, zero, six).astype(np.int8)).forward(codes)


def litert(layer: QTable, codes: Codes) -> Codes:
    """Return what a table in integers says, its ratios in float32, for LOGISTIC and TANH in floats.

    y = clamp(round(f(s_in * (x - zp_in)) * (1 / s_out)) + zp_out), ties away from zero

    f is the platform's float32 function.
    Source: LiteRT ``LUTPopulate``, for its reference and its optimized kernels.
    """
    if named(layer) not in LIBM:
        filled = FILL[named(layer)](layer.in_grid, layer.out_grid, layer.alpha, np.float32)
        return replace(layer, table=filled).forward(codes)
    out = layer.out_grid
    if layer.function is Function.LOGISTIC and out.scale != 1 / 256:
        raise ValueError(f"LiteRT's LOGISTIC makes a scale of 1/256, got {out}")
    x = np.float32(layer.in_grid.scale) * steps(layer.in_grid).astype(np.float32)

    def table(values: Reals) -> Table:
        return clamped(round_half_away(values * inverse(out)) + out.zero_point, out)

    return certain(layer, codes, *map(table, real(named(layer), x)))


def litert_default(layer: QTable, codes: Codes) -> Codes:
    """Return XNNPACK's answer for LOGISTIC, TANH and LEAKY_RELU, for the rest LiteRT's own.

    LOGISTIC, TANH: y = clamp(rint(f(s_in * (x - zp_in)) * (1 / s_out) + zp_out)), in float32, ties
    to even; LOGISTIC is e / (1 + e), e = exp(x), in float64.
    Source: XNNPACK's reference ``unary-elementwise``; LiteRT with its default delegate.
    """
    if layer.function is Function.LEAKY_RELU:
        return xnnpack_leaky_relu(layer, codes)
    if named(layer) not in LIBM:
        return litert(layer, codes)
    out = layer.out_grid
    x = steps(layer.in_grid).astype(np.float32) * np.float32(layer.in_grid.scale)
    power = np.exp(np.clip(x.astype(np.float64), -100, 100))
    logistic = (power / (1 + power)).astype(np.float32)

    def table(values: Reals) -> Table:
        return clamped(np.rint(values * inverse(out) + np.float32(out.zero_point)), out)

    tanh = layer.function is Function.TANH
    values = real(Function.TANH, x) if tanh else [logistic]
    return certain(layer, codes, *map(table, values))


def xnnpack_leaky_relu(layer: QTable, codes: Codes) -> Codes:
    """Return LEAKY_RELU with 8 bits of fraction in its two multipliers, ties up.

    m = rint(256 * s_in / s_out), below zero rint(256 * s_in / s_out * alpha), in float32
    y = clamp((((x - zp_in) * m + 128) >> 8) + zp_out)

    XNNPACK takes a ratio in 2**-8..2**7 whose product with alpha has such a size, and is above
    -(2**7 - 2**-8); LiteRT's own kernel has the rest.
    Source: XNNPACK ``qs8-vlrelu``.
    """
    up = np.float32(layer.in_grid.scale) / np.float32(layer.out_grid.scale)
    down = up * np.float32(layer.alpha)
    takes = 2.0**-8 <= up <= 2.0**7 and abs(down) >= 2.0**-8
    if not takes or not 2.0**-8 - 2.0**7 <= down <= 2.0**7:
        return litert(layer, codes)
    x = steps(layer.in_grid)
    high, low = (np.int64(np.rint(np.float32(256) * ratio)) for ratio in (up, down))
    scaled = (x * np.where(x >= 0, high, low) + 128) >> 8
    table = clamped(scaled + layer.out_grid.zero_point, layer.out_grid)
    return replace(layer, table=table).forward(codes)


def real(function: Function, x: Reals) -> list[Reals]:
    """Return LOGISTIC or TANH of float32 numbers as LiteRT has it, every operation in float32.

    The platform's exp or tanh is that of float64, rounded; then come two others that it may be.
    """
    with np.errstate(over="ignore", under="ignore"):
        if function is Function.TANH:
            return rounded(np.tanh(x.astype(np.float64)), TANH_ERROR)
        return [
            np.float32(1) / (np.float32(1) + power)
            for power in rounded(np.exp(-x.astype(np.float64)), EXP_ERROR)
        ]


def rounded(exact: NDArray[np.float64], error: float) -> list[Reals]:
    """Return real numbers as float32, and what becomes of them with a relative error either way."""
    return [(exact * (1 + off)).astype(np.float32) for off in (0.0, -error, error)]


def certain(layer: QTable, codes: Codes, table: Table, *others: Table) -> Codes:
    """Return what a table says.  Raises ValueError for a code on which another differs from it."""
    made = replace(layer, table=table).forward(codes)
    for other in others:
        if (differ := made != replace(layer, table=other).forward(codes)).any():
            code = int(codes[differ][0])
            raise ValueError(
                f"{named(layer).name}: the answer to code {code} depends on the last bits of the "
                "platform's own function"
            )
    return made


def inverse(grid: Grid) -> np.float32:
    """Return 1 / scale, in float32."""
    return np.float32(1) / np.float32(grid.scale)


def clamped(values: NDArray[np.floating] | NDArray[np.int64], grid: Grid) -> Table:
    """Return whole numbers clamped to grid, as int8."""
    return np.clip(values, grid.qmin, grid.qmax).astype(np.int8)


def named(layer: QTable) -> Function:
    """Return the function that a table was filled with; raise ValueError for none."""
    if layer.function is None:
        raise ValueError("QTable: no runtime has an operator for a table of no named function")
    return layer.function
