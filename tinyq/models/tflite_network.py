"""The int8 network of a .tflite, which knows the file's tensors and operators."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyq.models.opened.network import OpenedNetwork


@dataclass(frozen=True, eq=False)
class TFLiteNetwork(OpenedNetwork):
    """A network that was opened from a .tflite.

    tensor_indices: index of the tensor in the file that a node makes, by the node's name; of
    "input" too, but not of the nodes inside an operator, such as the pad before a convolution.
    """

    tensor_indices: Mapping[str, int]
