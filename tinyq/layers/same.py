"""TFLite's padding SAME, as the pads that it stands for."""

from tinyq.checks import checked, whole


@checked
def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return (before, after), the pads on one axis that padding SAME stands for.

    out = ceil(size / stride);  reach = (kernel - 1) * dilation + 1                         (6.4)
    total = max((out - 1) * stride + reach - size, 0);  before = floor(total / 2), after the rest

    Of an odd total the larger half comes last.  size: of the image; kernel, stride, dilation: of
    the window; all along one axis, each >= 1.
    Raises TypeError for what is no integer, ValueError for one below 1.
    Source: TFLite ``ComputePaddingHeightWidth``.

    >>> same_pads(32, kernel=3, stride=2), same_pads(33, kernel=3, stride=2)
    ((0, 1), (1, 1))
    """
    for name, value in (("size", size), ("kernel", kernel), ("stride", stride)):
        whole(name, value, least=1)
    reach = (kernel - 1) * whole("dilation", dilation, least=1) + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
