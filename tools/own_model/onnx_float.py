"""The trained network as an ONNX graph of float32: NCHW, its nodes named after Keras's layers."""

from collections.abc import Mapping, Sequence

import keras
import onnx
from keras import layers
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tinyq.layers import same_pads

OPSET, IR_VERSION = 21, 10
KINDS = {
    layers.Add: "Add",
    layers.BatchNormalization: "BatchNormalization",
    layers.Conv2D: "Conv",
    layers.Dense: "Gemm",
    layers.DepthwiseConv2D: "Conv",
    layers.GlobalAveragePooling2D: "GlobalAveragePool",
    layers.ReLU: "Relu",
    layers.Softmax: "Softmax",
}
# What a layer's arrays are called, in the order of both Keras and ONNX.
NORM, LINEAR = ("scale", "bias", "mean", "variance"), ("weights", "bias")
# Keras has HWIO and HWC1, where ONNX has OIHW and C1HW.
AXES = {layers.Conv2D: (3, 2, 0, 1), layers.DepthwiseConv2D: (2, 3, 0, 1)}


def export(network: keras.Model) -> onnx.ModelProto:
    """Return the graph of images (N, C, H, W), of any N."""
    image, *inner = network.layers
    height, width, channels = image.output.shape[1:]
    names = {layer.output.name: layer.name for layer in network.layers}
    constants = {name: array for layer in inner for name, array in arrays(layer).items()}
    graph = helper.make_graph(
        [node for layer in inner for node in nodes(layer, names)],
        network.name,
        [described(image.name, (channels, height, width))],
        [described(inner[-1].name, network.output.shape[1:])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model


def described(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    """Return a tensor of the graph, (N, *shape)."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])


def arrays(layer: layers.Layer) -> dict[str, NDArray]:
    """Return a layer's constants by name, in ONNX's order of axes."""
    names = NORM if isinstance(layer, layers.BatchNormalization) else LINEAR
    axes, values = AXES.get(type(layer)), layer.get_weights()  # a convolution here has no bias
    values = [value.transpose(axes) for value in values] if axes else values
    return {f"{layer.name}_{name}": value for name, value in zip(names, values, strict=False)}


def nodes(layer: layers.Layer, names: Mapping[str, str]) -> list[onnx.NodeProto]:
    """Return a layer's nodes; names: of each Keras tensor, the layer that makes it."""
    given = layer.input if isinstance(layer.input, list) else [layer.input]
    inputs = [*(names[tensor.name] for tensor in given), *arrays(layer)]
    kind, name, attributes = KINDS[type(layer)], layer.name, {}
    if kind == "GlobalAveragePool":  # ONNX's result is (N, C, 1, 1)
        pool = helper.make_node(kind, inputs, [f"{name}_pool"], f"{name}_pool")
        return [pool, helper.make_node("Flatten", pool.output, [name], name)]
    if kind == "BatchNormalization":
        attributes = {"epsilon": layer.epsilon}
    elif kind == "Conv":
        attributes = convolution(layer)
    return [helper.make_node(kind, inputs, [name], name, **attributes)]


def convolution(layer: layers.Conv2D | layers.DepthwiseConv2D) -> dict[str, int | list[int]]:
    """Return the attributes of a convolution; pads: before both axes, then after both."""
    kernel, strides, pads = list(layer.kernel_size), list(layer.strides), [0, 0, 0, 0]
    if layer.padding == "same":
        axes = zip(layer.input.shape[1:3], kernel, strides, strict=True)
        before, after = zip(*(same_pads(*axis) for axis in axes), strict=True)
        pads = [*before, *after]
    group = layer.input.shape[-1] if isinstance(layer, layers.DepthwiseConv2D) else 1
    return {"group": group, "kernel_shape": kernel, "pads": pads, "strides": strides}
