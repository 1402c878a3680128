"""Write a .tflite from tinyq layers, without TensorFlow: through LiteRT's own schema classes.

A model is one subgraph.  Each tensor carries its grid; weights carry a scale a channel, or one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from tinyq import Grid
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QPad2D,
    qrelu,
    qrelu6,
)
from tinyq.layers.linear import Linear
from tinyq.network import INPUT, QNetwork
from tinyq.runtimes import QMean
from tools.parity.cases import Case

Op, Activation, Kind = schema.BuiltinOperator, schema.ActivationFunctionType, schema.TensorType
VERSIONS = {
    Op.CONV_2D: 3,
    Op.FULLY_CONNECTED: 4,
    Op.ADD: 2,
    Op.AVERAGE_POOL_2D: 2,
    Op.MAX_POOL_2D: 2,
    Op.MEAN: 2,
    Op.PAD: 2,
    Op.RELU: 2,
    Op.RELU6: 2,
}
KINDS = {"int8": Kind.INT8, "int32": Kind.INT32}


@dataclass(frozen=True)
class Step:
    """A layer, the names it reads, the name it makes; what was fused into it.

    activation: applied to its output; same: whether a SAME padding surrounds its input.
    """

    layer: object
    inputs: tuple[str, ...]
    output: str
    activation: int = Activation.NONE
    same: bool = False


def build(
    nodes: Sequence[tuple[object, Sequence[str], str]],
    inputs: Mapping[str, tuple[Grid, tuple[int, ...]]],
    output: str,
    fuse_relu: bool = False,
    fuse_pad: bool = False,
) -> bytes:
    """Return the .tflite of a graph of layers.

    nodes: (layer, input names, output name) in running order; layers of tinyq.layers or QMean;
    inputs: (grid, shape) by name, in the order of the model's inputs; output: the name it returns.
    fuse_relu: put a ReLU into the layer before it; fuse_pad: put a pad into the convolution
    after it wherever it is what SAME means there.
    A global average pool gives (N, 1, 1, C) inside the model.
    """
    writer = Writer()
    for name, (grid, shape) in inputs.items():
        writer.activation(name, grid, shape)
    steps = [Step(layer, tuple(names), made) for layer, names, made in nodes]
    if fuse_pad:
        steps = with_same(steps, {name: shape for name, (_, shape) in inputs.items()})
    for step in with_relu(steps) if fuse_relu else steps:
        writer.add(step)
    return writer.finish(tuple(inputs), output)


def of_case(case: Case) -> bytes:
    """Return the model of one layer, its inputs in the case's order."""
    names = ["a", "b"][: len(case.inputs)]
    grids = case.layer.in_grids if isinstance(case.layer, QAdd) else [case.layer.in_grid]
    inputs = {
        name: (grid, codes.shape)
        for name, grid, codes in zip(names, grids, case.inputs, strict=True)
    }
    return build([(case.layer, names, "y")], inputs, "y")


def of_network(qnet: QNetwork, count: int, **fuse: bool) -> bytes:
    """Return the model of a whole network for count images at a time; fuse: as `build` takes it."""
    nodes = [(node.layer, node.inputs, node.name) for node in qnet.nodes]
    inputs = {INPUT: (qnet.grids[INPUT], (count, *qnet.image_shape))}
    return build(nodes, inputs, qnet.nodes[-1].name, **fuse)


def output_shape(layer: object, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that layer makes of inputs of these shapes."""
    return layer.forward(*(np.zeros(shape, np.int8) for shape in shapes)).shape


def readers(steps: Sequence[Step], name: str) -> list[Step]:
    """Return the steps that read the tensor called name."""
    return [step for step in steps if name in step.inputs]


def with_relu(steps: Sequence[Step]) -> list[Step]:
    """Return the steps, each ReLU moved into its maker where that has no other reader."""
    fused: list[Step] = []
    for step in steps:
        maker = fused[-1] if fused else None
        if (
            is_relu(step.layer)
            and maker is not None
            and isinstance(maker.layer, Linear | QAdd)
            and step.inputs == (maker.output,)
            and len(readers(steps, maker.output)) == 1
        ):
            fused[-1] = Step(maker.layer, maker.inputs, step.output, Activation.RELU, maker.same)
        else:
            fused.append(step)
    return fused


def with_same(steps: Sequence[Step], shapes: dict[str, tuple[int, ...]]) -> list[Step]:
    """Return the steps without the pads that a SAME convolution does by itself."""
    fused: list[Step] = []
    for step in steps:
        shapes[step.output] = output_shape(step.layer, *(shapes[name] for name in step.inputs))
        maker = fused[-1] if fused else None
        if (
            isinstance(step.layer, QConv2D)
            and maker is not None
            and isinstance(maker.layer, QPad2D)
            and step.inputs == (maker.output,)
            and maker.layer.pads == same_pads(step.layer, shapes[maker.inputs[0]])
        ):
            fused[-1] = Step(step.layer, maker.inputs, step.output, same=True)
        else:
            fused.append(step)
    return fused


def same_pads(layer: QConv2D, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of SAME: the output is ceil(size / stride), odd cell last.

    shape: (N, H, W, C) of the image before the pad.
    """
    pads = []
    for size, kernel, stride in zip(shape[1:3], layer.weight.shape[1:3], layer.stride, strict=True):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


def is_relu(layer: object) -> bool:
    """Return whether layer clamps as a ReLU does."""
    return isinstance(layer, QClamp) and layer == qrelu(layer.in_grid)


def clamp_op(layer: QClamp) -> int:
    """Return RELU or RELU6: whichever clamps as layer does.  Raises ValueError for neither."""
    if is_relu(layer):
        return Op.RELU
    if layer == qrelu6(layer.in_grid):
        return Op.RELU6
    raise ValueError(f"no TFLite operator clamps to {layer.low}..{layer.high}")


class Writer:
    """The tensors, buffers and operators of one model, in the order they were added."""

    def __init__(self) -> None:
        self.buffers = [schema.BufferT()]  # buffer 0 is empty, for tensors made at run time
        self.tensors: list[schema.TensorT] = []
        self.codes: list[int] = []
        self.operators: list[schema.OperatorT] = []
        self.names: dict[str, int] = {}

    def activation(self, name: str, grid: Grid, shape: tuple[int, ...]) -> int:
        """Add a tensor made at run time; return its index."""
        self.names[name] = self._tensor(name, shape, Kind.INT8, 0, [grid.scale], [grid.zero_point])
        return self.names[name]

    def constant(self, name: str, values: NDArray, scales: Sequence[float] = ()) -> int:
        """Add a tensor of int8 or int32 values, symmetric if it has scales; return its index."""
        self.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        kind, zeros = KINDS[values.dtype.name], [0] * len(scales)
        return self._tensor(name, values.shape, kind, len(self.buffers) - 1, scales, zeros)

    def _tensor(self, name, shape, kind, buffer, scales, zero_points) -> int:
        quantization = schema.QuantizationParametersT()
        if len(scales):
            quantization.scale = [float(scale) for scale in scales]
            quantization.zeroPoint = [int(zero_point) for zero_point in zero_points]
        self.tensors.append(
            schema.TensorT(
                shape=[int(size) for size in shape],
                type=kind,
                buffer=buffer,
                name=name,
                quantization=quantization,
            )
        )
        return len(self.tensors) - 1

    def add(self, step: Step) -> None:
        """Add the operator of one step and the tensor that it makes."""
        layer, reads = step.layer, [self.names[name] for name in step.inputs]
        code, constants, kind, options = parts(step, self.tensors[reads[0]].shape)
        reads += [self.constant(f"{step.output}/{name}", *rest) for name, *rest in constants]
        shape = made_shape(step, [self.tensors[self.names[name]].shape for name in step.inputs])
        made = self.activation(step.output, layer.out_grid, shape)
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT(
            opcodeIndex=self.codes.index(code), inputs=reads, outputs=[made]
        )
        if options is not None:
            operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.operators.append(operator)

    def finish(self, inputs: Sequence[str], output: str) -> bytes:
        """Return the model's bytes."""
        graph = schema.SubGraphT(
            tensors=self.tensors,
            operators=self.operators,
            inputs=[self.names[name] for name in inputs],
            outputs=[self.names[output]],
            name="main",
        )
        codes = [
            schema.OperatorCodeT(
                deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=VERSIONS[code]
            )
            for code in self.codes
        ]
        model = schema.ModelT(
            version=3,
            description="tinyq",
            operatorCodes=codes,
            subgraphs=[graph],
            buffers=self.buffers,
        )
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def made_shape(step: Step, shapes: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """Return the shape of the tensor that a step makes inside the model."""
    layer, first = step.layer, tuple(shapes[0])
    if isinstance(layer, QGlobalAvgPool2D):
        return first[0], 1, 1, first[3]
    if isinstance(layer, QDense):
        return first[0], len(layer.bias)
    if step.same:
        top, bottom, left, right = same_pads(layer, first)
        first = (first[0], first[1] + top + bottom, first[2] + left + right, first[3])
    return output_shape(layer, first, *map(tuple, shapes[1:]))


def parts(step: Step, shape: Sequence[int]) -> tuple[int, list[tuple], int, object]:
    """Return (operator code, constants, kind of its options, options) of a step.

    shape: of its first input.  A constant is (name, values, scales); scales may be absent.
    """
    layer, kinds = step.layer, schema.BuiltinOptions
    match layer:
        case QConv2D():
            options = schema.Conv2DOptionsT(
                padding=schema.Padding.SAME if step.same else schema.Padding.VALID,
                strideH=layer.stride[0],
                strideW=layer.stride[1],
                fusedActivationFunction=step.activation,
            )
            return Op.CONV_2D, linear_constants(layer), kinds.Conv2DOptions, options
        case QDense():
            options = schema.FullyConnectedOptionsT(fusedActivationFunction=step.activation)
            constants = linear_constants(layer)
            return Op.FULLY_CONNECTED, constants, kinds.FullyConnectedOptions, options
        case QAdd():
            options = schema.AddOptionsT(fusedActivationFunction=step.activation)
            return Op.ADD, [], kinds.AddOptions, options
        case QMaxPool2D():
            return Op.MAX_POOL_2D, [], kinds.Pool2DOptions, pool(layer.kernel, layer.stride)
        case QAvgPool2D():
            return Op.AVERAGE_POOL_2D, [], kinds.Pool2DOptions, pool(layer.kernel, layer.stride)
        case QGlobalAvgPool2D():
            return Op.AVERAGE_POOL_2D, [], kinds.Pool2DOptions, pool(shape[1:3], (1, 1))
        case QMean():
            axes = [("axes", np.int32([1, 2]))]
            return Op.MEAN, axes, kinds.ReducerOptions, schema.ReducerOptionsT(layer.keep_dims)
        case QPad2D():
            top, bottom, left, right = layer.pads
            pads = np.int32([[0, 0], [top, bottom], [left, right], [0, 0]])
            return Op.PAD, [("pads", pads)], kinds.PadOptions, schema.PadOptionsT()
        case QClamp():
            return clamp_op(layer), [], kinds.NONE, None
        case _:
            raise TypeError(f"no TFLite operator for {type(layer).__name__}")


def linear_constants(layer: Linear) -> list[tuple]:
    """Return weight and bias as constants with their scales."""
    bias_scales = np.float32(layer.in_grid.scale) * layer.weight_scale
    return [("weight", layer.weight, layer.weight_scale), ("bias", layer.bias, bias_scales)]


def pool(kernel: Sequence[int], stride: Sequence[int]) -> schema.Pool2DOptionsT:
    """Return the options of a VALID pool."""
    return schema.Pool2DOptionsT(
        padding=schema.Padding.VALID,
        filterHeight=int(kernel[0]),
        filterWidth=int(kernel[1]),
        strideH=int(stride[0]),
        strideW=int(stride[1]),
    )
