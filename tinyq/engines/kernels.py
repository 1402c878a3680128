"""The loops of the engine "vnni", compiled by numba: gather, rescale, add, mean.

Each is the arithmetic of linear.py and layers/, a number at a time, without memory of its own.
They release the interpreter's lock, so that other threads of the caller run meanwhile.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache


class Cache(FunctionCache):
    """What numba keeps on the disk, and does without where the disk takes or gives nothing."""

    def load_overload(self, *key: Any) -> Any:
        """Return what was kept, or None."""
        with suppress(OSError):
            return super().load_overload(*key)
        return None

    def save_overload(self, *entry: Any) -> None:
        """Keep what was compiled, if there is room."""
        with suppress(OSError):
            super().save_overload(*entry)


def compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return a function that numba compiles at its first call, and keeps on the disk if it may."""
    dispatcher: Any = njit(nogil=True)(function)
    # a RuntimeError says that there is no folder to write to: then each process compiles anew
    with suppress(RuntimeError):
        dispatcher._cache = Cache(function)
    return dispatcher


SIGN = np.int8(-128)  # xor with it takes a code -128..127 to 0..255, read as uint8


@compiled
def gather(windows, columns):
    """Copy each window to its row of columns, as code + 128.

    windows: int8 (N, OH, OW, KH, run), a view; columns: int8 of the same shape, memory of uint8.
    """
    count, rows, width, height, run = windows.shape
    for n in range(count):
        for i in range(rows):
            for ky in range(height):
                for j in range(width):
                    source, row = windows[n, i, j, ky], columns[n, i, j, ky]
                    for k in range(run):
                        row[k] = source[k] ^ SIGN


@compiled
def _larger(values, others):
    for k in range(values.size):
        values[k] = max(values[k], others[k])


@compiled
def max_pool(sums, height, width, columns):
    """Take the largest sum of each window, in place, to the left end of the window's first row.

    sums: int32 (N, OH * height, OW, O), C-contiguous; columns: windows in a row, OW // width.
    """
    count, rows, across, channels = sums.shape
    lines = sums.reshape(count, rows, across * channels)
    for n in range(count):
        for i in range(0, rows, height):
            for y in range(1, height):
                _larger(lines[n, i], lines[n, i + y])
            for j in range(columns):
                for x in range(1, width):
                    _larger(sums[n, i, j * width], sums[n, i, j * width + x])
                sums[n, i, j] = sums[n, i, j * width]


@compiled
def rescale(sums, height, multiplier, nudge, first, half, away, second, low, high, zero, out):
    """Write the codes of sums: see Rescale.

    sums: int32 (N, H * height, OW, O), C-contiguous, its codes made from the left of each height-th
    row; the six integers: int64 (O,); low, high: ends of the codes less the zero_point, zero;
    out: int8 (N, H, W, O), a view.
    """
    count, rows, width, channels = out.shape
    for n in range(count):
        for i in range(rows):
            for j in range(width):
                source, target = sums[n, i * height, j], out[n, i, j]
                for o in range(channels):
                    acc = (np.int64(source[o]) * multiplier[o] + nudge[o]) >> first[o]
                    acc = (acc + half[o] + ((acc >> 63) & away[o])) >> second[o]
                    target[o] = min(max(acc, low), high) + zero


@compiled
def rescale_float32(sums, height, constant, ratio, low, high, zero, out):
    """Write the codes of sums by (5.7): as rescale; constant: int64 (O,), ratio: float32 (O,)."""
    count, rows, width, channels = out.shape
    for n in range(count):
        for i in range(rows):
            for j in range(width):
                source, target = sums[n, i * height, j], out[n, i, j]
                for o in range(channels):
                    value = np.rint(np.float32(source[o] + constant[o]) * ratio[o])
                    value = min(max(value, np.float32(low)), np.float32(high))
                    target[o] = np.int32(value) + zero


@compiled
def look_up(a, b, table, out):
    """Write table[a, b]: uint8 (N, H, W, C) each, out int8, views; table: int8 (256, 256)."""
    count, rows, width, channels = out.shape
    for n in range(count):
        for i in range(rows):
            for j in range(width):
                left, right, target = a[n, i, j], b[n, i, j], out[n, i, j]
                for c in range(channels):
                    target[c] = table[left[c], right[c]]


@compiled
def channel_sums(codes, total):
    """Write the sum of each channel over the image: int8 (N, H, W, C) to int32 (N, C)."""
    count, rows, width, channels = codes.shape
    total[:] = 0
    for n in range(count):
        into = total[n]
        for i in range(rows):
            for j in range(width):
                source = codes[n, i, j]
                for c in range(channels):
                    into[c] += source[c]
