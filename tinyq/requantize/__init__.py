"""Requantization: from an int32 accumulator to int8 codes on another grid, under a named rounding.

The runtimes that people deploy use five rules.  They differ on few accumulators, and by a few codes
at most, but that is enough: two runtimes rarely give the same bytes.
"""

from tinyq.requantize.requantizer import Requantizer
from tinyq.requantize.roundings import (
    Rounding,
    rescale_float32,
    rescale_float64,
    rescale_single,
    rescale_up,
)

__all__ = [
    "Requantizer",
    "Rounding",
    "rescale_float32",
    "rescale_float64",
    "rescale_single",
    "rescale_up",
]
