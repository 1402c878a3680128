"""What an .onnx file holds, as plain data, and the operators on codes that QDQ stands for."""

from tinyq.models.onnx.file import parse, read
from tinyq.models.onnx.fuse import fused
from tinyq.models.onnx.model import MICROSOFT, Model, Operator, Tensor

__all__ = ["MICROSOFT", "Model", "Operator", "Tensor", "fused", "parse", "read"]
