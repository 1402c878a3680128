"""Write a calibrated network to files: for tinyq itself, as C, as .tflite, as ONNX."""

from collections.abc import Callable

from tinyq.export.archive import load, npz
from tinyq.export.c_source import c
from tinyq.export.onnx_file import onnx
from tinyq.export.tflite_file import tflite

# What `python -m tinyq export --format` offers: functions (qnet, path, *, force), by name.
# A new format is a module here, an import above and an entry below.
FORMATS: dict[str, Callable[..., None]] = {"npz": npz, "c": c, "tflite": tflite, "onnx": onnx}

__all__ = ["FORMATS", "c", "load", "npz", "onnx", "tflite"]
