"""tinyq: int8 inference whose every number is verified, in NumPy alone."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

from tinyq import floatref as float_layers
from tinyq import layers
from tinyq.affine import Grid
from tinyq.layers.nodes import Node
from tinyq.layers.scheme import Scheme
from tinyq.network import Network
from tinyq.observers import MSE, Entropy, MinMax, MovingAverage, Percentile
from tinyq.requantize import Requantizer, Rounding

if TYPE_CHECKING:
    from tinyq import export
    from tinyq.analysis import parity
    from tinyq.models import digits, resnet
    from tinyq.models.load_onnx import load_onnx
    from tinyq.models.load_tflite import load_tflite
    from tinyq.models.torch_resnet import load_torch

__version__ = "0.1.0"

__all__ = [
    "Entropy",
    "Grid",
    "MSE",
    "MinMax",
    "MovingAverage",
    "Network",
    "Node",
    "Percentile",
    "Requantizer",
    "Rounding",
    "Scheme",
    "digits",
    "export",
    "float_layers",
    "layers",
    "load_onnx",
    "load_tflite",
    "load_torch",
    "parity",
    "resnet",
]

# Imported when they are first asked for: they take as long as all the rest together.
LATER = {
    "digits": "tinyq.models.digits",
    "export": "tinyq.export",
    "load_onnx": "tinyq.models.load_onnx",
    "load_tflite": "tinyq.models.load_tflite",
    "load_torch": "tinyq.models.torch_resnet",
    "parity": "tinyq.analysis.parity",
    "resnet": "tinyq.models.resnet",
}


def __getattr__(name: str) -> object:
    if name not in LATER:
        raise AttributeError(f"module 'tinyq' has no attribute {name!r}")
    module = import_module(LATER[name])
    return getattr(module, name) if name.startswith("load_") else module


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Where modules of the first edition went whose names README and chapters used.
MOVED = {
    "tinyq.adam": "tinyq.methods.adam",
    "tinyq.adaround": "tinyq.methods.adaround",
    "tinyq.correction": "tinyq.methods.correction",
    "tinyq.digits": "tinyq.models.digits",
    "tinyq.equalization": "tinyq.methods.equalization",
    "tinyq.fakequant": "tinyq.methods.fakequant",
    "tinyq.finetune": "tinyq.methods.finetune",
    "tinyq.fold": "tinyq.methods.fold",
    "tinyq.gradients": "tinyq.methods.gradients",
    "tinyq.oracle": "tinyq.runtimes.oracle",
    "tinyq.parity": "tinyq.analysis.parity",
    "tinyq.resnet": "tinyq.models.resnet",
    "tinyq.worksheet": "tinyq.exercise.worksheet",
}


class _Moved(MetaPathFinder, Loader):
    """Import a moved module by its old name too, the very same module; goes with version 0.3."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(MOVED[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # the import has written its own spec over the module's
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state


sys.meta_path.append(_Moved())
