"""A plan's tensors: int8 codes in a buffer whose border already holds the pads."""

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray


class Tensor:
    """Codes (N, H, W, C) or (N, C), with room around an image for the widest pad of its readers.

    shape: of the codes, of any rank from 2 on; pads: (top, bottom, left, right) of each reader,
    which images alone have; zero_point: fills the border once, and nothing writes there again;
    of: None, or a tensor without a border whose memory this one has too, under another shape.
    buffer: int8 (N, top + H + bottom, left + W + right, C), C-contiguous; (N, 1, 1, C) for rows,
    and for other ranks (N, H, W, C) with all axes that no image has in H.
    top, left: where the image starts in the buffer; nbytes: of the memory of its own.
    codes: a view of the codes alone, in their shape; image: the same with four axes.
    """

    def __init__(
        self,
        shape: Sequence[int],
        pads: Iterable[Sequence[int]],
        zero_point: int = 0,
        of: "Tensor | None" = None,
    ):
        count, *between, channels = shape
        height, width = prod(between[:-1]), prod(between[-1:])
        sides = zip((0, 0, 0, 0), *pads, strict=True)
        self.top, bottom, self.left, right = (max(side) for side in sides)
        size = count, self.top + height + bottom, self.left + width + right, channels
        if of is None:
            self.buffer = np.full(size, zero_point, np.int8)
        else:
            self.buffer = of.buffer.reshape(size)
        self.nbytes = 0 if of else self.buffer.nbytes
        self.height, self.width = height, width
        self.image = self.padded((0, 0, 0, 0))
        self.codes = self.image.reshape(shape)

    def padded(self, pads: Sequence[int]) -> NDArray[np.int8]:
        """Return the view of the images with (top, bottom, left, right) pads around them."""
        top, bottom, left, right = pads
        y, x = self.top - top, self.left - left
        rows, columns = (
            slice(y, y + top + self.height + bottom),
            slice(x, x + left + self.width + right),
        )
        return self.buffer[:, rows, columns]


def windows(image: NDArray, kernel: Sequence[int], stride: Sequence[int]) -> NDArray:
    """Return the view (N, OH, OW, KH, KW * C) of every window, rows of pixels in one run.

    image: (N, H, W, C), a row's pixels side by side in memory; kernel: (KH, KW); stride: (SY, SX).

    >>> windows(np.arange(6).reshape(1, 2, 3, 1), (2, 2), (1, 1))[0, 0].tolist()
    [[[0, 1], [3, 4]], [[1, 2], [4, 5]]]
    """
    count, height, width, channels = image.shape
    rows = (height - kernel[0]) // stride[0] + 1
    columns = (width - kernel[1]) // stride[1] + 1
    shape = count, rows, columns, kernel[0], kernel[1] * channels
    n, y, x, c = image.strides
    return as_strided(image, shape, (n, y * stride[0], x * stride[1], y, c), writeable=False)
