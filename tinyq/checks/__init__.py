"""The one gate for what callers hand over: numbers, arrays, flags, and objects of a class.

Each check takes the argument's name for its message, and returns the argument in the one form that
the code behind the gate works on.  A wrong type is a TypeError, a wrong value a ValueError.
"""

from tinyq.checks.arrays import (
    finite_float32,
    finite_float64,
    frozen,
    in_float,
    integers,
    numbers,
)
from tinyq.checks.domain import unchecked, within
from tinyq.checks.hints import checked, own_fields
from tinyq.checks.proved import Proved, prove
from tinyq.checks.values import flag, instance, listed, real, shown, whole, wholes

__all__ = [
    "Proved",
    "checked",
    "finite_float32",
    "finite_float64",
    "flag",
    "frozen",
    "in_float",
    "instance",
    "integers",
    "listed",
    "numbers",
    "own_fields",
    "prove",
    "real",
    "shown",
    "unchecked",
    "whole",
    "wholes",
    "within",
]
