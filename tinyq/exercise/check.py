"""Check a reader's answer, and say in a sentence what is wrong with it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinyq.checks import checked


@checked
def check(got: object, want: object, hint: str = "") -> bool:
    """Compare an answer with the wanted one; print one sentence; return whether it is right.

    The sentence names the first difference: of type, then shape, then dtype, then values.
    got, want: numbers, strings, arrays or anything else with ``==``; hint: shown if values differ.
    An empty stub (``...``) gives "Not yet"; None is what a function without ``return`` gives.

    >>> check(..., 3)
    Not yet: replace the dots with your answer, then run this cell again.
    False
    >>> check(np.int8([1, 2]), np.int8([1, 3]), hint="look at the tie.")
    Wrong value at index [1]: got 2, want 3. Hint: look at the tie.
    False
    >>> check(0.5, 0.5)
    Right.
    True
    """
    fault = _fault(got, want)
    if fault.startswith("Wrong value") and hint:
        fault = f"{fault} Hint: {hint}"
    print(fault or "Right.")
    return not fault


def _fault(got: object, want: object) -> str:
    """Return a sentence that says what is wrong, "" if nothing is."""
    if got is ...:
        return "Not yet: replace the dots with your answer, then run this cell again."
    if got is None:
        return f"Wrong type: got None, want {type(want).__name__}. Is there a return at the end?"
    if isinstance(want, np.ndarray):
        return _array_fault(got, want)
    if isinstance(want, tuple | list):
        return _items_fault(got, want)
    if isinstance(got, np.ndarray) and got.ndim:
        return f"Wrong type: got an array of shape {got.shape}, want one {type(want).__name__}."
    if isinstance(want, bool | str) and not isinstance(got, type(want) | np.bool_):
        return f"Wrong type: got {type(got).__name__}, want {type(want).__name__}."
    return "" if got == want else f"Wrong value: got {got}, want {want}."


def _array_fault(got: object, want: NDArray[Any]) -> str:
    if not isinstance(got, np.ndarray | np.generic):
        return f"Wrong type: got {type(got).__name__}, want an array of {want.dtype}."
    if got.shape != want.shape:
        return f"Wrong shape: got {got.shape}, want {want.shape}."
    if got.dtype != want.dtype:
        return f"Wrong dtype: got {got.dtype}, want {want.dtype}."
    got = np.asarray(got)
    wrong = np.argwhere(got != want)
    if not len(wrong):
        return ""
    index = [int(i) for i in wrong[0]]
    where = tuple(index)
    return f"Wrong value at index {index}: got {got[where]}, want {want[where]}."


def _items_fault(got: object, want: tuple[object, ...] | list[object]) -> str:
    kind = type(want).__name__
    if not isinstance(got, type(want)) or len(got) != len(want):
        size = f"a {kind} of {len(got)}" if isinstance(got, type(want)) else type(got).__name__
        return f"Wrong type: got {size}, want a {kind} of {len(want)}."
    for place, (one, other) in enumerate(zip(got, want, strict=True)):
        fault = _fault(one, other)
        if fault:
            if " at place " in fault:
                return fault.replace(" at place ", f" at place {place}, ", 1)
            return fault.replace(": got", f" at place {place}: got", 1)
    return ""
