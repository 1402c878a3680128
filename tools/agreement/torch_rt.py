"""PyTorch's answers, by its quantized operators under the fbgemm engine.

PyTorch's activations are unsigned: code and zero_point are ours plus 128, the same real number.
Its engines "x86" (the default) and "onednn" give garbage where a convolution's output is one pixel
wide and several high, and round some ties otherwise.
"""

import warnings
from importlib.metadata import version

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from tinyq import Grid
from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConv2D,
    QDense,
    QDepthwiseConv2D,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QMean,
    QPad2D,
    qrelu,
    qrelu6,
)
from tinyq.layers.linear import Linear
from tinyq.layers.nodes import INPUT
from tinyq.network import QNetwork
from tools.agreement.cases import Case, Refused

VERSION = f"torch {version('torch')}"
SIGN = 128

quantized = torch.ops.quantized
torch.backends.quantized.engine = "fbgemm"
torch.set_num_threads(1)


def run(case: Case) -> NDArray[np.int8]:
    """Return PyTorch's codes for a case, images as NHWC.

    Raises Refused for a mean onto another grid.
    """
    read = zip(case.inputs, case.layer.in_grids, strict=True)
    return to_codes(forward(case.layer, *(to_torch(codes, grid) for codes, grid in read)))


def pipeline(qnet: QNetwork, images: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return PyTorch's logits (N, classes) for images of codes (N, H, W, C).

    Its convolutions leave NHWC behind, for which its means and adds have other kernels: each
    tensor is laid out as NCHW again.
    """
    tensors = {INPUT: to_torch(images, qnet.grids[INPUT])}
    for node in qnet.nodes:
        made = forward(node.layer, *(tensors[name] for name in node.inputs))
        tensors[node.name] = made.contiguous()
    return to_codes(tensors[qnet.nodes[-1].name])


def forward(layer: object, *x: Tensor) -> Tensor:
    """Return the quantized tensor that PyTorch makes of others by the operator of a layer."""
    match layer:
        case QConv2D():
            weight = layer.weight.transpose(0, 3, 1, 2)
            packed = quantized.conv2d_prepack(
                *parameters(layer, weight), layer.stride, (0, 0), layer.dilation, 1
            )
            return quantized.conv2d(*x, packed, *pair(layer.out_grid))
        case QDepthwiseConv2D():
            weight, groups = layer.weight[:, None], layer.channels
            packed = quantized.conv2d_prepack(
                *parameters(layer, weight), layer.stride, (0, 0), layer.dilation, groups
            )
            return quantized.conv2d(*x, packed, *pair(layer.out_grid))
        case QDense():
            packed = quantized.linear_prepack(*parameters(layer, layer.weight))
            return quantized.linear(*x, packed, *pair(layer.out_grid))
        case QAdd():
            return quantized.add(*x, *pair(layer.out_grid))
        case QAvgPool2D():
            top, bottom, left, right = layer.pads
            if (top, left) != (bottom, right):
                raise Refused("PyTorch pads an average pool evenly")
            if any(layer.pads) and x[0].shape[2:] == (1, 1):
                raise Refused("PyTorch mixes up the channels of one pixel with pads")
            around = (top, left), False, False  # rounded down; pads do not count
            return functional.avg_pool2d(*x, layer.kernel, layer.stride, *around)
        case QGlobalAvgPool2D():
            return functional.adaptive_avg_pool2d(*x, 1).flatten(1)
        case QMean():
            if layer.out_grid != layer.in_grid:
                raise Refused("PyTorch's mean keeps the grid of its input")
            if set(layer.axes) != {0, 1} or x[0].ndim != 4:
                raise Refused("only a mean over height and width was measured")
            return x[0].mean((2, 3), keepdim=layer.keep_dims)
        case QMaxPool2D():
            top, bottom, left, right = layer.pads
            if (top, left) != (bottom, right):
                raise Refused("PyTorch pads a max pool evenly")
            return functional.max_pool2d(*x, layer.kernel, layer.stride, (top, left))
        case QPad2D():
            top, bottom, left, right = layer.pads
            return functional.pad(*x, (left, right, top, bottom), value=0.0)
        case QClamp() if layer == qrelu(layer.in_grid):
            return torch.relu(*x)
        case QClamp() if layer == qrelu6(layer.in_grid):
            return quantized.relu6(*x)
        case _:
            raise TypeError(f"no PyTorch operator for {layer}")


def parameters(layer: Linear, weight: NDArray[np.int8]) -> tuple[Tensor, Tensor]:
    """Return the quantized weight, output channel first, and the bias as the float32 it stands for.

    A scale for the whole tensor is repeated for each channel: fbgemm's kernels for a single scale
    multiply the bias by a rounded 1 / (in_scale * weight_scale) where the others divide.
    """
    scales = np.broadcast_to(layer.weight_scale, layer.bias.shape).astype(np.float64)
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    codes = contiguous(weight)
    weights = torch._make_per_channel_quantized_tensor(codes, contiguous(scales), zeros, 0)
    bias = layer.bias * (np.float32(layer.in_grid.scale) * layer.weight_scale).astype(np.float64)
    return weights, contiguous(bias.astype(np.float32))


def to_torch(codes: NDArray[np.int8], grid: Grid) -> Tensor:
    """Return codes (N, H, W, C) or (N, C) as a quint8 tensor, images as NCHW."""
    unsigned = (codes.astype(np.int16) + SIGN).astype(np.uint8)
    if codes.ndim == 4:
        unsigned = unsigned.transpose(0, 3, 1, 2)
    return torch._make_per_tensor_quantized_tensor(contiguous(unsigned), *pair(grid))


def to_codes(tensor: Tensor) -> NDArray[np.int8]:
    """Return a quint8 tensor as int8 codes, images as NHWC."""
    codes = (tensor.int_repr().numpy().astype(np.int16) - SIGN).astype(np.int8)
    return codes.transpose(0, 2, 3, 1) if codes.ndim == 4 else codes


def pair(grid: Grid) -> tuple[float, int]:
    """Return the scale and PyTorch's zero_point of a grid."""
    return grid.scale, grid.zero_point + SIGN


def contiguous(array: NDArray) -> Tensor:
    """Return an array as a tensor of its own, plainly laid out.

    NumPy leaves odd strides on axes of size 1; PyTorch's kernels take them for another layout.
    """
    return torch.from_numpy(array.copy()).clone(memory_format=torch.contiguous_format)


with warnings.catch_warnings():  # PyTorch announces once that quantized tensors will be removed
    warnings.simplefilter("ignore")
    to_torch(np.zeros((1, 1), np.int8), Grid(1.0, 0))
