"""Samples at a network's door, images or rows: one array, or batches that come one by one."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.affine import Grid
from tinyq.checks import finite_float32, integers

BATCH = 32
Images = NDArray[np.float32]
Sizes = tuple[int | None | EllipsisType, ...]  # (H, W, C), None for any; (..., C), any rank


def check_shape(images: NDArray[Any], wanted: Sizes) -> None:
    """Raise ValueError unless images are (N, *wanted), None for any size, ... for any axes.

    >>> check_shape(np.zeros((2, 8)), (..., 7))
    Traceback (most recent call last):
    ValueError: images must have shape (N, ..., 7), got (2, 8)
    """
    named = [want for want in wanted if want is not ...]
    sizes = images.shape[1:]
    if len(named) < len(wanted):  # the axes before them may be any
        sizes = sizes[len(sizes) - len(named) :]
    fits = len(sizes) == len(named) and all(
        want in (None, got) for got, want in zip(sizes, named, strict=True)
    )
    if not fits:
        letters = "HWC" if len(wanted) == 3 else "?" * len(wanted)
        form = [
            letter if want is None else "..." if want is ... else str(want)
            for letter, want in zip(letters, wanted, strict=True)
        ]
        raise ValueError(f"images must have shape (N, {', '.join(form)}), got {images.shape}")


def form_of(wanted: Sizes) -> str:
    """Return what messages call arrays of the wanted sizes.

    >>> form_of((None, None, 3)), form_of((7,)), form_of((4, 7))
    ('(N, H, W, C)', '(N, C)', '(N, ..., C)')
    """
    return {3: "(N, H, W, C)", 1: "(N, C)"}.get(len(wanted), "(N, ..., C)")


def sizes_of(channels: int, image: bool) -> Sizes:
    """Return the sizes of images with C channels, or of samples of any rank with C at the end."""
    return (None, None, channels) if image else (..., channels)


def check_images(images: NDArray[Any], wanted: Sizes) -> Images:
    """Return images as finite float32 of the wanted shape, or raise TypeError or ValueError."""
    if not isinstance(images, np.ndarray):
        got = type(images).__name__
        raise TypeError(f"images must be a float32 array {form_of(wanted)}, got {got}")
    images = finite_float32("images", images)
    check_shape(images, wanted)
    return images


def to_codes(images: NDArray[Any], grid: Grid, wanted: Sizes) -> NDArray[np.int8]:
    """Return images as int8 codes on grid: float32 is quantized, int8 is taken as codes.

    images: (N, ...) of the wanted shape.
    Raises TypeError for another dtype; ValueError for a wrong shape, NaN, infinity, codes off grid.
    """
    if not (isinstance(images, np.ndarray) and images.dtype == np.int8):
        return grid.quantize(check_images(images, wanted))
    check_shape(images, wanted)
    integers("images as codes", images, grid.qmin, grid.qmax)
    return images


def batches(
    images: Images | Iterable[Images], channels: int, image: bool = True
) -> Iterator[tuple[str, Images]]:
    """Yield (name, batch) of calibration images, each batch checked, none held.

    images: float32 (N, H, W, C), cut into batches of 32, from memory or a memory-mapped file; or
    an iterable of such arrays, each of them a batch.  channels: C.
    image: False where samples may be of any rank: (N, ..., C).
    The name is what an error message calls the batch: "images[32:64]", or "batch 1" of an iterable.
    Raises TypeError for what is not an array of floats, ValueError, with the batch's name, for NaN,
    infinity, or a batch whose shape but for N is not the first one's; and for no image at all.

    >>> [(name, batch.shape) for name, batch in batches(np.zeros((40, 4, 4, 3), np.float32), 3)]
    [('images[0:32]', (32, 4, 4, 3)), ('images[32:40]', (8, 4, 4, 3))]
    """
    shape: Sizes = sizes_of(channels, image)
    count = 0
    for name, batch in _slices(images, shape):
        with naming(name):
            batch = check_images(batch, shape)
        shape, count = batch.shape[1:], count + len(batch)
        if len(batch):
            yield name, batch
    if not count:
        got = images.shape if isinstance(images, np.ndarray) else "no image in any batch"
        raise ValueError(f"calibration images must hold at least one, got {got}")


def _slices(images: Images | Iterable[Images], shape: Sizes) -> Iterator[tuple[str, Images]]:
    if isinstance(images, np.ndarray):
        check_shape(images, shape)
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            yield f"images[{start}:{start + len(batch)}]", batch
    elif isinstance(images, Iterable):
        for number, batch in enumerate(images):
            yield f"batch {number}", batch
    else:
        raise TypeError(
            f"images must be a float32 array {form_of(shape)}, or an iterable of such batches, "
            f"got {type(images).__name__}"
        )


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Put what stands at fault in front of a TypeError or ValueError from inside.

    >>> with naming("layer 'stem'"):
    ...     raise ValueError("pads must be >= 0")
    Traceback (most recent call last):
    ValueError: layer 'stem': pads must be >= 0
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        # not type(error): a subclass may want other arguments, as UnicodeError and NumPy's do
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{what}: {error}") from error
