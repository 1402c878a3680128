"""What a mutant is: one function of tinyq, written wrongly on purpose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tinyq.checks import own_fields

Function = Callable[..., Any]


@dataclass(frozen=True)
class Mutant:
    """A named bug: a wrong function, and the place in tinyq where it goes.

    owner, attribute: the class or module, and the name in it of the function that is replaced;
    wrong: the function that goes there, with the same arguments; its docstring says what is wrong;
    notice: one sentence on how the bug shows; caught_by: the checks that find it, in the order and
    by the names of CATCHERS in tests/catchers.py; thread: an address where it hit someone, or None.
    Raises TypeError for anything else, ValueError for an attribute that owner does not have.

    >>> from tinyq.affine import Grid
    >>> from tinyq.mutants.grids import dequantize_without_zero_point
    >>> dequantize_without_zero_point.where
    'Grid.dequantize'
    >>> with dequantize_without_zero_point.planted():
    ...     Grid(0.5, -3).dequantize([-3, -2]).tolist()       # 0.0, 0.5 when it is right
    [-1.5, -1.0]
    """

    owner: type | ModuleType
    attribute: str
    wrong: Function
    notice: str
    caught_by: tuple[str, ...]
    thread: str | None

    def __post_init__(self) -> None:
        own_fields(self)
        if self.attribute not in vars(self.owner):
            raise ValueError(f"attribute must be one of {self.owner}, got {self.attribute!r}")

    @property
    def name(self) -> str:
        """The name of the wrong function."""
        return self.wrong.__name__

    @property
    def summary(self) -> str:
        """What is wrong, in one sentence."""
        return " ".join((self.wrong.__doc__ or "").split())

    @property
    def where(self) -> str:
        """The function that is replaced, say "QPad2D.forward"."""
        return f"{self.owner.__name__}.{self.attribute}"

    @property
    def caught_by_golden(self) -> bool:
        """Whether the seed's golden bytes change."""
        return "golden" in self.caught_by

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Put the wrong function in its place while a ``with`` block builds and runs networks."""
        right = vars(self.owner)[self.attribute]
        wrong = classmethod(self.wrong) if isinstance(right, classmethod) else self.wrong
        setattr(self.owner, self.attribute, wrong)
        try:
            yield
        finally:
            setattr(self.owner, self.attribute, right)


def breaks(
    owner: type | ModuleType,
    attribute: str,
    *,
    notice: str,
    caught_by: tuple[str, ...],
    thread: str | None = None,
) -> Callable[[Function], Mutant]:
    """Return a decorator that makes a wrong function a Mutant of ``owner.attribute``."""
    return lambda wrong: Mutant(owner, attribute, wrong, notice, caught_by, thread)
