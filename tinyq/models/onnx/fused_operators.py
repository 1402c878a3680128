"""The operators on codes that a QDQ group stands for, by the name of the operator inside it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tinyq.models.onnx.group import Group
from tinyq.models.onnx.model import LEFT_OUT, Operator

RESCALE = "", "QuantizeLinear of DequantizeLinear"
BIAS_ERROR = 1e-3  # by which a bias's scale may differ from in_scale * weight_scale, of itself


def rescaled(source: Operator, quantizer: Operator) -> Operator:
    """Return the operator that QuantizeLinear of DequantizeLinear is, in place of the former."""
    if len(source.inputs) != 3 or len(quantizer.inputs) != 3:
        return quantizer
    inputs = (*source.inputs, *quantizer.inputs[1:])
    return replace(quantizer, name=RESCALE[1], inputs=inputs, attributes={})


def one_input(name: str) -> Callable[[Group], Operator]:
    """Return what makes an operator of one tensor."""
    return lambda group: group.finished(name, [*group.codes(0), *group.out])


def two_inputs(name: str) -> Callable[[Group], Operator]:
    """Return what makes an operator of two tensors."""
    return lambda group: group.finished(name, [*group.codes(0), *group.codes(1), *group.out])


def softmax(group: Group) -> Operator:
    """Return QLinearSoftmax, which is told the version of Softmax."""
    inputs = [*group.codes(0), *group.out]
    return group.finished("QLinearSoftmax", inputs, opset=group.model.opset)


def concat(group: Group) -> Operator:
    """Return QLinearConcat."""
    reads = [name for place in range(len(group.operator.inputs)) for name in group.codes(place)]
    return group.finished("QLinearConcat", [*group.out, *reads])


def conv(group: Group) -> Operator:
    """Return QLinearConv."""
    weight, bias = weights(group, axis=0), biases(group)
    return group.finished("QLinearConv", [*group.codes(0), *weight, *group.out, *bias], domain="")


def gemm(group: Group) -> Operator:
    """Return QGemm."""
    attributes = {**group.operator.attributes}
    if attributes.pop("beta", 1.0) != 1.0:
        raise ValueError("not fused: its beta must be 1")
    weight, bias = weights(group, axis=0 if attributes.get("transB") else 1), biases(group)
    inputs = [*group.codes(0), *weight, *(bias or [LEFT_OUT]), *group.out]
    return replace(group.finished("QGemm", inputs), attributes=attributes)


def matmul(group: Group) -> Operator:
    """Return QLinearMatMul."""
    weight = weights(group, axis=1)
    return group.finished("QLinearMatMul", [*group.codes(0), *weight, *group.out], domain="")


def weights(group: Group, axis: int) -> list[str]:
    """Return the names of a weight; where it has several scales they must be along an axis."""
    names = group.codes(1)
    scales = group.model.tensors.get(names[1])
    given = group.dequantizers[group.operator.inputs[1]].attributes.get("axis", 1)
    rank = len(group.model.tensors[names[0]].dims or ()) if names[0] in group.model.tensors else 0
    several = scales is not None and scales.data is not None and scales.data.size > 1
    if several and given not in (axis, axis - rank):
        raise ValueError(
            f"not fused: the scales of its weight must be along axis {axis}, got {given}"
        )
    return names


def biases(group: Group) -> list[str]:
    """Return the name of an int32 bias, if there is one, whose scale must be that of the sums."""
    if len(group.operator.inputs) < 3 or not group.operator.inputs[2]:
        return []
    source = group.dequantizers.get(group.operator.inputs[2])
    if source is None:
        raise ValueError("not fused: DequantizeLinear must make its bias")
    held = group.model.tensors
    names = [source.inputs[1], group.codes(0)[1], group.codes(1)[1]]
    scales = [held[name].data if name in held else None for name in names]
    if any(scale is None or scale.dtype != np.float32 for scale in scales):
        raise ValueError("not fused: the scales of its bias must be constants")
    got, x, w = (np.asarray(scale, np.float64).ravel() for scale in scales)
    if (
        got.size not in (1, w.size)
        or x.size != 1
        or (np.abs(got - x * w) > BIAS_ERROR * x * w).any()
    ):
        raise ValueError("not fused: the scale of its bias must be in_scale * weight_scale")
    return [source.inputs[0]]


def moved(group: Group) -> Operator:
    """Return an operator that moves codes: itself."""
    group.one_grid()
    return group.finished(
        group.operator.name, [group.codes(0)[0], *group.operator.inputs[1:]], domain=""
    )


def clipped(group: Group) -> Operator:
    """Return Clip of codes, between those of the ends."""
    scale, zero = group.one_grid()
    ends = [np.rint(np.float32(end) / scale) + zero for end in group.ends(group.operator)]
    if any(np.isnan(end) for end in ends):
        raise ValueError("not fused: the ends of Clip must be numbers")
    held = [group.hold(part, end) for part, end in zip(("low", "high"), ends, strict=True)]
    return replace(group.finished("Clip", [group.codes(0)[0], *held], domain=""), attributes={})


def padded(group: Group) -> Operator:
    """Return Pad of codes with the zero_point, which stands for 0.0."""
    _, zero = group.one_grid()
    inputs = group.operator.inputs
    if len(inputs) > 2 and inputs[2] and group.number(inputs[2]) != 0:
        raise ValueError("not fused: it must pad with 0")
    codes = [group.codes(0)[0], *inputs[1:2], group.hold("zero", zero), *inputs[3:]]
    return group.finished("Pad", codes, domain="")


FUSED: dict[str, Callable[[Group], Operator]] = {
    "Add": two_inputs("QLinearAdd"),
    "AveragePool": one_input("QLinearAveragePool"),
    "Clip": clipped,
    "Concat": concat,
    "Conv": conv,
    "Flatten": moved,
    "Gemm": gemm,
    "GlobalAveragePool": one_input("QLinearGlobalAveragePool"),
    "LeakyRelu": one_input("QLinearLeakyRelu"),
    "MatMul": matmul,
    "MaxPool": moved,
    "Mul": two_inputs("QLinearMul"),
    "Pad": padded,
    "Relu": clipped,
    "Reshape": moved,
    "Sigmoid": one_input("QLinearSigmoid"),
    "Softmax": softmax,
    "Squeeze": moved,
    "Transpose": moved,
    "Unsqueeze": moved,
}
