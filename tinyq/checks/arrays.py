"""Arrays at the gate: real numbers, integers, and copies that nobody can write to.

What is an array of the wanted kind already is not copied, and stays of its subclass, say memory-
mapped.  A masked array and a matrix are refused, because their arithmetic is another one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinyq.checks.values import shown

Number = TypeVar("Number", bound=np.generic)
FOREIGN = np.ma.MaskedArray, np.matrix
SAID: dict[Any, str] = {
    np.floating: "floats",
    np.integer: "integers",
    np.signedinteger: "signed integers",
}


def finite_float32(name: str, x: ArrayLike) -> NDArray[np.float32]:
    """Return real numbers as a float32 array; what is float32 already is not copied.

    x: an array of floats, a float, or lists of numbers with a float among them, any shape.
    Raises TypeError for integers (codes already?), bools, strings, objects and masked arrays;
    ValueError for NaN, infinity, or a number beyond float32.

    >>> finite_float32("bias", [0.5, 1])
    array([0.5, 1. ], dtype=float32)
    """
    return _finite(name, _array(name, x, "f", "real numbers (float32)"), np.float32)


def finite_float64(name: str, x: ArrayLike) -> NDArray[np.float64]:
    """Return real numbers as a float64 array; what is float64 already is not copied.

    x: an array of floats or integers, a number, or lists of numbers, any shape.
    Raises TypeError for bools, strings, objects and masked arrays; ValueError for NaN, infinity,
    or a number beyond float64.

    >>> finite_float64("gamma", [2, 1])
    array([2., 1.])
    """
    return _finite(name, _array(name, x, "fiu", "real numbers"), np.float64)


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


def numbers(name: str, x: object, kinds: tuple[type[np.generic], ...]) -> NDArray[Any]:
    """Return x where it is an array of one of the scalar types, and finite.

    Raises TypeError for what is no such array, ValueError for NaN or infinity.

    >>> numbers("logits", [1.0], (np.floating, np.int8))
    Traceback (most recent call last):
    TypeError: logits must be an array of floats or int8, got [1.0]
    """
    wanted = "an array of " + " or ".join(SAID.get(kind, kind.__name__) for kind in kinds)
    if not isinstance(x, np.ndarray) or isinstance(x, FOREIGN):
        raise _refusal(name, x, wanted)
    # a time difference is a signed integer to NumPy
    if not issubclass(x.dtype.type, kinds) or x.dtype.kind not in "biuf":
        raise _refusal(name, x, wanted)
    return _finite(name, x, x.dtype) if x.dtype.kind == "f" else x


def broadcast(**arrays: NDArray[Any]) -> None:
    """Raise ValueError, with the arrays' names and shapes, where they do not broadcast.

    >>> broadcast(x=np.zeros((2, 3)), shift=np.zeros(2))
    Traceback (most recent call last):
    ValueError: x and shift must have shapes that broadcast, got (2, 3) and (2,)
    """
    shapes = [array.shape for array in arrays.values()]
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        names, got = " and ".join(arrays), " and ".join(map(str, shapes))
        raise ValueError(f"{names} must have shapes that broadcast, got {got}") from None


def frozen(array: NDArray[Number]) -> NDArray[Number]:
    """Return a copy that nobody can write to, not even after ``setflags``.

    >>> frozen(np.int8([1, 2])).setflags(write=True)
    Traceback (most recent call last):
    ValueError: cannot set WRITEABLE flag to True of this array
    """
    return np.ndarray(array.shape, array.dtype, array.tobytes())


@contextmanager
def in_float(what: str) -> Iterator[None]:
    """Raise ValueError, not a warning, where sums or quotients of finite numbers overflow.

    what: the arguments that are too large, or too small to divide by.  Decorates functions too.

    >>> with in_float("weights and scales"):
    ...     np.float64([1e300]) / 1e-300
    Traceback (most recent call last):
    ValueError: weights and scales must stay within floats: overflow encountered in divide
    """
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            yield
    except FloatingPointError as error:
        raise ValueError(f"{what} must stay within floats: {error}") from error


def _finite(name: str, array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """Return array in a float dtype; raise ValueError unless that holds every number."""
    with np.errstate(all="ignore"):
        values = array.astype(dtype, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} must be finite {values.dtype.name} numbers, got NaN or infinity")
    return values


def _array(name: str, x: object, kinds: str, wanted: str) -> NDArray[Any]:
    """Return x as an array of NumPy's kinds; raise where it has no such form."""
    try:
        leaves = [] if isinstance(x, np.ndarray) else list(_leaves(x))
        # NumPy alone would take a bool among numbers for 1
        if any(isinstance(leaf, FOREIGN) or _is_bool(leaf) for leaf in leaves):
            raise _refusal(name, x, wanted)
        array = np.asanyarray(x)
    except Exception:  # ragged lists, and what a foreign __array__ or __len__ raises
        raise _refusal(name, x, wanted) from None
    if isinstance(array, FOREIGN) or array.dtype.kind not in kinds:
        if "i" in kinds and leaves and all(isinstance(leaf, int) for leaf in leaves):
            raise ValueError(f"{name} must be {wanted} that 64 bits hold, got {shown(x)}")
        raise _refusal(name, x, wanted)
    return array


def _is_bool(leaf: object) -> bool:
    return isinstance(leaf, bool) or getattr(leaf, "dtype", None) == np.bool_


def _leaves(x: object) -> Iterator[object]:
    """Yield what sequences in sequences hold at the bottom."""
    if isinstance(x, Sequence) and not isinstance(x, str | bytes):
        for item in x:
            yield from _leaves(item)
    else:
        yield x


def _refusal(name: str, x: object, wanted: str) -> TypeError:
    got = shown(x)
    if isinstance(x, np.ndarray) and not isinstance(x, FOREIGN):
        got = f"an array of {x.dtype}"
    return TypeError(f"{name} must be {wanted}, got {got}")
