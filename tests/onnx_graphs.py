"""Random float .onnx graphs of the usual blocks, and how ONNX Runtime quantizes them."""

import logging
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from onnx_files import model, node
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

SIZE, CHANNELS, CLASSES = 12, 3, 7


class Graph:
    """A chain of blocks on images, (channels, height, width) of the last tensor in shape."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.last, self.shape = "x", (CHANNELS, SIZE, SIZE)

    def add(self, name: str, *inputs: str, **attributes: object) -> str:
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(node(name, inputs, self.last, **attributes))
        return self.last

    def hold(self, array: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array, np.float32)
        return name

    def normal(self, *shape: int) -> str:
        return self.hold(self.rng.normal(size=shape) / np.sqrt(max(np.prod(shape[1:]), 1)))

    def conv(self, channels: int, *, group: int = 1, kernel: int = 3, **attributes: object) -> str:
        weight = self.normal(channels, self.shape[0] // group, kernel, kernel)
        self.shape = (channels, *self.shape[1:])
        bias = self.normal(channels)
        attributes = {"pads": [kernel // 2] * 4} | attributes
        if "auto_pad" in attributes:
            del attributes["pads"]
        return self.add("Conv", self.last, weight, bias, group=group, **attributes)

    def conv_bn_relu(self) -> None:
        self.conv(int(self.rng.integers(3, 9)))
        positive = [self.hold(self.rng.uniform(0.5, 2, self.shape[0])) for _ in range(2)]
        rest = [self.hold(self.rng.normal(size=self.shape[0])) for _ in range(2)]
        self.add("BatchNormalization", self.last, positive[0], *rest, positive[1])
        self.add("Relu", self.last)

    def depthwise(self) -> None:
        multiplier = int(self.rng.integers(1, 3))
        pads = ["SAME_UPPER", "SAME_LOWER"][int(self.rng.integers(2))]
        self.conv(self.shape[0] * multiplier, group=self.shape[0], kernel=4, auto_pad=pads)
        self.add("Clip", self.last, self.hold(np.float32(0)), self.hold(np.float32(6)))

    def dilated(self) -> None:
        self.conv(4, dilations=[2, 1], pads=[2, 1, 2, 1])

    def residual(self) -> None:
        source = self.last
        self.add("Add", self.conv(self.shape[0]), source)

    def gate(self) -> None:
        source = self.last
        self.add("Mul", self.add("Sigmoid", source), source)

    def leaky(self) -> None:
        self.add("LeakyRelu", self.last, alpha=0.1)

    def joined(self) -> None:
        source, channels = self.last, self.shape[0]
        made = self.conv(3)
        self.add("Concat", source, made, axis=1)
        self.shape = (channels + 3, *self.shape[1:])

    def max_pool(self) -> None:
        self.add("MaxPool", self.last, kernel_shape=[3, 2], strides=[1, 1], pads=[1, 0, 1, 1])

    def average_pool(self) -> None:
        self.add("AveragePool", self.last, kernel_shape=[2, 3], strides=[1, 1])
        self.shape = (self.shape[0], self.shape[1] - 1, self.shape[2] - 2)

    def head(self, softmax: bool) -> None:
        if self.rng.random() < 0.5:
            self.add("GlobalAveragePool", self.last)
            self.shape = (self.shape[0], 1, 1)
        self.add("Flatten", self.last)
        width = int(np.prod(self.shape))
        self.add("Gemm", self.last, self.normal(width, 9), self.normal(9))
        self.add("MatMul", self.last, self.normal(9, CLASSES))
        if softmax:
            self.add("Softmax", self.last, axis=-1)

    def model(self) -> onnx.ModelProto:
        shapes = {"x": ("N", CHANNELS, SIZE, SIZE)}
        kinds = TensorProto.FLOAT, TensorProto.FLOAT
        return model(self.nodes, shapes, self.last, self.constants, kinds=kinds, opset=17)


BLOCKS = ["conv_bn_relu", "depthwise", "dilated", "residual", "gate", "leaky", "joined"]
BLOCKS += ["max_pool", "average_pool"]


def random_graph(seed: int, softmax: bool = True) -> onnx.ModelProto:
    """A model of random blocks, a convolution first; seeds 0 and 1 have each of them together."""
    graph = Graph(seed)
    graph.conv_bn_relu()
    order = graph.rng.permutation(BLOCKS)
    for block in order[seed % 2 :: 2] if seed < 2 else graph.rng.choice(BLOCKS, 4):
        getattr(graph, block)()
    graph.head(softmax)
    return graph.model()


def images(seed: int, count: int) -> np.ndarray:
    """Images (N, C, H, W)."""
    shape = (count, CHANNELS, SIZE, SIZE)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class Images(CalibrationDataReader):
    """Two batches to calibrate with."""

    def __init__(self) -> None:
        self.left = [{"x": images(seed, 4)} for seed in (90, 91)]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self.left.pop() if self.left else None


def quantized(made: onnx.ModelProto, folder: Path, form: str, per_channel: bool) -> Path:
    """The file that ONNX Runtime's quantizer makes of a float model, codes and weights int8."""
    source, folded, target = (folder / f"{name}.onnx" for name in ("float", "folded", "int8"))
    onnx.save(made, source)
    logging.disable(logging.WARNING)  # it says that QInt8 is slow
    try:
        quant_pre_process(source, folded, skip_symbolic_shape=True)
        quantize_static(
            folded,
            target,
            Images(),
            quant_format=QuantFormat[form],
            per_channel=per_channel,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
        )
    finally:
        logging.disable(logging.NOTSET)
    return target
