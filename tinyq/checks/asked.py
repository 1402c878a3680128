"""What an annotation asks of a value: its type, and that its numbers are finite."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import numpy as np

from tinyq.checks.arrays import finite_float32, finite_float64, integers, numbers
from tinyq.checks.values import flag, instance, listed, real, shown, whole

PLURAL = Sequence, Collection, Iterable
MAPPING: Any = Mapping  # abstract, to a type checker
CALLABLE: Any = Callable
NUMBERS: dict[Any, Callable[[str, Any], Any]] = {int: whole, float: real, bool: flag}
INT64 = -(2**63), 2**63 - 1
ARRAYS: dict[Any, Callable[[str, Any], Any]] = {
    np.float32: finite_float32,
    np.float64: finite_float64,
    np.integer: partial(integers, least=INT64[0], most=INT64[1]),
}
ANY_NUMBER = np.integer, np.floating


def asked(name: str, value: Any, hint: Any) -> Any:
    """Return value in the one form that an annotation stands for.

    int, float, bool: as whole, real and flag;
    NDArray[np.float32], NDArray[np.float64], NDArray[np.integer]: as finite_float32,
    finite_float64 and integers; NDArray of another scalar type, or of a union of such: as numbers;
    tuple[X, Y], tuple[X, ...]: a sequence, as a tuple of what X and Y stand for;
    Sequence[X], list[X], Mapping[X, Y]: each item, key and value what X and Y stand for;
    type[X]: X or a subclass; a class: an instance of it; X | None: None too; X | Y: one of several.
    A string is no sequence: nobody means its letters.  What an annotation leaves open (Any,
    ArrayLike, the items of an iterable, a protocol) is the function's to check.
    Raises TypeError or ValueError with the name.

    >>> asked("bias", [1], np.ndarray[Any, np.dtype[np.int32]])
    Traceback (most recent call last):
    TypeError: bias must be an array of int32, got [1]
    """
    origin, parts = get_origin(hint), get_args(hint)
    kind = origin or hint
    if hint in NUMBERS:
        return NUMBERS[hint](name, value)
    if kind is np.ndarray:
        return _array(name, value, get_args(parts[1])[0] if parts else Any)
    if origin in (Union, UnionType):
        return _one_of(name, value, parts)
    if origin is tuple:
        return _items(name, value, parts)
    if kind in PLURAL and isinstance(value, str | bytes):
        raise TypeError(f"{name} must be a {kind.__name__}, got {shown(value)}")
    if origin in (Sequence, list):
        return _every_item(name, value, origin, parts[0])
    if origin in (Mapping, dict):
        return _mapping(name, value, *parts)
    if origin is type:
        return _subclass(name, value, *parts)
    if kind is CALLABLE:
        return _callable(name, value)
    return instance(name, value, kind) if _has_instances(kind) else value


def _has_instances(kind: Any) -> bool:
    """Whether isinstance takes kind: no annotation that is no class, no Any, no mere protocol."""
    protocol = getattr(kind, "_is_protocol", False)
    runtime = getattr(kind, "_is_runtime_protocol", False)
    return inspect.isclass(kind) and kind is not Any and (runtime or not protocol)


def _array(name: str, value: Any, scalar: Any) -> Any:
    """Return value as an array of a scalar type, of one of a union's, or of any real number."""
    if scalar in ARRAYS:
        return ARRAYS[scalar](name, value)
    kinds = get_args(scalar) or (getattr(scalar, "__bound__", None) or scalar,)
    known = all(inspect.isclass(kind) and issubclass(kind, np.generic) for kind in kinds)
    return numbers(name, value, kinds if known else ANY_NUMBER)


def _one_of(name: str, value: Any, hints: tuple[Any, ...]) -> Any:
    """Return value where it is None and may be, or what one of the other hints asks of it."""
    others = [hint for hint in hints if hint is not NoneType]
    if value is None and len(others) < len(hints):
        return value
    if len(others) == 1:
        return asked(name, value, others[0])
    if not all(map(_has_instances, others)):
        return value
    for hint in others:
        with suppress(TypeError):
            return asked(name, value, hint)
    names = " or ".join(kind.__name__ for kind in others)
    raise TypeError(f"{name} must be {names}, got {shown(value)}")


def _items(name: str, value: Any, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a sequence as a tuple whose items are what their hints ask of them."""
    kind = "integers" if set(hints) == {int} else "items"
    form = "a tuple" if hints[-1:] == (Ellipsis,) else f"{len(hints)} {kind}"
    items = listed(name, value, form)
    if hints[-1:] == (Ellipsis,):
        hints = hints[:1] * len(items)
    if len(items) != len(hints):
        raise ValueError(f"{name} must be {form}, got {shown(value)}")
    return tuple(asked(name, *pair) for pair in zip(items, hints, strict=True))


def _every_item(name: str, value: Any, kind: Any, hint: Any) -> Any:
    """Return a sequence whose items are all what one hint asks: a list for list, else a tuple."""
    instance(name, value, kind)
    items = [
        asked(f"{name}[{place}]", item, hint) for place, item in enumerate(listed(name, value))
    ]
    return items if kind is list else tuple(items)


def _mapping(name: str, value: Any, key_hint: Any, item_hint: Any) -> dict[Any, Any]:
    """Return a mapping as a dictionary whose keys and items are what their hints ask of them."""
    return {
        asked(f"a key of {name}", key, key_hint): asked(f"{name}[{key!r}]", item, item_hint)
        for key, item in instance(name, value, MAPPING).items()
    }


def _callable(name: str, value: Any) -> Any:
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {shown(value)}")
    return value


def _subclass(name: str, value: Any, kind: Any) -> Any:
    if not inspect.isclass(value) or inspect.isclass(kind) and not issubclass(value, kind):
        raise TypeError(f"{name} must be a subclass of {kind.__name__}, got {shown(value)}")
    return value
