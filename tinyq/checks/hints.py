"""The gate by annotations: what a signature says of an argument is what the argument is asked."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import cache, wraps
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar, get_type_hints

import numpy as np

from tinyq.checks.arrays import frozen
from tinyq.checks.asked import asked

Params = ParamSpec("Params")
Result = TypeVar("Result")


@cache
def hints_of(annotated: Any) -> dict[str, Any]:
    """Return the annotations of a function or a dataclass, by name; of *items that of a tuple."""
    hints = get_type_hints(annotated)
    if not inspect.isclass(annotated):
        for name, parameter in inspect.signature(annotated).parameters.items():
            if name in hints and parameter.kind is parameter.VAR_POSITIONAL:
                hints[name] = tuple.__class_getitem__((hints[name], ...))
            if parameter.kind is parameter.VAR_KEYWORD:
                hints.pop(name, None)
    return hints


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

    Arrays and mappings become copies of its own that nobody can write to, so that what is proved of
    them stays true.  The messages say "QDense: bias must be ...".
    """
    kind: Any = type(made)
    hints = hints_of(kind)
    for field in fields(made):
        name = f"{type(made).__name__}: {field.name}"
        value = asked(name, getattr(made, field.name), hints[field.name])
        object.__setattr__(made, field.name, _read_only(value))


def _read_only(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return frozen(value)
    return MappingProxyType(value) if isinstance(value, dict) else value
