"""The int8 network of a .tflite, which knows the file's tensors and operators."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyq.network import QNetwork


@dataclass(frozen=True, eq=False)
class TFLiteNetwork(QNetwork):
    """A network that was opened from a .tflite.

    tensor_indices: index of the tensor in the file that a node makes, by the node's name; of
    "input" too, but not of the nodes inside an operator, such as the pad before a convolution;
    operator_indices: index of the operator that each node is of, by the node's name.
    float_input, float_output: whether the file has the real numbers there, and QUANTIZE or
    DEQUANTIZE inside; the network's ends are the codes.
    """

    tensor_indices: Mapping[str, int]
    operator_indices: Mapping[str, int]
    float_input: bool = False
    float_output: bool = False
