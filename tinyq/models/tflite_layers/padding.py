"""The padding of convolutions and pools: the pads around the image that SAME and VALID are."""

from collections.abc import Sequence

from tinyq.layers.pool import NO_PADS
from tinyq.layers.same import same_pads
from tinyq.models.opened.value import Value
from tinyq.models.tflite import Padding


def pads_of(
    padding: Padding,
    x: Value,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int] = (1, 1),
) -> tuple[int, int, int, int]:
    """Return the pads (top, bottom, left, right) around what a window of a kernel reads.

    kernel, stride, dilation: (down, right).  Raises ValueError for what is no image, and for one
    below 1.
    """
    if len(x.shape) != 3:
        raise ValueError(f"it must read (N, H, W, C), got (N, {str(x.shape)[1:]}")
    if padding is Padding.VALID:
        return NO_PADS
    sides = zip(x.seen[:2], kernel, stride, dilation, strict=True)
    (top, bottom), (left, right) = (same_pads(*side) for side in sides)
    return top, bottom, left, right
