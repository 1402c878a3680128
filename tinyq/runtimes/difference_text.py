"""A difference as text for people: where, both codes, the facts, and a line a rule."""

from collections.abc import Mapping, Sequence
from typing import Any

AXES = {1: "n", 2: "n, c", 4: "n, h, w, c"}
FIELDS = ("rule", "between", "rounded", "+ zero_point", "code", "runtimes")


def difference_text(found: Mapping[str, Any]) -> str:
    """Return the text of what Difference.to_dict gives."""
    first, second = found["sides"]
    tensor = "" if found["tensor"] is None else f", tensor {found['tensor']}"
    place = ", ".join(map(str, found["place"]))
    axes = AXES.get(len(found["place"]))
    lines = [
        f"{first} and {second} differ first in {found['node']} ({found['kind']}{tensor})",
        f"place {f'({axes}) = ' if axes else ''}({place}): {found['codes'][0]} and "
        f"{found['codes'][1]}; {found['differing']} of the tensor's {found['size']} bytes differ",
    ]
    if found["explanation"]:
        facts, steps = found["explanation"]["facts"], found["explanation"]["steps"]
        lines += ["", *facts_text(facts), ""] if facts else [""]
        lines += steps_text(steps)
    return "\n".join(lines)


def facts_text(facts: Mapping[str, object]) -> list[str]:
    """Return a line for each fact, its name in front.

    >>> facts_text({"sum": 5, "count": 2})
    ['sum    5', 'count  2']
    """
    width = max(map(len, facts))
    return [f"{name:<{width}}  {value}" for name, value in facts.items()]


def steps_text(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a table with a line for each rule's step, as dictionaries; empty columns are left out.

    >>> step = {"rule": "UP", "numbers": {"high": 3}, "rounded": 2, "with_zero_point": 1}
    >>> print(*steps_text([step | {"code": 1, "runtimes": []}]), sep="\\n")
    rule  between  rounded  + zero_point  code
    UP    high 3         2             1     1
    """
    rows = [FIELDS, *(_cells(step) for step in steps)]
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    padded = []
    for column in columns:
        width = max(map(len, column))
        numeric = column[0] in FIELDS[2:5]
        padded.append([cell.rjust(width) if numeric else cell.ljust(width) for cell in column])
    return ["  ".join(line).rstrip() for line in zip(*padded, strict=True)]


def _cells(step: Mapping[str, Any]) -> tuple[str, ...]:
    between = ", ".join(f"{name} {_shown(value)}" for name, value in step["numbers"].items())
    numbers = (step["rounded"], step["with_zero_point"], step["code"])
    cells = ("" if number is None else str(number) for number in numbers)
    return (step["rule"], between, *cells, ", ".join(step["runtimes"]))


def _shown(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)
