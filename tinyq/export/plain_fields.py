"""A layer's fields as what JSON knows: integers, floats, words, lists; and back, with no trust."""

from types import NoneType
from typing import Any, get_args, get_origin

from tinyq.affine import Grid
from tinyq.layers.functions import Function


def to_plain(value: Any, grids: list[Grid]) -> Any:
    """Return what JSON has for a field that is no array: a grid is its place in the list."""
    match value:
        case Grid():
            return place_of(value, grids)
        case tuple():
            return [to_plain(item, grids) for item in value]
        case Function():
            return value.name
        case float():
            return float(value)
        case None:
            return None
        case _:
            return int(value)


def from_plain(hint: Any, value: Any, grids: list[Grid]) -> Any:
    """Return what JSON has for a field of a type as a value of that type.

    Raises TypeError, ValueError or KeyError for what to_plain does not make.
    """
    inside = get_args(hint)
    if NoneType in inside:
        return None if value is None else from_plain(inside[0], value, grids)
    if hint is Grid:
        return grid_at(value, grids)
    if hint is Function:
        return Function[value]
    if get_origin(hint) is tuple:
        return tuple(from_plain(inside[0], item, grids) for item in value)
    return {int: integer_of, bool: _flag, float: _number}[hint](value)


def place_of(grid: Grid, grids: list[Grid]) -> int:
    """Return the place of this very grid in the list; a new grid is added to it."""
    for place, known in enumerate(grids):
        if known is grid:
            return place
    grids.append(grid)
    return len(grids) - 1


def grid_at(place: object, grids: list[Grid]) -> Grid:
    """Return the grid at a place that the header names."""
    number = integer_of(place)
    if not 0 <= number < len(grids):
        raise ValueError(f"a grid must be one of {len(grids)}, got number {number}")
    return grids[number]


def integer_of(value: object) -> int:
    """Return an integer of the header; raise TypeError for anything else."""
    if type(value) is not int:
        raise TypeError(f"the header must have an integer here, got {value!r}")
    return value


def _number(value: object) -> float:
    if type(value) is not float:
        raise TypeError(f"the header must have a float here, got {value!r}")
    return value


def _flag(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError(f"the header must have 0 or 1 here, got {value!r}")
    return bool(integer_of(value))
