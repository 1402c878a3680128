"""The int8 network of an .onnx, which knows the file's tensors and operators."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyq.network import QNetwork


@dataclass(frozen=True, eq=False)
class ONNXNetwork(QNetwork):
    """A network that was opened from an .onnx.

    tensor_names: name of the tensor in the file that a node makes, by the node's name; of "input"
    too, but not of the nodes inside an operator, such as the pad before a convolution.  An image
    (N, C, H, W) of the file is (N, H, W, C) here; all other ranks are as in the file.
    operator_indices: index among the file's nodes of the operator that each node is of, by name.
    float_input, float_output: whether the file has the real numbers there, and QuantizeLinear or
    DequantizeLinear inside; the network's ends are the codes.
    """

    tensor_names: Mapping[str, str]
    operator_indices: Mapping[str, int]
    float_input: bool = False
    float_output: bool = False
