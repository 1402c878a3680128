"""The base of what is proved when it is made: it owns its fields, and a copy is proved anew."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tinyq.checks.hints import own_fields


class Proved:
    """The base of frozen dataclasses of which something is proved when they are made.

    Each field is held against its annotation and becomes the object's own, as own_fields says.
    Then each class in the line of bases that has a method ``_prove`` proves its own part there, and
    raises TypeError or ValueError where it cannot.  Whatever pickles, copies or replaces calls
    the constructor, so a copy has read-only fields of its own too, and was proved itself.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Even(Proved):
    ...     numbers: tuple[int, ...]
    ...     def _prove(self) -> None:
    ...         if any(number % 2 for number in self.numbers):
    ...             raise ValueError(f"Even: numbers must be even, got {self.numbers}")
    >>> Even([2, 4])
    Even(numbers=(2, 4))
    >>> Even([1])
    Traceback (most recent call last):
    ValueError: Even: numbers must be even, got (1,)
    """

    def __post_init__(self) -> None:
        prove(self)

    def __reduce__(self) -> tuple[Any, tuple[type, dict[str, Any]]]:
        """Pickle and copy by the constructor: a pickled array would come back writeable."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.init}  # type: ignore[arg-type]
        # what own_fields made of a mapping does not pickle
        parts = {name: dict(v) if isinstance(v, Mapping) else v for name, v in own.items()}
        return _made, (type(self), parts)


def prove(made: Proved) -> None:
    """Prove all that the class of made and its bases demand, now and for as long as made lives.

    It asks each class in the line for itself, so no subclass can take back what a base demands.
    Raises TypeError or ValueError.
    """
    own_fields(made)
    for kind in reversed(type(made).__mro__):
        if "_prove" in vars(kind):
            vars(kind)["_prove"](made)


def _made(kind: type, parts: dict[str, Any]) -> Any:
    return kind(**parts)
