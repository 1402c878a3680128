"""The gate by annotations: what a signature says of an argument is what the argument is asked."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache, wraps
from types import NoneType, UnionType
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from tinyq.checks.arrays import finite_float32, frozen, integers
from tinyq.checks.values import flag, instance, real, shown, whole

Params = ParamSpec("Params")
Result = TypeVar("Result")
SEQUENCE: Any = Sequence  # an abstract class, to a type checker
INT64 = -(2**63), 2**63 - 1
NUMBERS: dict[Any, Callable[[str, Any], Any]] = {int: whole, float: real, bool: flag}


@cache
def hints_of(annotated: Any) -> dict[str, Any]:
    """Return the annotations of a function or a dataclass, by name."""
    return get_type_hints(annotated)


def checked(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """Return function behind the gate: each argument is held against its annotation, see asked.

    The function gets the arguments in their one form: Python's numbers, arrays for lists.

    >>> @checked
    ... def half(count: int) -> float:
    ...     return count / 2
    >>> half(np.int8(3))
    1.5
    >>> half("3")
    Traceback (most recent call last):
    TypeError: count must be an integer, got '3'
    """
    signature = inspect.signature(function)

    @wraps(function)
    def behind_the_gate(*args: Params.args, **kwargs: Params.kwargs) -> Result:
        hints = hints_of(function)
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in hints:
                bound.arguments[name] = asked(name, value, hints[name])
        return function(*bound.args, **bound.kwargs)

    return behind_the_gate


def own_fields(made: Any) -> None:
    """Hold each field of a frozen dataclass against its annotation, see asked; for __post_init__.

    Arrays become copies of its own that nobody can write to, so that what is proved of them stays
    true.  The messages say "QDense: bias must be ...".
    """
    kind: Any = type(made)
    hints = hints_of(kind)
    for field in fields(made):
        name = f"{type(made).__name__}: {field.name}"
        value = asked(name, getattr(made, field.name), hints[field.name])
        own = frozen(value) if isinstance(value, np.ndarray) else value
        object.__setattr__(made, field.name, own)


def asked(name: str, value: Any, hint: Any) -> Any:
    """Return value in the one form that an annotation stands for.

    int, float, bool: as whole, real and flag; NDArray[np.float32]: as finite_float32;
    NDArray[np.integer]: as integers; NDArray[np.int8], say: an array of that very dtype;
    tuple[X, Y]: a sequence of the two, as a tuple; a class: an instance of it; X | None: None too.
    What an annotation leaves open (Any, ArrayLike, a sequence's items) is the function's to check.
    Raises TypeError or ValueError with the name.

    >>> asked("bias", [1], np.ndarray[Any, np.dtype[np.int32]])
    Traceback (most recent call last):
    TypeError: bias must be an array of int32, got [1]
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint in NUMBERS:
        return NUMBERS[hint](name, value)
    if origin is np.ndarray:
        return _array(name, value, *get_args(parts[1]))
    if origin in (Union, UnionType):
        return _one_of(name, value, parts)
    if origin is tuple:
        return _items(name, value, parts)
    kind = origin or hint
    return instance(name, value, kind) if inspect.isclass(kind) else value


def _array(name: str, value: Any, dtype: Any = Any) -> Any:
    if dtype is np.float32:
        return finite_float32(name, value)
    if dtype is np.integer:
        return integers(name, value, *INT64)
    exact = inspect.isclass(dtype) and issubclass(dtype, np.integer)
    wanted = f"an array of {dtype.__name__}" if exact else "an array"
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be {wanted}, got {shown(value)}")
    if exact and value.dtype != dtype:
        raise TypeError(f"{name} must be {wanted}, got an array of {value.dtype}")
    return value


def _one_of(name: str, value: Any, hints: tuple[Any, ...]) -> Any:
    """Return value where it is None and may be, or what the one other hint asks of it."""
    others = [hint for hint in hints if hint is not NoneType]
    if value is None and len(others) < len(hints):
        return value
    if len(others) == 1:
        return asked(name, value, others[0])
    if all(map(inspect.isclass, others)) and not isinstance(value, tuple(others)):
        names = " or ".join(kind.__name__ for kind in others)
        raise TypeError(f"{name} must be {names}, got {shown(value)}")
    return value


def _items(name: str, value: Any, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a sequence as a tuple whose items are what their hints ask of them."""
    instance(name, value, SEQUENCE)
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(value)
    if len(value) != len(hints):
        raise ValueError(f"{name} must have {len(hints)} items, got {shown(value)}")
    return tuple(asked(name, *pair) for pair in zip(value, hints, strict=True))
