"""What a careless caller hands over, by the annotation of the argument that gets it.

A table of a test file names valid calls, function: keyword arguments. `refuses_all` replaces one
argument by each value that its annotation rules out: each time the call must end in a TypeError or
ValueError which names the argument, and without a warning.
"""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from itertools import count
from types import ModuleType, NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import pytest

MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
OBJECTS = [None, object(), {}, {"a": 1}, "word", b"bytes", 1j, lambda: None, NoneType]
ARRAYS = ["word", ["word"], None, 1j, [1j], [None], [[1.0], [1.0, 2.0]], MASKED, [MASKED], True]
ARRAYS += [[True], np.array([True]), np.array([None]), np.array(["a"]), {}, object(), [2**70]]
ARRAYS += [np.datetime64("2020"), np.array(["2020"], "M8[D]"), np.timedelta64(1)]
ARRAYS += [np.ones((1, 1)).view(np.matrix), np.zeros(1, [("a", "f4")]), [np.array([True]), [0.5]]]
NOT_FINITE = [np.nan, np.inf, -np.inf]
# Values that an argument must refuse, by what its annotation says it takes.
WRONG: dict[Any, list[Any]] = {
    np.floating: [*ARRAYS, 1, [1, 2], np.int8([1, 2]), np.uint8([1])] + [[x] for x in NOT_FINITE],
    np.float64: [*ARRAYS, *([x] for x in NOT_FINITE), np.float32([np.nan])],
    np.ndarray: [*ARRAYS, 0.5, [0.5], [[1]]],
    np.integer: [*ARRAYS, 0.5, [0.5], np.float32([1.0]), np.uint64([2**63])],
    int: [*OBJECTS, True, 1.0, 0.5, np.float32(1), np.nan, "1", [1], np.array([1, 2]), MASKED],
    float: [*OBJECTS, True, "1.0", [1.0], np.array([1.0, 2.0]), MASKED, *NOT_FINITE, 10**400],
    bool: [*OBJECTS, 0, 1, "yes", [True], np.array([True, False])],
    str: [None, object(), 1, 0.5, b"bytes", ["word"]],
    Sequence: [None, object(), 1, 0.5, np.nan, 1j, "word", b"bytes", {1}],
    Collection: [None, object(), 1, 0.5, np.nan, 1j, "word", b"bytes"],
    Iterable: [None, object(), 1, 0.5, np.nan, 1j],
    tuple: [None, object(), 1, 0.5, 1j, "word", b"bytes", {"a": 1}, {1}, iter(())],
    Mapping: [None, object(), 1, 0.5, "word", ["word"]],
    Callable: [None, object(), 1, 0.5, "word", ["word"]],
    object: [],
}


def public(module: ModuleType) -> list[str]:
    """The names of the functions and classes that a module defines for others."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    ]


def kind_of(hint: Any) -> Any:
    """The key of WRONG for an annotation; a class that WRONG does not know stands for itself."""
    origin = get_origin(hint)
    for known in (hint, origin):
        if known in WRONG and known is not np.ndarray:
            return known
    if np.ndarray in (origin, hint):
        scalar = get_args(get_args(hint)[1])[0] if origin else Any
        if scalar in WRONG or not (inspect.isclass(scalar) and issubclass(scalar, np.generic)):
            return scalar if scalar in WRONG else np.ndarray
        return np.floating if issubclass(scalar, np.floating) else np.integer
    if origin is tuple:
        return tuple
    if inspect.isclass(origin) and issubclass(origin, list | Sequence):
        return Sequence
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return Mapping
    if origin is Callable or hint is Callable or getattr(origin, "__name__", "") == "Callable":
        return Callable
    return hint if inspect.isclass(hint) else object


def values_against(hint: Any) -> list[Any]:
    """The values that an argument with this annotation must refuse."""
    if get_origin(hint) in (Union, UnionType):
        return _against_union(get_args(hint))
    if get_origin(hint) is type:
        return [*OBJECTS, int, 1]
    kind = kind_of(hint)
    if kind in WRONG:
        return [*WRONG[kind], *_wrong_inside(hint, get_args(hint))]
    wrong = [*OBJECTS, True, 1, 0.5, [], np.zeros(3, np.float32)]
    return [*wrong, "DOUBLE"] if issubclass(kind, Enum) else wrong


def _against_union(hints: Sequence[Any]) -> list[Any]:
    """What all of the hints rule out; what is no array of numbers where one is a mere protocol."""
    if any(getattr(get_origin(hint) or hint, "_is_protocol", False) for hint in hints):
        return [object(), {}, lambda: None] + [None] * (NoneType not in hints)
    first, *others = [values_against(hint) for hint in hints if hint is not NoneType]
    plain = tuple(hint for hint in hints if inspect.isclass(hint) and get_origin(hint) is None)
    wrong = [value for value in first if all(among(value, other) for other in others)]
    return [value for value in wrong if not isinstance(value, plain)]


def _wrong_inside(hint: Any, parts: Sequence[Any]) -> list[Any]:
    """Sequences and mappings with one wrong thing in them, and what only looks like a sequence."""
    kind = kind_of(hint)
    if kind is Mapping and parts:
        keyed = [{1: 1}] if parts[0] is str else []
        return keyed + [{"a": value} for value in values_against(parts[1])]
    if get_origin(hint) is tuple:
        size = 1 if parts[-1] is Ellipsis else len(parts)
        return [(value,) * size for value in values_against(parts[0])]
    if kind is Sequence and parts:
        return ["word", iter([1]), count(), {1}] + [[value] for value in values_against(parts[0])]
    return []


def among(value: Any, values: Sequence[Any]) -> bool:
    """Whether the very object is among values: an array has no plain ==."""
    return any(value is other for other in values)


def arguments_of(table: Mapping[Any, Mapping[str, Any]]) -> list[Any]:
    """One pytest parameter (function, arguments, name) for each argument of each call."""
    return [
        pytest.param(function, arguments, name, id=f"{function.__qualname__}-{name}")
        for function, arguments in table.items()
        for name in arguments
    ]


def outcome(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """What a call gives; of a generator all its items, for before that it looks at nothing."""
    result = function(**arguments)
    return list(result) if inspect.isgenerator(result) else result


def refuses_all(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    name: str,
    hint: Any = None,
    said: str | None = None,
) -> None:
    """Each wrong value of an argument ends in a TypeError or ValueError that names it.

    hint: what the argument takes, where its annotation (ArrayLike, say) leaves it open;
    said: what messages call it, where that is another name.
    """
    if hint is None:
        hints = get_type_hints(function.__init__ if inspect.isclass(function) else function)
        hint = hints.get(name, object)
    wrong = values_against(hint)
    assert wrong or hint in (object, Any) or isinstance(hint, TypeVar), (
        f"nothing speaks against {hint}"
    )
    for value in wrong:
        with pytest.raises((TypeError, ValueError)) as caught:
            outcome(function, {**arguments, name: value})
        message = str(caught.value)
        assert (said or name) in message, f"{name} = {value!r} gave the message {message!r}"
