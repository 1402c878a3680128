"""tinyq: int8 inference whose every number is verified, in NumPy alone."""

from tinyq import layers, network, parity, resnet
from tinyq.affine import Grid
from tinyq.observers import MinMax
from tinyq.requantize import Requantizer, Rounding

__version__ = "0.1.0"

__all__ = [
    "Grid",
    "MinMax",
    "Requantizer",
    "Rounding",
    "layers",
    "network",
    "parity",
    "resnet",
]
