"""The form of a verification ledger that a reader gives: its numbers are numbers, its names text.

The page shows its texts as text; but its numbers also stand in the copied call, as they are.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

# What the first case that differs must have to be computed again.
LINEAR = ("conv", "conv_per_tensor", "dense")
NEEDED = {
    **dict.fromkeys(LINEAR, ("in_scale", "weight_scale", "acc", "out_grid")),
    "add": ("a", "b", "a_grid", "b_grid", "out_grid"),
}
# Of a case, what is no number: its kind, and whether a mean keeps its axes.
WORDS = ("kind", "keep_dims")


def checked(ledger: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the pairs of a ledger.  Raises ValueError for one of another form.

    >>> checked({"pairs": [{"runtime": "mine", "operator": 3}]})
    Traceback (most recent call last):
    ValueError: ledger must have text as the operator of pairs[0], got 3
    """
    pairs = ledger.get("pairs") if isinstance(ledger, Mapping) else None
    if not pairs or not isinstance(pairs, list | tuple):
        raise ValueError("ledger must have pairs, as book/agreement.json has")
    if not isinstance(date := ledger.get("date", ""), str):
        raise ValueError(f"ledger must have text as its date, got {date!r}")
    for i, pair in enumerate(pairs):
        _check_pair(pair, f"pairs[{i}]")
    return list(pairs)


def _check_pair(pair: object, place: str) -> None:
    entries = _entries(pair, place)
    for key in ("runtime", "operator"):
        _demand(entries, key, _is_text, "text", place)
    for key in ("setting", "refusal"):
        _demand(entries, key, _is_text_or_none, "text or None", place)
    for key in ("cases", "refused"):
        _demand(entries, key, _is_count, "a whole number from 0 on", place)
    for rule, tally in _entries(entries.get("rules"), f"the rules of {place}").items():
        _check_tally(tally, entries["operator"], f"rule {rule!r} of {place}")


def _check_tally(tally: object, operator: str, place: str) -> None:
    entries = _entries(tally, place)
    for key in ("equal", "largest"):
        _demand(entries, key, _is_count, "a whole number from 0 on", place)
    if entries.get("first") is None:
        return
    place = f"the first of {place}"
    first = _entries(entries["first"], place)
    numbers = [key for key in first if key not in WORDS]
    for key in ("index", "runtime", *NEEDED.get(operator, ()), *numbers):
        _demand(first, key, _is_number, "a finite number, or lists of them,", place)


def _entries(item: object, place: str) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise ValueError(f"ledger must have a dictionary as {place}, got {item!r}")
    return item


def _demand(
    entries: Mapping[str, Any], key: str, holds: Callable[[object], bool], what: str, place: str
) -> None:
    if not holds(entries.get(key)):
        raise ValueError(
            f"ledger must have {what} as the {key} of {place}, got {entries.get(key)!r}"
        )


def _is_text(item: object) -> bool:
    return isinstance(item, str)


def _is_text_or_none(item: object) -> bool:
    return item is None or isinstance(item, str)


def _is_count(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool) and item >= 0


def _is_number(item: object) -> bool:
    if isinstance(item, list | tuple):
        return all(map(_is_number, item))
    return isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item)
