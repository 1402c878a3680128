"""The steps of a .tflite: one for each layer, with the ReLU and the padding that it takes over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeGuard

from tinyq import layers
from tinyq.layers import same_pads as same_on_axis
from tinyq.layers.checks import extent
from tinyq.layers.contract import Layer, Shape
from tinyq.layers.nodes import AnyLayer

CONVOLUTIONS: set[type] = {layers.QConv2D, layers.QConv2DPerChannel, layers.QDepthwiseConv2D}
Convolution = layers.QConv2D | layers.QDepthwiseConv2D
Pool = layers.QMaxPool2D | layers.QAvgPool2D
TAKES_RELU = CONVOLUTIONS | {layers.QAdd, layers.QDense}


@dataclass(frozen=True)
class Step(Generic[AnyLayer]):
    """A layer, the names it reads, the name it makes, and how TFLite writes it.

    relu: whether a ReLU is applied to its output; same: whether a SAME padding surrounds its input;
    flat: whether a global mean drops the height and width of 1 that TFLite's pool leaves; row:
    whether a dense layer reads such a mean that did not.
    """

    layer: AnyLayer
    inputs: tuple[str, ...]
    output: str
    relu: bool = False
    same: bool = False
    flat: bool = False
    row: bool = False


def with_flat_means(steps: Sequence[Step[Layer]]) -> list[Step[Layer]]:
    """Return the steps, each global mean made flat unless dense layers alone read it.

    TFLite's FULLY_CONNECTED takes (N, 1, 1, C) as rows, but an ADD of it and rows would broadcast.
    """
    made = [replace(step, flat=is_global(step) and _has_other(steps, step)) for step in steps]
    whole = {step.output for step in made if is_global(step) and not step.flat}
    return [replace(step, row=not whole.isdisjoint(step.inputs)) for step in made]


def _has_other(steps: Sequence[Step[Layer]], step: Step[Layer]) -> bool:
    """Return whether a step's output leaves the model, or has a reader that is no dense layer."""
    reading = readers(steps, step.output)
    return not reading or any(type(reader.layer) is not layers.QDense for reader in reading)


def is_global(step: Step[Layer]) -> bool:
    """Return whether a step is a global mean."""
    return type(step.layer) is layers.QGlobalAvgPool2D


def with_relu(steps: Sequence[Step[Layer]]) -> list[Step[Layer]]:
    """Return the steps, each ReLU moved into the step right before it that no other step reads."""
    fused: list[Step[Layer]] = []
    for step in steps:
        maker = fused[-1] if fused else None
        if (
            is_relu(step.layer)
            and maker is not None
            and type(maker.layer) in TAKES_RELU
            and step.inputs == (maker.output,)
            and len(readers(steps, maker.output)) == 1
        ):
            fused[-1] = replace(maker, output=step.output, relu=True)
        else:
            fused.append(step)
    return fused


def with_same(steps: Sequence[Step[Layer]], shapes: dict[str, Shape]) -> list[Step[Layer]]:
    """Return the steps without the pads that a SAME convolution or max pool does by itself.

    shapes: (N, ...) of the model's inputs, by name.
    """
    shapes = dict(shapes)
    fused: list[Step[Layer]] = []
    for step in steps:
        made = step.layer.out_shape(*(shapes[name][1:] for name in step.inputs))
        before = shapes[step.inputs[0]] if step.inputs else (1,)  # a constant reads nothing
        shapes[step.output] = (before[0], *made)
        maker = fused[-1] if fused else None
        if type(step.layer) is layers.QMaxPool2D and any(step.layer.pads):
            step = replace(step, same=step.layer.pads == same_pads(step.layer, before))
        elif (
            is_convolution(step.layer)
            and maker is not None
            and type(maker.layer) is layers.QPad2D
            and step.inputs == (maker.output,)
            and len(readers(steps, maker.output)) == 1
            and maker.layer.pads == same_pads(step.layer, shapes[maker.inputs[0]])
        ):
            step = replace(step, inputs=fused.pop().inputs, same=True)
        fused.append(step)
    return fused


def same_pads(layer: Convolution | Pool, shape: Shape) -> tuple[int, int, int, int]:
    """Return the pads (top, bottom, left, right) that TFLite's padding SAME stands for.

    They make the output ceil(size / stride); of an odd number the larger half comes last.

    shape: (N, H, W, C) of the image before the pad.

    >>> from tinyq import Grid, layers
    >>> same_pads(layers.QMaxPool2D(Grid(1.0, 0), (3, 3), (2, 2)), (1, 32, 33, 8))
    (0, 1, 1, 1)
    """
    if isinstance(layer, Pool):
        window = layer.kernel
    else:
        window = extent(layer.weight.shape[1:3], layer.dilation)
    sides = zip(shape[1:3], window, layer.stride, strict=True)
    (top, bottom), (left, right) = (same_on_axis(*side) for side in sides)
    return top, bottom, left, right


def readers(steps: Sequence[Step[Layer]], name: str) -> list[Step[Layer]]:
    """Return the steps that read the tensor called name."""
    return [step for step in steps if name in step.inputs]


def is_convolution(layer: Layer) -> TypeGuard[Convolution]:
    """Return whether layer is one of the convolutions."""
    return type(layer) in CONVOLUTIONS


def is_relu(layer: Layer) -> bool:
    """Return whether layer clamps as a ReLU does."""
    return type(layer) is layers.QClamp and layer == layers.qrelu(layer.in_grid)
