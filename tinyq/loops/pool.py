"""Pooling: the largest code of a window, or its mean.  Both keep the grid of their input.

Source: TensorFlow Lite `kernels/internal/reference/integer_ops/pooling.h`.
"""

from collections.abc import Callable, Sequence

from tinyq.loops.conv import Image, Pair, places
from tinyq.loops.integers import as_image, as_ints, divide_toward_zero, int32, whole


def max_pool2d(
    image: Sequence, size: Pair, stride: Pair, pads: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> Image:
    """Take the largest code of each window, channel by channel.

    A window may stand over the edge by the pads; what it covers there is not looked at.

    image: (H, W, C) codes.  size, stride: (down, right), in pixels.
    pads: (top, bottom, left, right), in pixels.  Returns (OH, OW, C) codes.
    Raises ValueError if the window does not fit in the image with its pads, or sees none of it.

    >>> max_pool2d([[[1], [2]], [[4], [3]]], (2, 2), (2, 2))
    [[[4]]]
    >>> max_pool2d([[[-7], [-9]]], (1, 2), (1, 2), pads=(0, 0, 1, 1))
    [[[-7], [-9]]]
    """
    return _windows(image, size, stride, max, pads)


def avg_pool2d(
    image: Sequence,
    size: Pair,
    stride: Pair,
    qmin: int = -128,
    qmax: int = 127,
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Image:
    """Take the mean code of each window: the raw sum over the count, a tie away from zero.

    The zero_point stays in the sum, so ties are away from code 0, not from the real number 0.
    A window may stand over the edge by the pads; what it covers there does not count.

    image: (H, W, C) codes.  size, stride: (down, right), in pixels.
    pads: (top, bottom, left, right), in pixels.  Returns (OH, OW, C) codes in qmin..qmax.
    Raises ValueError if the window does not fit.

    >>> avg_pool2d([[[2], [3]]], (1, 2), (1, 1)), avg_pool2d([[[-2], [-3]]], (1, 2), (1, 1))
    ([[[3]]], [[[-3]]])
    """
    qmin, qmax = whole(qmin), whole(qmax)
    return _windows(image, size, stride, lambda codes: min(max(_mean(codes), qmin), qmax), pads)


def global_avg_pool2d(image: Sequence, qmin: int = -128, qmax: int = 127) -> list[int]:
    """Take the mean code of each channel: average pooling by a window as large as the image.

    image: (H, W, C) codes.  Returns C codes in qmin..qmax.

    Here the mean code is -127.5, and away from 0 that is -128.  With zero_point -128 taken out
    first, the mean would be 0.5, rounded to 1, and the code -127.

    >>> global_avg_pool2d([[[-128]] * 8 + [[-127]] * 8])
    [-128]
    """
    image = as_image(image)
    return avg_pool2d(image, (len(image), len(image[0])), (1, 1), qmin, qmax)[0][0]


def mean_pool2d(
    image: Sequence,
    size: Pair,
    stride: Pair,
    in_zero_point: int,
    requantize: Callable[[int], int],
) -> Image:
    """Sum each window of codes less their zero_point, and bring the sums to another grid.

    image: (H, W, C) codes.  size, stride: (down, right), in pixels; requantize: from a sum to a
    code.  Returns (OH, OW, C) codes.

    >>> mean_pool2d([[[3], [5]]], (1, 2), (1, 1), 1, lambda total: total // 2)
    [[[3]]]
    """
    zero = whole(in_zero_point)
    return _windows(
        image, size, stride, lambda codes: requantize(int32(sum(code - zero for code in codes)))
    )


def _mean(codes: list[int]) -> int:
    total, count = 0, len(codes)
    for q in codes:
        total = int32(total + q)
    half = count // 2
    return divide_toward_zero(total + (half if total > 0 else -half), count)


def _windows(
    image: Sequence,
    size: Pair,
    stride: Pair,
    reduce: Callable,
    pads: tuple[int, int, int, int] = (0, 0, 0, 0),
) -> Image:
    image = as_image(image)
    out: Image = []
    above, below, before, after = as_ints(pads)
    tall, wide = as_ints(size)
    height, width = above + len(image) + below, before + len(image[0]) + after
    for row in places(height, width, (tall, wide), stride):
        out.append([])
        for top, left in row:
            lines = image[max(top - above, 0) : top - above + tall]
            pixels = [
                p for line in lines for p in line[max(left - before, 0) : left - before + wide]
            ]
            out[-1].append(
                [reduce([pixel[c] for pixel in pixels]) for c in range(len(image[0][0]))]
            )
    return out
