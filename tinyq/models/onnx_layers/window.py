"""The windows of convolutions and pools: strides, dilations, and the pads around the image."""

from collections.abc import Sequence

from tinyq.layers.pool import NO_PADS
from tinyq.layers.same import same_pads
from tinyq.models.onnx_layers.op import Op
from tinyq.models.opened.value import Value

Two = tuple[int, int]
Four = tuple[int, int, int, int]


def moves(op: Op, name: str) -> Two:
    """Return the attribute strides, dilations or kernel_shape, (down, right)."""
    down_right = op.attribute(name, (1, 1))
    if len(down_right) != 2 or min(down_right) < 1:
        raise ValueError(f"its {name} must be two numbers, each 1 or more, got {down_right}")
    return down_right[0], down_right[1]


def pads_of(op: Op, x: Value, kernel: Sequence[int], stride: Two, dilation: Two = (1, 1)) -> Four:
    """Return the pads (top, bottom, left, right) around the image that a window reads.

    Raises ValueError for pads below 0, and for an auto_pad that ONNX does not have.
    """
    auto, given = op.attribute("auto_pad", "NOTSET"), op.attribute("pads", (0, 0, 0, 0))
    if auto == "NOTSET":
        if len(given) != 4 or min(given) < 0:
            raise ValueError(f"its pads must be four numbers, each 0 or more, got {given}")
        top, left, bottom, right = given
        return top, bottom, left, right
    if auto == "VALID":
        return NO_PADS
    if auto not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"its auto_pad {auto!r} is not supported")
    sides = zip(x.seen[1:], kernel, stride, dilation, strict=True)
    (top, bottom), (left, right) = (same_pads(*side) for side in sides)
    # the larger half of an odd total comes last, in SAME_LOWER first
    return (top, bottom, left, right) if auto == "SAME_UPPER" else (bottom, top, right, left)
