"""Single values at the gate: integers, real numbers, flags, and objects of a class."""

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

Kind = TypeVar("Kind")
LONGEST = 200  # a million numbers are no message
NO_NUMBER = bool, np.timedelta64  # an integer to Python, and one to NumPy


def shown(value: object) -> str:
    """Return value as an error message shows it: its repr, cut where it is long.

    What has no repr, as an integer of 5,000 digits, is shown by its type.

    >>> len(shown(list(range(1000)))), shown(10**5000)
    (200, 'a value of type int')
    """
    try:
        text = repr(value)
    except Exception:  # of a foreign class it may raise anything
        return f"a value of type {type(value).__name__}"
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
    if not isinstance(value, int | np.integer) or isinstance(value, NO_NUMBER):
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
    try:
        ints = tuple(whole(name, value) for value in listed(name, values))
    except TypeError:
        raise TypeError(wanted) from None
    if len(ints) != count or min(ints) < least:
        raise ValueError(wanted)
    return ints


def listed(name: str, values: object, wanted: str = "a sequence") -> list[Any]:
    """Return the items of a sequence; raise TypeError for anything else, and for a string.

    wanted: what the message says that it must be.

    >>> listed("names", "conv")
    Traceback (most recent call last):
    TypeError: names must be a sequence, got 'conv'
    """
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        with suppress(Exception):  # of a foreign class it may raise anything
            return list(values)
    raise TypeError(f"{name} must be {wanted}, got {shown(values)}")


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
    kinds = int | float | np.integer | np.floating
    if not isinstance(value, kinds) or isinstance(value, NO_NUMBER):
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

    A class itself is refused, though it may have all that a protocol asks of its objects.

    >>> instance("grid", 0.5, dict)
    Traceback (most recent call last):
    TypeError: grid must be a dict, got 0.5
    """
    if not isinstance(value, kind) or isinstance(value, type) and kind not in (type, object):
        raise TypeError(f"{name} must be a {kind.__name__}, got {shown(value)}")
    return value
