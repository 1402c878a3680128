"""The reader of .tflite files: what a file holds, as plain data, before anything is made of it."""

from tinyq.models.tflite.file import parse, read
from tinyq.models.tflite.model import NO_TENSOR, Model, Operator, Tensor, list_operators
from tinyq.models.tflite.types import Activation, Options, Padding, TensorType

__all__ = [
    "NO_TENSOR",
    "Activation",
    "Model",
    "Operator",
    "Options",
    "Padding",
    "Tensor",
    "TensorType",
    "list_operators",
    "parse",
    "read",
]
