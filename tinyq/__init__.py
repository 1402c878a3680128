"""tinyq: int8 inference whose every number is verified, in NumPy alone."""

from tinyq import export, layers, network, parity, resnet
from tinyq.affine import Grid
from tinyq.observers import MSE, Entropy, MinMax, MovingAverage, Percentile
from tinyq.requantize import Requantizer, Rounding
from tinyq.scheme import Scheme
from tinyq.torch_resnet import load_torch

__version__ = "0.1.0"

__all__ = [
    "Entropy",
    "Grid",
    "MSE",
    "MinMax",
    "MovingAverage",
    "Percentile",
    "Requantizer",
    "Rounding",
    "Scheme",
    "export",
    "layers",
    "load_torch",
    "network",
    "parity",
    "resnet",
]
