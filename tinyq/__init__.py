"""tinyq: int8 inference whose every number is verified, in NumPy alone."""

from importlib import import_module
from typing import TYPE_CHECKING

from tinyq import layers, network, parity
from tinyq.affine import Grid
from tinyq.observers import MSE, Entropy, MinMax, MovingAverage, Percentile
from tinyq.requantize import Requantizer, Rounding
from tinyq.scheme import Scheme

if TYPE_CHECKING:
    from tinyq import export, resnet
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

# Imported when they are first asked for: they take as long as all the rest together.
LATER = {"export": "tinyq.export", "load_torch": "tinyq.torch_resnet", "resnet": "tinyq.resnet"}


def __getattr__(name: str) -> object:
    if name not in LATER:
        raise AttributeError(f"module 'tinyq' has no attribute {name!r}")
    module = import_module(LATER[name])
    return module.load_torch if name == "load_torch" else module


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
