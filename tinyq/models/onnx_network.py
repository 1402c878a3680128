"""The int8 network of an .onnx, which knows the file's tensors and operators."""

from collections.abc import Mapping
from dataclasses import dataclass

from tinyq.models.opened.network import OpenedNetwork


@dataclass(frozen=True, eq=False)
class ONNXNetwork(OpenedNetwork):
    """A network that was opened from an .onnx.

    tensor_names: name of the tensor in the file that a node makes, by the node's name; of "input"
    too, but not of the nodes inside an operator, such as the pad before a convolution.  An image
    (N, C, H, W) of the file is (N, H, W, C) here; all other ranks are as in the file.
    """

    tensor_names: Mapping[str, str]
