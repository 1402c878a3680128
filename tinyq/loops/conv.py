"""Pad, convolve, multiply by a matrix: the kernels that accumulate in int32.

Source: TensorFlow Lite `kernels/internal/reference/integer_ops/conv.h`, `fully_connected.h`.
"""

from collections.abc import Sequence

from tinyq.loops.integers import as_image, as_ints, int32, whole
from tinyq.loops.rescale import Rescale, multiply_by_quantized_multiplier, requantize

Image = list[list[list[int]]]
Pair = tuple[int, int]


def pad2d(image: Sequence, pads: tuple[int, int, int, int], value: int) -> Image:
    """Surround an image with a constant, which stands for 0 when it is the grid's zero_point.

    image: (H, W, C) codes.  pads: (top, bottom, left, right), in pixels, 0 or more.
    value: the code to write.  Returns (top + H + bottom, left + W + right, C) codes.
    Raises ValueError for a negative pad.

    >>> pad2d([[[5]]], (0, 1, 1, 0), value=-1)
    [[[-1], [5]], [[-1], [-1]]]
    """
    top, bottom, left, right = as_ints(pads)
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"pads must not be negative, got {pads}")
    image, value = as_image(image), whole(value)
    height, width, channels = len(image), len(image[0]), len(image[0][0])
    out: Image = []
    for y in range(-top, height + bottom):
        out.append([])
        for x in range(-left, width + right):
            inside = 0 <= y < height and 0 <= x < width
            out[-1].append(list(image[y][x]) if inside else [value] * channels)
    return out


def output_size(size: int, kernel: int, stride: int) -> int:
    """Count the places of a window that stays inside: floor((size - kernel) / stride) + 1.

    size, kernel, stride: pixels along one axis, 1 or more.
    Raises ValueError if the kernel is larger than the image or the stride is below 1.

    >>> output_size(22, kernel=7, stride=2)
    8
    """
    if not 1 <= whole(kernel) <= size:
        raise ValueError(f"a window of {kernel} does not fit in {size} pixels")
    if whole(stride) < 1:
        raise ValueError(f"stride must be at least 1, got {stride}")
    return (size - kernel) // stride + 1


def spread(kernel: int, dilation: int) -> int:
    """Count the pixels from the first to the last that a kernel touches along one axis.

    Raises ValueError if the dilation is below 1.

    >>> spread(3, dilation=2)
    5
    """
    if whole(dilation) < 1:
        raise ValueError(f"dilation must be at least 1, got {dilation}")
    return (kernel - 1) * dilation + 1


def places(height: int, width: int, window: Pair, stride: Pair) -> list[list[Pair]]:
    """Return the (top, left) of each place of a window, a list for each row of the output.

    height, width: of the image; window: (tall, wide); stride: (down, right); all in pixels.
    Raises ValueError where output_size does.

    >>> places(2, 5, window=(2, 3), stride=(1, 2))
    [[(0, 0), (0, 2)]]
    """
    (tall, wide), (down, right) = as_ints(window), as_ints(stride)
    tops = [y * down for y in range(output_size(height, tall, down))]
    lefts = [x * right for x in range(output_size(width, wide, right))]
    return [[(top, left) for left in lefts] for top in tops]


def accumulate(
    image: Image,
    kernel: Image,
    bias: int,
    zero_point_in: int,
    top: int,
    left: int,
    dilation: Pair = (1, 1),
) -> int:
    """Sum one output of a convolution: bias + sum of w * (q - zero_point_in).

    image: (H, W, C) codes.  kernel: (KH, KW, C) weights, laid on the image at row top, column left,
    its neighbours dilation = (down, right) pixels apart.  bias: int32.
    Returns the accumulator; raises OverflowError as soon as it leaves int32, and ValueError if
    image and kernel differ in channels.

    >>> accumulate([[[3, 4]]], [[[10, -10]]], bias=100, zero_point_in=-1, top=0, left=0)
    90
    """
    acc = int32(bias)
    for ky in range(len(kernel)):
        for kx in range(len(kernel[0])):
            pixel = image[top + ky * dilation[0]][left + kx * dilation[1]]
            for q, w in zip(pixel, kernel[ky][kx], strict=True):
                acc = int32(acc + w * (q - zero_point_in))
    return acc


def conv2d(
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
) -> Image:
    """Convolve without padding (VALID) and requantize, each filter by its own ratio.

    image: (H, W, C) codes.  weights: (O, KH, KW, C), zero_point 0.  biases: O int32.
    stride: (down, right).  multipliers, shifts: O each, from s_in * s_w[o] / s_out.  A per-tensor
    convolution repeats one pair O times.  rescale: the rounding, DOUBLE if none is named.
    dilation: (down, right), how far apart the pixels of a window are.
    Returns (OH, OW, O) codes in qmin..qmax.
    Raises OverflowError if an accumulator leaves int32, ValueError if shapes do not fit together.

    A ratio of 1/2 is the multiplier 2^30: acc = 2 * (7 - 1) + 3 * (9 - 1) = 36.

    >>> conv2d([[[7], [9]]], [[[[2], [3]]]], [0], (1, 1), 1, [2**30], [0], zero_point_out=-5)
    [[[13]]]
    """
    image, weights = as_image(image), [as_image(kernel) for kernel in weights]
    zero_point_in, (down, right) = whole(zero_point_in), as_ints(dilation)
    parts = as_ints(biases), as_ints(multipliers), as_ints(shifts)
    filters = list(zip(weights, *parts, strict=True))
    if len({(len(kernel), len(kernel[0])) for kernel in weights}) != 1:
        raise ValueError("weights must hold one filter or more, all of one (KH, KW)")
    window = spread(len(weights[0]), down), spread(len(weights[0][0]), right)
    out: Image = []
    for row in places(len(image), len(image[0]), window, stride):
        out.append([])
        for top, left in row:
            out[-1].append([])
            for kernel, bias, multiplier, shift in filters:
                acc = accumulate(image, kernel, bias, zero_point_in, top, left, (down, right))
                code = requantize(acc, multiplier, shift, zero_point_out, qmin, qmax, rescale)
                out[-1][-1].append(code)
    return out


def dense(
    vector: Sequence[int],
    weights: Sequence,
    biases: Sequence[int],
    zero_point_in: int,
    multiplier: int,
    shift: int,
    zero_point_out: int,
    qmin: int = -128,
    qmax: int = 127,
    rescale: Rescale = multiply_by_quantized_multiplier,
) -> list[int]:
    """Multiply a vector by a matrix and requantize, all rows by one ratio (per-tensor).

    vector: I codes.  weights: (O, I), zero_point 0.  biases: O int32.
    multiplier, shift: from s_in * s_w / s_out.  rescale: the rounding, DOUBLE if none is named.
    Returns O codes in qmin..qmax.
    Raises OverflowError if an accumulator leaves int32, ValueError if shapes do not fit together.

    >>> dense([7, 9], [[2, 3], [1, -1]], [0, 10], 1, 2**30, 0, zero_point_out=-5)
    [13, -1]
    """
    vector, zero_point_in, out = as_ints(vector), whole(zero_point_in), []
    for row, bias in zip(as_ints(weights), as_ints(biases), strict=True):
        acc = int32(bias)
        for q, w in zip(vector, row, strict=True):
            acc = int32(acc + w * (q - zero_point_in))
        out.append(requantize(acc, multiplier, shift, zero_point_out, qmin, qmax, rescale))
    return out
