"""The rules by which runtimes subtract two int8 tensors.

Each takes a QSub and its two codes arrays, int8 (N, ...) whose samples broadcast, and returns int8.
"""

from tinyq.layers import QSub
from tinyq.layers.contract import Codes
from tinyq.runtimes.add import xnnpack, xnnpack_takes


def fixed(layer: QSub, a: Codes, b: Codes) -> Codes:
    """Return the difference under DOUBLE.

    Source: TFLite reference ``Sub``; TFLite Micro; LiteRT has no optimized int8 SUB of its own.
    """
    return QSub.from_float(*layer.in_grids, layer.out_grid).forward(a, b)


def litert_default(layer: QSub, a: Codes, b: Codes) -> Codes:
    """Return the difference by XNNPACK's rule where it takes the scales, else by LiteRT's own.

    Source: LiteRT with its default delegate.
    """
    return (xnnpack if xnnpack_takes(layer) else fixed)(layer, a, b)
