"""What of a network one step of a plan does: a layer, and the neighbours fused into it.

    pad -> convolution or dense -> clamp -> max pool        one step, Linear
    sum, difference or product -> clamp                     one step
    anything else                                           a step of its own

A pad goes into the border of the tensor that it pads, a clamp into the ends of the requantization.
A max pool whose windows do not overlap goes in front of it: a requantization that cannot overflow
never decreases, so the largest accumulator gives the largest code (7.2), and fewer of them are
requantized.  Where it can overflow, the step runs its layers in their order.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinyq.layers import (
    QAdd,
    QAvgPool2D,
    QClamp,
    QConcat,
    QConstant,
    QConv2D,
    QConv2DPerChannel,
    QDense,
    QDepthwiseConv2D,
    QGlobalAvgPool2D,
    QMaxPool2D,
    QMean,
    QMul,
    QPad,
    QPad2D,
    QRescale,
    QReshape,
    QSoftmax,
    QSub,
    QTable,
    QTranspose,
)
from tinyq.layers.contract import Layer
from tinyq.layers.nodes import Node

NO_PADS = (0, 0, 0, 0)
# Exactly these: a subclass may compute something else.
PRODUCTS = {QConv2D, QConv2DPerChannel, QDense}
LINEAR = PRODUCTS | {QDepthwiseConv2D}
PAIRS = {QAdd, QMul, QSub}
KNOWN = LINEAR | PAIRS | {QAvgPool2D, QClamp, QGlobalAvgPool2D, QMaxPool2D, QMean, QPad2D}
KNOWN |= {QConcat, QConstant, QPad, QRescale, QReshape, QSoftmax, QTable, QTranspose}


@dataclass(frozen=True, eq=False)
class Op:
    """A layer with what was fused into it.

    name: the tensor that it makes; layer: the int8 layer; inputs: names of the tensors it reads;
    pads: (top, bottom, left, right) of the zero_point around its input; clamp: the QClamp after
    it, or None; pool: the QMaxPool2D after that, or None.
    """

    name: str
    layer: Any  # a Layer; engines ask its exact type before they read what that type has
    inputs: tuple[str, ...]
    pads: tuple[int, int, int, int] = NO_PADS
    clamp: QClamp | None = None
    pool: QMaxPool2D | None = None

    @property
    def layers(self) -> list[Layer]:
        """The layers from the padded input to the tensor that the step makes."""
        return [one for one in (self.layer, self.clamp, self.pool) if one is not None]

    @property
    def window(self) -> tuple[int, int]:
        """(KH, KW) of the max pool, (1, 1) for none."""
        return (1, 1) if self.pool is None else self.pool.kernel


def fuse(nodes: Sequence[Node[Layer]]) -> list[Op]:
    """Return the steps of a network, in running order.

    nodes: int8 layers in running order; the last one's tensor is the answer.

    >>> from tinyq import resnet
    >>> weights, biases, images = resnet.seed()
    >>> ops = fuse(resnet.stem_block(weights, biases).quantize(images).nodes)
    >>> [op.name for op in ops[:3]], ops[0].pads, ops[0].window
    (['stem_maxpool2x2', 'block_relu_a', 'block_conv3x3_b'], (3, 3, 3, 3), (2, 2))
    """
    readers = Counter(name for node in nodes for name in node.inputs)
    ops: list[Op] = []
    for node in nodes:
        op = Op(node.name, node.layer, node.inputs)
        before = next((one for one in ops if one.name in node.inputs), None)
        joined = None
        if before is not None and len(node.inputs) == 1 and readers[before.name] == 1:
            joined = _joined(before, op)
        if before is None or joined is None:
            ops.append(op)
        else:
            ops[ops.index(before)] = joined
    return ops


def _joined(before: Op, op: Op) -> Op | None:
    """Return the step that does both, or None where they stay two."""
    first, second = type(before.layer), type(op.layer)
    if first is QPad2D and second in LINEAR:
        return replace(op, inputs=before.inputs, pads=before.layer.pads)
    bare = before.clamp is None and before.pool is None
    if first in LINEAR | PAIRS and second is QClamp and bare:
        return replace(before, name=op.name, clamp=op.layer)
    if first in LINEAR and second is QMaxPool2D and _apart(op.layer) and before.pool is None:
        return replace(before, name=op.name, pool=op.layer)
    return None


def _apart(pool: QMaxPool2D) -> bool:
    """Whether the windows of a max pool neither overlap, nor leave gaps, nor reach a pad."""
    return pool.kernel == pool.stride and not any(pool.pads)
