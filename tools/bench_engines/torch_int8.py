"""PyTorch's quantized operators under its "x86" engine, traced, frozen, channels last.

Tracing halves the time of the seed at batch 1; weights are packed once, pads and ReLUs are fused.
"""

import warnings
from collections.abc import Callable
from functools import partial

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module, functional

from tinyq.export.tflite_steps import Step, with_relu
from tinyq.layers import QAdd, QClamp, QConv2D, QDense, QGlobalAvgPool2D, QMaxPool2D, QPad2D
from tinyq.layers.nodes import INPUT
from tinyq.network import QNetwork
from tools.agreement.torch_rt import pair, parameters, quantized, to_torch
from tools.bench_engines.cases import Case
from tools.bench_engines.session import Session, signed

WARM_UP = 3


class Weighted(Module):
    """A convolution or dense layer: an operator on packed weights, to a grid."""

    def __init__(self, operator: Callable, packed: object, scale: float, zero_point: int) -> None:
        super().__init__()
        self.operator, self.packed = operator, packed
        self.scale, self.zero_point = scale, zero_point

    def forward(self, x: Tensor) -> Tensor:
        """Return the quantized tensor on the layer's grid."""
        return self.operator(x, self.packed, self.scale, self.zero_point)


class Whole(Module):
    """A whole network on quint8 images (N, C, H, W)."""

    def __init__(self, qnet: QNetwork) -> None:
        super().__init__()
        steps = with_relu([Step(node.layer, node.inputs, node.name) for node in qnet.nodes])
        pads = {step.output: step for step in steps if isinstance(step.layer, QPad2D)}
        self.reads, self.operators, self.last = {}, {}, steps[-1].output
        for step in steps:
            if step.output in pads:
                continue
            around = pads.get(step.inputs[0])
            operator = operator_of(step, around.layer.pads if around else (0, 0, 0, 0))
            self.reads[step.output] = around.inputs if around else step.inputs
            self.operators[step.output] = operator
            if isinstance(operator, Module):
                self.add_module(step.output, operator)

    def forward(self, x: Tensor) -> Tensor:
        """Return the quantized logits."""
        tensors = {INPUT: x}
        for name, operator in self.operators.items():
            tensors[name] = operator(*(tensors[read] for read in self.reads[name]))
        return tensors[self.last]


def operator_of(step: Step, pads: tuple[int, int, int, int]) -> Callable[..., Tensor]:
    """Return a step as a function of quantized tensors; pads: of the zero_point, even."""
    layer = step.layer
    match layer:
        case QConv2D():
            weight, bias = parameters(layer, layer.weight.transpose(0, 3, 1, 2))
            weight = weight.contiguous(memory_format=torch.channels_last)
            around = pads[0], pads[2]
            packed = quantized.conv2d_prepack(weight, bias, layer.stride, around, (1, 1), 1)
            operator = quantized.conv2d_relu if step.relu else quantized.conv2d
            return Weighted(operator, packed, *pair(layer.out_grid))
        case QDense():
            packed = quantized.linear_prepack(*parameters(layer, layer.weight))
            return Weighted(quantized.linear, packed, *pair(layer.out_grid))
        case QAdd():
            operator = quantized.add_relu if step.relu else quantized.add
            scale, zero_point = pair(layer.out_grid)
            return partial(operator, scale=scale, zero_point=zero_point)
        case QMaxPool2D():
            return partial(functional.max_pool2d, kernel_size=layer.kernel, stride=layer.stride)
        case QGlobalAvgPool2D():
            return lambda x: functional.adaptive_avg_pool2d(x, 1).flatten(1)
        case QClamp():
            return torch.relu
        case _:
            raise TypeError(f"no PyTorch operator for {layer}")


def prepare(case: Case, runner: str) -> Callable[[], Session]:
    """Return what builds a session."""
    torch.backends.quantized.engine = "x86"
    torch.set_num_threads(1)
    images = to_torch(case.codes, case.qnet.grids[INPUT])
    return partial(session, case.qnet, images.contiguous(memory_format=torch.channels_last))


def session(qnet: QNetwork, images: Tensor) -> Session:
    """Return a session on the traced network."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and still the fastest
        traced = torch.jit.freeze(torch.jit.trace(Whole(qnet).eval(), images))

    def call() -> NDArray:
        with torch.inference_mode():
            return traced(images).int_repr().numpy()

    for _ in range(WARM_UP):  # the first calls compile
        call()
    return Session(call, signed)
