"""The tensors of a block as a table: what stands in for a widget's list where no script runs."""

from collections.abc import Mapping, Sequence

from tinyq.network import QNetwork
from tinyq.widgets.frame.markup import Markup, element, table

COLOURS = ("#0072b2", "#009e73", "#b57c00", "#d55e00", "#b85c92", "#6b7280")


def numbers_of(qnet: QNetwork) -> list[int]:
    """Return the number of each tensor's grid object, from 1 as they appear, "input" first.

    >>> from tinyq.widgets.data.subject import of_seed
    >>> seed = of_seed()
    >>> numbers_of(seed.net.quantize_on(seed.ranges, (16, 16, 3)))
    [1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 5, 6]
    """
    numbers: dict[int, int] = {}
    return [numbers.setdefault(id(grid), len(numbers) + 1) for grid in qnet.grids.values()]


def stage_table(qnet: QNetwork, columns: Mapping[str, Sequence[object]]) -> Markup:
    """Return an HTML table, a row a tensor: its grid by colour and number, then the columns.

    columns: by title, an entry a tensor, "input" first.
    """
    numbers, entries = numbers_of(qnet), zip(*columns.values(), strict=True)
    rows = [
        [coloured(number), name, f"{grid.scale:.5f} / {grid.zero_point}", *more]
        for number, (name, grid), more in zip(numbers, qnet.grids.items(), entries, strict=True)
    ]
    return table(["", "tensor", "scale / zero_point", *columns], rows)


def coloured(number: int) -> Markup:
    """Return the cell with a grid's number, its colour on the left."""
    colour = COLOURS[(number - 1) % len(COLOURS)]
    return element("td", {"style": f"border-left:6px solid {colour}"}, number)
