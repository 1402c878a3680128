"""The gate of array functions: every argument in its domain, and shapes that broadcast."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tinyq.checks.arrays import broadcast, finite_float64, integers

Params = ParamSpec("Params")
Result = TypeVar("Result")


def within(
    **domains: tuple[float, float],
) -> Callable[[Callable[Params, Result]], Callable[Params, Result]]:
    """Return a decorator: the named arguments are arrays in least..most that broadcast.

    domains: of each argument, two ints for what takes integers, two floats for real numbers.
    The function gets arrays, of an integer type or float64.  Raises as integers, finite_float64
    and broadcast do, ValueError for a real number beyond its domain.

    >>> @within(x=(0, 3))
    ... def double(x):
    ...     return 2 * x
    >>> double([1, 3]).tolist()
    [2, 6]
    >>> double(4)
    Traceback (most recent call last):
    ValueError: x must lie in 0..3, got 4..4
    """

    def decorate(function: Callable[Params, Result]) -> Callable[Params, Result]:
        signature = inspect.signature(function)

        @wraps(function)
        def behind_the_gate(*args: Params.args, **kwargs: Params.kwargs) -> Result:
            given = signature.bind(*args, **kwargs).arguments
            arrays = {name: _array(name, given[name], *domains[name]) for name in domains}
            broadcast(**arrays)
            call: Any = function  # by name, which a ParamSpec cannot say
            result: Result = call(**given | arrays)
            return result

        return behind_the_gate

    return decorate


def unchecked(function: Callable[Params, Result]) -> Callable[Params, Result]:
    """Return a function without its gate, for numbers that were proved before.

    >>> unchecked(within(x=(0, 3))(lambda x: x))(4)
    4
    """
    inside: Callable[Params, Result] = getattr(function, "__wrapped__", function)
    return inside


def _array(name: str, value: Any, least: float, most: float) -> Any:
    if isinstance(least, int) and isinstance(most, int):
        return integers(name, value, least, most)
    array = finite_float64(name, value)
    if array.size and not least <= array.min() <= array.max() <= most:
        raise ValueError(
            f"{name} must lie in {least:g}..{most:g}, got {np.min(array)}..{np.max(array)}"
        )
    return array
