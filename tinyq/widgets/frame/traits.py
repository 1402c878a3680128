"""The widgets' traits, behind the gate: what is no such value is refused by the trait's name.

traitlets alone would take True for 1, 1 for True, bytes for text and NaN for a number, and end in
an OverflowError.
"""

from typing import Any

import traitlets

from tinyq.checks import finite_float32, flag, instance, real, whole


class Int(traitlets.Int[int, int]):
    """An integer of any type, as Python's own; no bool."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return value as an int within min..max, or raise by the trait's name."""
        return super().validate(obj, whole(str(self.name), value))


class Float(traitlets.Float[float, float]):
    """A real number that float32 holds, as Python's float."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return value as a float within min..max, or raise by the trait's name."""
        number = real(str(self.name), value)
        finite_float32(str(self.name), number)
        return super().validate(obj, number)


class Enum(traitlets.Enum[str]):
    """One of some words."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return value where it is one of the words, or raise by the trait's name."""
        return super().validate(obj, instance(str(self.name), value, str))


class Bool(traitlets.Bool[bool, bool]):
    """True or False."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return value where it is a bool, or raise by the trait's name."""
        return super().validate(obj, flag(str(self.name), value))


class Unicode(traitlets.Unicode[str, str]):
    """Some text."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return value where it is a str, or raise by the trait's name."""
        return super().validate(obj, instance(str(self.name), value, str))
