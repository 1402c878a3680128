"""What every layer asks of its arguments, in messages that restate the call."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import integers, wholes

IMAGE = "(N, H, W, C)"
ROW = "(N, C)"
ANY = "(N, ..., C)"
UNDILATED = (1, 1)
Number = TypeVar("Number", bound=np.generic)
Reals = NDArray[np.float32]


def check_codes(
    layer: object,
    codes: NDArray[np.int8],
    grid: Grid,
    form: str,
    channels: int | None = None,
    name: str = "codes",
) -> None:
    """Raise unless codes are an int8 array on grid, of the form and channels that layer takes.

    form: IMAGE or ROW, whose commas give the rank, or ANY, for each rank from 2 on; channels: size
    of the last axis, None for any; name: of the argument of layer.forward.
    Raises TypeError for another type or dtype, ValueError for another shape or a code off the grid.
    """
    where = f"{type(layer).__name__}.forward: {name}"
    if not isinstance(codes, np.ndarray) or isinstance(codes, np.ma.MaskedArray):
        raise TypeError(f"{where} must be an int8 array {form}, got {type(codes).__name__}")
    if codes.dtype != np.int8:
        raise TypeError(f"{where} must be int8 {form}, got {codes.dtype} {codes.shape}")
    if not has_form(codes.shape, form):
        raise ValueError(f"{where} must have shape {form}, got {codes.shape}")
    if channels is not None and codes.shape[-1] != channels:
        raise ValueError(f"{where} must have C = {channels}, got shape {codes.shape}")
    # on a narrower grid than int8's a stray code could overflow a sum
    integers(where, codes, grid.qmin, grid.qmax)


def has_form(shape: tuple[int, ...], form: str) -> bool:
    """Return whether a shape, with N, has the rank of IMAGE or ROW, or any that ANY takes.

    >>> has_form((1, 2, 3), IMAGE), has_form((1, 2, 3), ANY), has_form((3,), ANY)
    (False, True, False)
    """
    return len(shape) >= 2 if form == ANY else len(shape) == form.count(",") + 1


def check_reals(
    layer: object, x: Reals, form: str | None = None, channels: int | None = None, name: str = "x"
) -> None:
    """Raise unless x is an array of floats, of the form and channels that layer takes.

    form: IMAGE, ROW or ANY, None for any; channels: size of the last axis, None for any; name: of
    the argument of layer.forward.  Raises TypeError for another type, ValueError for another shape.
    """
    where = f"{type(layer).__name__}.forward: {name}"
    other = isinstance(x, np.ma.MaskedArray | np.matrix)  # their arithmetic is another one
    if other or not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        got = getattr(x, "dtype", type(x).__name__)
        raise TypeError(f"{where} must be a float32 array, got {got}")
    if form is not None and not has_form(x.shape, form):
        raise ValueError(f"{where} must have shape {form}, got {x.shape}")
    if channels is not None and x.shape[-1] != channels:
        raise ValueError(f"{where} must have C = {channels}, got shape {x.shape}")


def check_real_pair(layer: object, a: Reals, b: Reals) -> None:
    """Raise as check_reals unless a and b are arrays of floats, ValueError for two shapes."""
    check_reals(layer, a, name="a")
    check_reals(layer, b, name="b")
    if a.shape != b.shape:
        where = f"{type(layer).__name__}.forward"
        raise ValueError(f"{where}: a and b must have one shape, got {a.shape}, {b.shape}")


def check_form(shape: tuple[int, ...], form: str, channels: int | None = None) -> None:
    """Raise ValueError unless one image's tensor, without N, has the form and the channels.

    form, channels: as check_codes takes them.
    """
    if not has_form((1, *shape), form):
        wanted = {IMAGE: "(H, W, C)", ROW: "(C,)", ANY: "(..., C)"}[form]
        raise ValueError(f"it must read {wanted}, got {shape}")
    if channels is not None and shape[-1] != channels:
        raise ValueError(f"its weight needs C = {channels}, got {shape}")


def check_rank(shape: tuple[int, ...], rank: int) -> None:
    """Raise ValueError unless one sample's shape, without N, has so many axes.

    >>> check_rank((4,), 2)
    Traceback (most recent call last):
    ValueError: it must read samples of rank 2, got (4,)
    """
    if len(shape) != rank:
        raise ValueError(f"it must read samples of rank {rank}, got {shape}")


def elementwise_form(codes: object) -> str:
    """Return the form of a layer that works code by code: IMAGE for four axes, or ROW, or ANY."""
    ndim = getattr(codes, "ndim", 0)
    return IMAGE if ndim == 4 else ROW if ndim <= 2 else ANY


def check_moves(name: str, stride: Sequence[int], dilation: Sequence[int]) -> None:
    """Raise ValueError unless stride (SY, SX) and dilation (DY, DX) are each at least 1.

    >>> check_moves("QConv2D", (1, 1), (0, 1))
    Traceback (most recent call last):
    ValueError: QConv2D: dilation (DY, DX) must be 2 integers >= 1, got (0, 1)
    """
    wholes(f"{name}: stride (SY, SX)", stride, count=2, least=1)
    wholes(f"{name}: dilation (DY, DX)", dilation, count=2, least=1)


def check_window(name: str, kernel: Sequence[int], stride: Sequence[int]) -> None:
    """Raise ValueError unless kernel (KH, KW) and stride (SY, SX) are each at least 1.

    >>> check_window("QAvgPool2D", (2, 2), (1, 0))
    Traceback (most recent call last):
    ValueError: QAvgPool2D: stride (SY, SX) must be 2 integers >= 1, got (1, 0)
    """
    wholes(f"{name}: kernel (KH, KW)", kernel, count=2, least=1)
    wholes(f"{name}: stride (SY, SX)", stride, count=2, least=1)


def check_pool_pads(name: str, pads: Sequence[int], kernel: Sequence[int]) -> None:
    """Raise as wholes, and ValueError where a window of kernel could hold no real pixel.

    pads: (top, bottom, left, right).

    >>> check_pool_pads("QMaxPool2D", (1, 1, 1, 2), (3, 2))
    Traceback (most recent call last):
    ValueError: QMaxPool2D: pads must be below the kernel (3, 2), got (1, 1, 1, 2)
    """
    ints = wholes(f"{name}: pads (top, bottom, left, right)", pads, count=4, least=0)
    if max(ints[:2]) >= kernel[0] or max(ints[2:]) >= kernel[1]:
        raise ValueError(f"{name}: pads must be below the kernel {kernel}, got {ints}")


def pad_image(image: NDArray[Number], pads: Sequence[int], value: float) -> NDArray[Number]:
    """Return (N, H, W, C) with (top, bottom, left, right) rows and columns of value around it."""
    top, bottom, left, right = pads
    widths = ((0, 0), (top, bottom), (left, right), (0, 0))
    return np.pad(image, widths, constant_values=value)


def padded_shape(shape: tuple[int, ...], pads: Sequence[int]) -> tuple[int, int, int]:
    """Return the shape of an image (H, W, C) with pads (top, bottom, left, right)."""
    top, bottom, left, right = pads
    return top + shape[0] + bottom, left + shape[1] + right, shape[2]


def extent(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, int]:
    """Return the pixels (rows, columns) of a dilated kernel: ``(kernel - 1) * dilation + 1``.

    >>> extent((3, 2), (1, 4))
    (3, 5)
    """
    return (kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1


def output_size(
    layer: object,
    codes_shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int] = UNDILATED,
) -> tuple[int, int]:
    """Return (OH, OW) of a VALID window: ``(size - extent) // stride + 1`` on each axis     (6.1).

    The extent is the kernel's, where nothing is dilated.
    Raises ValueError where it is larger than the image.
    """
    height, width = codes_shape[1:3]
    rows, columns = extent(kernel, dilation)
    if rows > height or columns > width:
        dilated = f" dilated by {tuple(dilation)}" if tuple(dilation) != UNDILATED else ""
        raise ValueError(
            f"{type(layer).__name__}.forward: kernel {tuple(kernel)}{dilated} must fit the image, "
            f"got codes of shape {codes_shape}"
        )
    return (height - rows) // stride[0] + 1, (width - columns) // stride[1] + 1


def taps(
    image: NDArray[Number],
    kernel: Sequence[int],
    stride: Sequence[int],
    out: tuple[int, int],
    dilation: Sequence[int] = UNDILATED,
) -> Iterator[tuple[int, int, NDArray[Number]]]:
    """Yield (ky, kx, slice) for each place in a window: all pixels that this place ever covers.

    image: (N, H, W, C); out: (OH, OW).  Each slice is a view (N, OH, OW, C).
    """
    for ky, kx in np.ndindex(*kernel):
        y, x = ky * dilation[0], kx * dilation[1]
        rows = slice(y, y + stride[0] * (out[0] - 1) + 1, stride[0])
        columns = slice(x, x + stride[1] * (out[1] - 1) + 1, stride[1])
        yield ky, kx, image[:, rows, columns, :]
