"""The one gate for what callers hand over: numbers, arrays, flags, and objects of a class.

Each function takes the argument's name for its message, and returns the argument in the one form
that the code behind the gate works on.  A wrong type is a TypeError, a wrong value a ValueError.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Kind = TypeVar("Kind")
Number = TypeVar("Number", bound=np.generic)
LONGEST = 200  # a million numbers are no message


def shown(value: object) -> str:
    """Return value as an error message shows it: its repr, cut where it is long.

    >>> len(shown(list(range(1000))))
    200
    """
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def whole(name: str, value: object, least: int | None = None, most: int | None = None) -> int:
    """Return an integer of any type as Python's own; least, most: its limits, None for none.

    NumPy's would wrap: ``np.int8(127) - np.int8(-128)`` is -1.
    Raises TypeError for a bool and all else that is no integer, ValueError beyond a limit.

    >>> whole("qmin", np.int8(-128)) - 1
    -129
    >>> whole("batch", 0, least=1)
    Traceback (most recent call last):
    ValueError: batch must be an integer >= 1, got 0
    """
    limits = "" if least is None else f" >= {least}" if most is None else f" in {least}..{most}"
    wanted = f"{name} must be an integer{limits}, got {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(wanted)
    if least is not None and value < least or most is not None and value > most:
        raise ValueError(wanted)
    return int(value)


def wholes(name: str, values: object, count: int, least: int) -> tuple[int, ...]:
    """Return values as a tuple of Python ints: ``count`` integers, each at least ``least``.

    Raises TypeError for what is no sequence of integers, ValueError for a wrong count or a small
    one.

    >>> wholes("stride", (2, 0), count=2, least=1)
    Traceback (most recent call last):
    ValueError: stride must be 2 integers >= 1, got (2, 0)
    """
    wanted = f"{name} must be {count} integers >= {least}, got {shown(values)}"
    if not isinstance(values, Sequence):
        raise TypeError(wanted)
    try:
        ints = tuple(whole(name, value) for value in values)
    except TypeError:
        raise TypeError(wanted) from None
    if len(ints) != count or min(ints) < least:
        raise ValueError(wanted)
    return ints


def real(name: str, value: object) -> float:
    """Return a finite real number of any type as Python's float.

    Raises TypeError for a bool, a string, an array and all else that is no real number, ValueError
    for NaN, infinity, or an integer beyond float64.

    >>> real("lo", np.float32(0.5)), real("lo", -1)
    (0.5, -1.0)
    >>> real("lo", "0.5")
    Traceback (most recent call last):
    TypeError: lo must be a real number, got '0.5'
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a real number, got {shown(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number, got {shown(value)}")
    return number


def flag(name: str, value: object) -> bool:
    """Return True or False; raise TypeError for anything else, 0 and 1 too.

    >>> flag("force", np.True_)
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def instance(name: str, value: object, kind: type[Kind]) -> Kind:
    """Return value where it is an object of the class kind; raise TypeError where it is not.

    >>> instance("grid", 0.5, dict)
    Traceback (most recent call last):
    TypeError: grid must be a dict, got 0.5
    """
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, got {shown(value)}")
    return value


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
