"""Arrays at the gate: real numbers, integers, and copies that nobody can write to."""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyq.checks.values import shown

Number = TypeVar("Number", bound=np.generic)


def finite_float32(name: str, x: ArrayLike) -> NDArray[np.float32]:
    """Return real numbers as a float32 array; what is float32 already is not copied.

    x: an array of floats, a float, or lists of numbers with a float among them, any shape.
    Raises TypeError for integers (codes already?), bools, strings, objects and masked arrays;
    ValueError for NaN, infinity, or a number beyond float32.

    >>> finite_float32("bias", [0.5, 1])
    array([0.5, 1. ], dtype=float32)
    """
    wide = _array(name, x, "f", "real numbers (float32)")
    with np.errstate(over="ignore", under="ignore"):
        values = wide.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite float32 numbers, got NaN or infinity")
    return values


def integers(name: str, x: ArrayLike, least: int, most: int) -> NDArray[np.integer]:
    """Return signed integers in least..most as an array; one that is an array is not copied.

    x: a signed integer, an array of them, or lists of them, any shape.
    Raises TypeError for floats, bools, strings, objects and masked arrays, ValueError for an
    integer outside least..most.

    >>> integers("acc", [2**31], -(2**31), 2**31 - 1)
    Traceback (most recent call last):
    ValueError: acc must lie in -2147483648..2147483647, got 2147483648..2147483648
    """
    values = _array(name, x, "i", "signed integers")
    limits = np.iinfo(values.dtype)
    if values.size and not least <= limits.min <= limits.max <= most:
        smallest, largest = int(values.min()), int(values.max())
        if smallest < least or largest > most:
            raise ValueError(f"{name} must lie in {least}..{most}, got {smallest}..{largest}")
    return values


def frozen(array: NDArray[Number]) -> NDArray[Number]:
    """Return a copy that nobody can write to, not even after ``setflags``.

    >>> frozen(np.int8([1, 2])).setflags(write=True)
    Traceback (most recent call last):
    ValueError: cannot set WRITEABLE flag to True of this array
    """
    return np.ndarray(array.shape, array.dtype, array.tobytes())


def _array(name: str, x: object, kind: str, wanted: str) -> NDArray[Any]:
    """Return x as an array of one of NumPy's kinds; raise TypeError where it has no such form."""
    try:
        array = np.asarray(x)
    except Exception:  # ragged lists, numbers beyond int64, and what a foreign __array__ raises
        raise TypeError(f"{name} must be {wanted}, got {type(x).__name__}") from None
    if array.dtype.kind != kind:
        got = f"an array of {array.dtype}" if isinstance(x, np.ndarray) else shown(x)
        raise TypeError(f"{name} must be {wanted}, got {got}")
    for leaf in _leaves(x):
        if isinstance(leaf, bool | np.bool_ | np.ma.MaskedArray):
            raise TypeError(f"{name} must be {wanted}, got a {type(leaf).__name__}")
    return array


def _leaves(x: object) -> Iterator[object]:
    """Yield what lists and tuples hold at the bottom; NumPy alone would take a bool for 1."""
    if isinstance(x, list | tuple):
        for item in x:
            yield from _leaves(item)
    else:
        yield x
