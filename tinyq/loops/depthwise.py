"""Depthwise convolution: each output channel is a sum over a window of one input channel.

Source: TensorFlow Lite `kernels/internal/reference/integer_ops/depthwise_conv.h`.
"""

from collections.abc import Sequence

from tinyq.loops.conv import Image, Pair, accumulate, places, spread
from tinyq.loops.integers import as_image, as_ints, whole
from tinyq.loops.rescale import Rescale, multiply_by_quantized_multiplier, requantize


def depthwise_conv2d(
    image: Sequence,
    weights: Sequence,
    biases: Sequence[int],
    stride: Pair,
    zero_point_in: int,
    multipliers: Sequence[int],
    shifts: Sequence[int],
    zero_point_out: int,
    qmin: int = -128,
    qmax: int = 127,
    rescale: Rescale = multiply_by_quantized_multiplier,
    dilation: Pair = (1, 1),
    depth_multiplier: int = 1,
) -> Image:
    """Convolve channels one by one without padding (VALID), and requantize each by its own ratio.

    image: (H, W, C) codes.  weights: (C * depth_multiplier, KH, KW), zero_point 0.  biases: int32,
    one a filter, as are multipliers and shifts.  Filter o reads channel o // depth_multiplier.
    stride, dilation: (down, right).  rescale: the rounding, DOUBLE if none is named.
    Returns (OH, OW, C * depth_multiplier) codes in qmin..qmax.
    Raises OverflowError if an accumulator leaves int32, ValueError if shapes do not fit together.

    Two filters read one channel: 2 * (7 - 1) = 12 and -4 * (7 - 1) = -24, each times 1/2.

    >>> depthwise_conv2d([[[7]]], [[[2]], [[-4]]], [0, 0], (1, 1), 1, [2**30] * 2, [0, 0], 0,
    ...                  depth_multiplier=2)
    [[[6, -12]]]
    """
    image, weights = as_image(image), as_image(weights)
    zero_point_in, per_channel = whole(zero_point_in), whole(depth_multiplier)
    if len(weights) != len(image[0][0]) * per_channel:
        raise ValueError(f"{len(image[0][0])} channels times {per_channel} are not {len(weights)}")
    down, right = as_ints(dilation)
    parts = as_ints(biases), as_ints(multipliers), as_ints(shifts)
    window = spread(len(weights[0]), down), spread(len(weights[0][0]), right)
    # each filter as one of a convolution, beside the image of the one channel that it reads
    kernels = [[[[w] for w in row] for row in kernel] for kernel in weights]
    planes = [[[[pixel[c]] for pixel in row] for row in image] for c in range(len(image[0][0]))]
    filters = list(zip(kernels, *parts, strict=True))
    out: Image = []
    for place in places(len(image), len(image[0]), window, stride):
        out.append([])
        for top, left in place:
            out[-1].append([])
            for o, (kernel, bias, m, n) in enumerate(filters):
                plane = planes[o // per_channel]
                acc = accumulate(plane, kernel, bias, zero_point_in, top, left, (down, right))
                code = requantize(acc, m, n, zero_point_out, qmin, qmax, rescale)
                out[-1][-1].append(code)
    return out
